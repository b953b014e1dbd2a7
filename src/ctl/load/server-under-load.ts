/**
 * A server process that is loaded, measured from outside and stopped: ours, another build of ours, or etcd, on the same
 * ports and flags.
 */

import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../base/system-clock.js'

export type ServerKind = 'raftring' | 'etcd'

export interface ServerOptions {
  readonly kind: ServerKind
  readonly port: number
  /** Cores for `taskset`, such as "0"; null leaves the scheduler alone. */
  readonly cores: string | null
  readonly flags?: readonly string[]
  /** The main file of a build of ours, or the program of etcd. */
  readonly program?: string
  /** Where the data directory is made; the system's place for temporary files by default. */
  readonly parent?: string
  /** Data of an earlier server, kept by its `stop`. */
  readonly directory?: string
}

/** Kernel clock ticks per second, as USER_HZ is on Linux. */
const TICKS_PER_SECOND = 100
const READY_MS_MAX = 120_000
const PROBE_MS = 5

export class ServerUnderLoad {
  readonly kind: ServerKind
  readonly port: number
  readonly pid: number
  readonly directory: string
  /** From its start until it accepted connections. */
  readonly startMs: number
  readonly #process: ChildProcess

  private constructor(options: ServerOptions, process: ChildProcess, directory: string, startMs: number) {
    this.kind = options.kind
    this.port = options.port
    this.pid = process.pid ?? 0
    this.directory = directory
    this.startMs = startMs
    this.#process = process
  }

  static async start(options: ServerOptions): Promise<ServerUnderLoad> {
    const directory = options.directory ?? mkdtempSync(join(options.parent ?? tmpdir(), `bench-${options.kind}-`))
    const [program = '', ...words] = commandOf(options, directory)
    const startedMs = systemClock.nowMs()
    const child = spawn(program, words, {
      // etcd's raft logs whatever the level.
      stdio: ['ignore', 'ignore', options.kind === 'etcd' ? 'ignore' : 'inherit'],
    })
    try {
      await becomesReady(child, options)
    } catch (error) {
      child.kill('SIGKILL')
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true })
      throw error
    }
    return new ServerUnderLoad(options, child, directory, systemClock.nowMs() - startedMs)
  }

  /** CPU seconds of the whole process so far, user and system. */
  cpuSeconds(): number {
    return secondsOf(readFileSync(`/proc/${this.pid}/stat`, 'utf8'))
  }

  /** CPU seconds of each thread so far, by name. */
  threadSeconds(): Map<string, number> {
    const seconds = new Map<string, number>()
    for (const task of readdirSync(`/proc/${this.pid}/task`)) {
      const stat = readFileSync(`/proc/${this.pid}/task/${task}/stat`, 'utf8')
      const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
      seconds.set(`${name} ${task}`, secondsOf(stat))
    }
    return seconds
  }

  residentBytes(): number {
    return this.#memory('VmRSS')
  }

  /** Of the resident memory what no file stands behind. */
  anonymousBytes(): number {
    return this.#memory('RssAnon')
  }

  /** The data stay where `keepsData` says so. */
  async stop(options: { readonly keepsData?: boolean } = {}): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGTERM')
      await ended
    }
    if (options.keepsData !== true) rmSync(this.directory, { recursive: true, force: true })
  }

  #memory(field: string): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024
  }
}

/** A port that nobody listens on, and whose next one is free as well. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await probe(0)
    if (port !== null && port < 65_535 && (await probe(port + 1)) !== null) return port
  }
}

function probe(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(null))
    server.listen(port, '127.0.0.1', () => {
      const { port: taken } = server.address() as AddressInfo
      server.close(() => resolve(taken))
    })
  })
}

function commandOf({ kind, port, cores, program, flags }: ServerOptions, directory: string): string[] {
  const url = `http://127.0.0.1:${port}`
  const peer = `http://127.0.0.1:${port + 1}`
  const own = fileURLToPath(import.meta.resolve('#main'))
  const command = kind === 'etcd' ? [program ?? 'etcd'] : [process.execPath, program ?? own]
  return [
    ...(cores === null ? [] : ['taskset', '-c', cores]),
    ...command,
    '--name=n1',
    `--data-dir=${directory}/data`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=n1=${peer}`,
    '--log-level=error',
    ...(flags ?? []),
  ]
}

async function becomesReady(child: ChildProcess, { kind, port }: ServerOptions): Promise<void> {
  const giveUpAtMs = systemClock.nowMs() + READY_MS_MAX
  let failure: Error | null = null
  child.once('error', (error) => (failure = error))
  while (!(await accepts(port))) {
    if (failure !== null) throw failure
    if (child.exitCode !== null) throw new Error(`${kind} ended with ${child.exitCode}`)
    if (systemClock.nowMs() > giveUpAtMs) throw new Error(`${kind} does not accept on port ${port}`)
    await new Promise((resolve) => setTimeout(resolve, PROBE_MS))
  }
}

function secondsOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
