/** Makes directories one by one: where none can be made, Node's own recursive way tries for ever (seen on /proc). */

import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Makes the directory and those above it that are missing; returns the first one made, undefined when it was there.
 * Throws the system's error.
 */
export function makeDirectories(path: string, mode: number): string | undefined {
  const missing: string[] = []
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.push(at)
  for (const directory of [...missing].reverse()) {
    try {
      mkdirSync(directory, { mode })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
  // Something else is there by that name: the system says so best itself.
  if (missing.length === 0 && !statSync(path).isDirectory()) mkdirSync(path, { mode })
  return missing.at(-1)
}
