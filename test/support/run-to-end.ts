/** Runs the raftring command to its end, for tests about starts that are refused. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { commandOf, type Exit, type ServerKind } from './server-process.js'

export interface EndedRun extends Exit {
  /** What it printed, both streams. */
  readonly output: string
}

const RUN_MS_MAX = 20_000

export async function runToEnd(
  flags: readonly string[],
  options: {
    readonly kind?: ServerKind
    readonly wrapper?: readonly string[]
    readonly env?: Record<string, string>
  } = {},
): Promise<EndedRun> {
  const [program, ...rest] = [...(options.wrapper ?? []), ...commandOf(options.kind ?? 'raftring'), ...flags]
  const child = spawn(program as string, rest, {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: RUN_MS_MAX,
    killSignal: 'SIGKILL',
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
    })
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal, output }
}
