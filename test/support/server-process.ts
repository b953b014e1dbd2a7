/**
 * Runs one server process, ours or etcd, as a black box: its own data directory and ports, ready by
 * its own log line, killed with the test whatever happens.
 */

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryDirectory } from './temporary-directory.js'

export type ServerKind = 'raftring' | 'etcd'

export interface ServerSpec {
  readonly kind: ServerKind
  readonly dataDir: string
  /** Where it listens; 127.0.0.1 when not given. */
  readonly host?: string
  readonly clientPort: number
  readonly peerPort: number
  /**
   * The peer URL announced, when it should not follow the port: it decides the member and cluster
   * ids.
   */
  readonly advertisePeerPort?: number
  /** https needs flags that name certificates; http by default. */
  readonly peerScheme?: 'http' | 'https'
  readonly name?: string
  /** Names and peer URLs of all first members; this one alone when not given. */
  readonly initialCluster?: string
  readonly flags?: readonly string[]
  /** Put before the server's command, as in ['setpriv', '--reuid', '65534']. */
  readonly wrapper?: readonly string[]
  readonly readyTimeoutMs?: number
  /**
   * A module that runs first in every thread of the server, to make devices and actors fail. Such a server runs the
   * files that were bundled, because the module reaches the classes of those and not their copies in a bundle.
   */
  readonly preload?: string
  readonly env?: Readonly<Record<string, string>>
  /** Stop reading what the server logs once it is ready. */
  readonly deafAfterReady?: boolean
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** The server ended, or said nothing, before it was ready. */
export class StartError extends Error {
  override readonly name = 'StartError'
  readonly exit: Exit | undefined
  readonly log: string

  constructor(message: string, exit: Exit | undefined, log: string) {
    super(`${message}\n${log.slice(-4000)}`)
    this.exit = exit
    this.log = log
  }
}

const READY = /ready to serve.*client requests/u
const LOG_CHARACTERS_MAX = 4_000_000
const CLOCK_TICK_MS = 10
const REPOSITORY = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..')

const running = new Set<ServerProcess>()
process.on('exit', () => {
  for (const server of running) server.signal('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

export class ServerProcess {
  readonly spec: ServerSpec
  readonly pid: number
  readonly exited: Promise<Exit>
  #log = ''
  #exit: Exit | undefined
  readonly #child: ChildProcess

  private constructor(spec: ServerSpec, child: ChildProcess) {
    this.spec = spec
    this.#child = child
    this.pid = child.pid ?? 0
    running.add(this)
    const collect = (chunk: Buffer): void => {
      this.#log += chunk.toString('utf8')
      if (this.#log.length > LOG_CHARACTERS_MAX)
        this.#log = this.#log.slice(-LOG_CHARACTERS_MAX / 2)
    }
    child.stdout?.on('data', collect)
    child.stderr?.on('data', collect)
    this.exited = once(child, 'close').then(([code, signal]) => {
      running.delete(this)
      this.#exit = { code: code as number | null, signal: signal as NodeJS.Signals | null }
      return this.#exit
    })
  }

  /** Spawns without waiting: for tests about the time before a server is ready. */
  static spawn(spec: ServerSpec): ServerProcess {
    const [program, ...rest] = [...(spec.wrapper ?? []), ...commandOfSpec(spec), ...flagsOf(spec)]
    const preload =
      spec.preload === undefined ? {} : { NODE_OPTIONS: `--import ${spec.preload}` }
    const env = { ...process.env, ETCD_UNSUPPORTED_ARCH: '', ...preload, ...spec.env }
    return new ServerProcess(
      spec,
      spawn(program as string, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] }),
    )
  }

  /** Spawns and waits until the server says that it serves clients. */
  static async start(spec: ServerSpec): Promise<ServerProcess> {
    const server = ServerProcess.spawn(spec)
    await server.ready()
    if (spec.deafAfterReady === true) server.#stopListening()
    return server
  }

  get endpoint(): string {
    return `${hostOf(this.spec)}:${this.spec.clientPort}`
  }

  /** Everything printed so far (the newest part, when very long). */
  get log(): string {
    return this.#log
  }

  get exit(): Exit | undefined {
    return this.#exit
  }

  async ready(): Promise<void> {
    await this.logged(READY, this.spec.readyTimeoutMs ?? 30_000)
  }

  /** Waits for a line in the log; kills the server if it does not come within the bound. */
  async logged(pattern: RegExp, timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.signal('SIGKILL')
        const what = pattern === READY ? 'not ready' : `no ${pattern.source}`
        reject(new StartError(`${what} within ${timeoutMs} ms`, undefined, this.#log))
      }, timeoutMs)
      const look = (): void => {
        if (!pattern.test(this.#log)) return
        clearTimeout(timer)
        resolve()
      }
      this.#child.stdout?.on('data', look)
      this.#child.stderr?.on('data', look)
      look()
      void this.exited.then((exit) => {
        clearTimeout(timer)
        reject(
          new StartError(`ended before it was ready (${JSON.stringify(exit)})`, exit, this.#log),
        )
      })
    })
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) this.#child.kill(signal)
  }

  /** kill -9, and wait until the kernel has taken the process away. */
  async kill(): Promise<Exit> {
    this.signal('SIGCONT')
    this.signal('SIGKILL')
    return await this.exited
  }

  /** Leaves what the server writes in the pipe, which then fills up. */
  #stopListening(): void {
    this.#child.stdout?.pause()
    this.#child.stderr?.pause()
  }

  /** Reads on what the server logs, after `deafAfterReady`. */
  listen(): void {
    this.#child.stdout?.resume()
    this.#child.stderr?.resume()
  }

  /** Asks for a clean end; kill -9 if it does not come within the bound. */
  async stop(timeoutMs = 15_000): Promise<Exit> {
    this.signal('SIGCONT')
    this.signal('SIGTERM')
    const timer = setTimeout(() => this.signal('SIGKILL'), timeoutMs)
    const exit = await this.exited
    clearTimeout(timer)
    return exit
  }

  pause(): void {
    this.signal('SIGSTOP')
  }

  resume(): void {
    this.signal('SIGCONT')
  }

  /** CPU time of all threads so far, user and system. */
  cpuMs(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8')
    // The command name may hold spaces; fields are counted from behind its closing parenthesis.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_MS
  }

  rssBytes(): number {
    return this.#memoryOf('VmRSS')
  }

  /** Memory of the process's own: without pages of files, which the kernel keeps or drops as it likes. */
  anonymousBytes(): number {
    return this.#memoryOf('RssAnon')
  }

  #memoryOf(name: string): number {
    const line = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'mu').exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))
    return Number(line?.[1] ?? 0) * 1024
  }
}

