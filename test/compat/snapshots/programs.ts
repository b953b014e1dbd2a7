/** Debian's etcdctl and this project's raftringctl, run to their ends. */

import { execFile } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const REPOSITORY = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../..')
const RUN_MS_MAX = 60_000

export interface ProgramResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export function raftringctl(...args: readonly string[]): Promise<ProgramResult> {
  return run(process.execPath, [path.join(REPOSITORY, 'dist/src/ctl/main.js'), ...args])
}

export function etcdctl(...args: readonly string[]): Promise<ProgramResult> {
  return run('/usr/bin/etcdctl', args)
}

/** What it printed; throws when it failed. */
export async function printed(running: Promise<ProgramResult>): Promise<string> {
  const { code, stdout, stderr } = await running
  if (code !== 0) throw new Error(`exit code ${code}: ${stdout}${stderr}`)
  return stdout
}

function run(program: string, args: readonly string[]): Promise<ProgramResult> {
  const options = { env: { ...process.env, ETCDCTL_API: '3' }, timeout: RUN_MS_MAX, maxBuffer: 2 ** 28 }
  return new Promise((resolve) => {
    const child = execFile(program, args, options, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr })
    })
  })
}
