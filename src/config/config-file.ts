/** Reads a config file from the disk. */

import { readFileSync, statSync } from 'node:fs'
import type { FileReader } from './flags.js'

/** A configuration is a page or two; anything much larger is another file. */
const FILE_BYTES_MAX = 1024 * 1024

export const readConfigText: FileReader = (path) => {
  try {
    const { size } = statSync(path)
    if (size > FILE_BYTES_MAX) return { ok: false, message: `${size} bytes are too many for a config file` }
    return { ok: true, text: readFileSync(path, 'utf8') }
  } catch (error) {
    return { ok: false, message: (error as Error).message }
  }
}