/**
 * Runs `body` with a fresh server on a data directory of its own, and takes both away afterwards.
 * The peer port follows the client port.
 */
export async function withServer(
  spec: Pick<ServerSpec, 'kind' | 'clientPort' | 'flags' | 'advertisePeerPort'>,
  body: (server: ServerProcess) => Promise<void>,
): Promise<void> {
  const directory = temporaryDirectory()
  try {
    const dataDir = directory.path('data')
    const server = await ServerProcess.start({ ...spec, dataDir, peerPort: spec.clientPort + 1 })
    try {
      await body(server)
    } finally {
      await server.kill()
    }
  } finally {
    directory.remove()
  }
}

/**
 * The words that start a server of this kind: RAFTRING_COMMAND and ETCD_COMMAND override, split at
 * spaces.
 */
export function commandOf(kind: ServerKind): string[] {
  if (kind === 'etcd') return (process.env['ETCD_COMMAND'] ?? '/usr/bin/etcd').split(' ')
  const fallback = `${process.execPath} ${path.join(REPOSITORY, 'dist/bundle/main.js')}`
  return (process.env['RAFTRING_COMMAND'] ?? fallback).split(' ')
}

function commandOfSpec({ kind, preload }: ServerSpec): string[] {
  if (preload === undefined || kind === 'etcd') return commandOf(kind)
  return [process.execPath, '--conditions=unbundled', path.join(REPOSITORY, 'dist/src/main.js')]
}

/** The kind that a script should test: SERVER=etcd checks the script itself against etcd. */
export function serverKind(): ServerKind {
  return process.env['SERVER'] === 'etcd' ? 'etcd' : 'raftring'
}

function hostOf({ host }: ServerSpec): string {
  return host ?? '127.0.0.1'
}

function flagsOf(spec: ServerSpec): string[] {
  const name = spec.name ?? 'n1'
  const client = `http://${hostOf(spec)}:${spec.clientPort}`
  const peerUrl = `${spec.peerScheme ?? 'http'}://${hostOf(spec)}`
  const advertisedPeer = `${peerUrl}:${spec.advertisePeerPort ?? spec.peerPort}`
  return [
    '--name',
    name,
    '--data-dir',
    spec.dataDir,
    '--listen-client-urls',
    client,
    '--advertise-client-urls',
    client,
    '--listen-peer-urls',
    `${peerUrl}:${spec.peerPort}`,
    '--initial-advertise-peer-urls',
    advertisedPeer,
    '--initial-cluster',
    spec.initialCluster ?? `${name}=${advertisedPeer}`,
    ...(spec.flags ?? []),
  ]
}
