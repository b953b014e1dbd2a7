/**
 * Preloaded into every thread of a server: once the file named by FAILING_DISK_TRIGGER is there,
 * the call named in it fails with the error behind it, as in `fdatasyncSync EIO`.
 */

import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const trigger = process.env['FAILING_DISK_TRIGGER'] ?? ''
const read = fs.readFileSync

function failIfTold(name: string): void {
  let text: string
  try {
    text = read(trigger, 'utf8')
  } catch {
    // No trigger yet: the disk is well.
    return
  }
  const [call, code] = text.trim().split(' ')
  if (call !== name) return
  throw Object.assign(new Error(`${code}: injected, ${name}`), { code, syscall: name })
}

const { fdatasyncSync, writeSync } = fs

fs.fdatasyncSync = (descriptor) => {
  failIfTold('fdatasyncSync')
  fdatasyncSync(descriptor)
}

fs.writeSync = ((...args: Parameters<typeof writeSync>) => {
  // Small descriptors are for people: what the server prints goes out.
  if (args[0] > 2) failIfTold('writeSync')
  return writeSync(...args)
}) as typeof writeSync

syncBuiltinESMExports()
