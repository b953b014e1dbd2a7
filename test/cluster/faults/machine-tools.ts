/** Programs of the machine that faults are made with; one that is missing fails the run, with its name. */

import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'

const TOOLS = ['ip', 'iptables', 'tc', 'mkfs.ext4', 'mount', 'umount', 'fsfreeze', 'fallocate'] as const
/** Debian's package `faketime`. */
const FAKETIME = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1',
]
const COMMAND_MS_MAX = 20_000

const execute = promisify(execFile)

export async function run(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await execute(program, args, { timeout: COMMAND_MS_MAX })
  return stdout
}

/** The same where failure means that there was nothing to do. */
export async function runQuietly(program: string, ...args: readonly string[]): Promise<void> {
  await run(program, ...args).catch(() => undefined)
}

export function faketimeLibrary(): string {
  const found = FAKETIME.find((path) => existsSync(path))
  if (found === undefined) throw new Error('libfaketime is missing: apt-get install faketime')
  return found
}

/** Throws with the names of all that is missing. */
export function requireTools(): void {
  const missing: string[] = TOOLS.filter((tool) => spawnSync('which', [tool]).status !== 0)
  if (process.getuid?.() !== 0) missing.push('root')
  if (missing.length > 0) throw new Error(`faults need what is missing here: ${missing.join(', ')}`)
  faketimeLibrary()
}
