/**
 * Preloaded into every thread of a server: while the file STALL_DIRECTORY/NAME is there, for the server's --name, a
 * sync of the log does not return.
 */

import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'

const LOOK_MS = 20

// A worker thread has no arguments of its own.
const words = fs.readFileSync('/proc/self/cmdline', 'utf8').split('\0')
const name = words[words.indexOf('--name') + 1] ?? ''
const trigger = join(process.env['STALL_DIRECTORY'] ?? '', name)
const { existsSync, fdatasyncSync } = fs
const never = new Int32Array(new SharedArrayBuffer(4))

fs.fdatasyncSync = (descriptor) => {
  while (existsSync(trigger)) Atomics.wait(never, 0, 0, LOOK_MS)
  fdatasyncSync(descriptor)
}

syncBuiltinESMExports()
