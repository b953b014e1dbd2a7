/**
 * `import { startNode } from 'raftring'`: a node inside a Node program, for tests and for programs that want a store of
 * their own. docs/EMBEDDING.md tells how to use it.
 */

import { actorBuilders } from '../workers/actor-builders.js'
import { conclude, type Config } from './config/config.js'
import { readFlags } from './config/flags.js'
import { MemoryHome, type Home } from './embed/memory-home-file.js'
import { bootNode, type RunningNode } from './node.js'

/** The value of a flag: lists are joined with commas. */
export type FlagValue = string | number | boolean | readonly string[]

export interface NodeOptions {
  /** Where data is kept. Without it the node lives in memory, and what it held is gone when it is closed. */
  readonly dataDir?: string
  /** The member's name; `embedded` by default. */
  readonly name?: string
  /** The address to listen on; `127.0.0.1` by default. */
  readonly host?: string
  /** The port to listen on; 0, the default, takes a free one. */
  readonly port?: number
  /** The path of a unix socket to listen on, in place of host and port. */
  readonly socketPath?: string
  /**
   * `inline`: everything on the calling thread, which is quickest to start and right for tests. `shared` and
   * `dedicated`: threads of its own, for a program that has other work to do. `inline` by default in memory, `shared`
   * on disk.
   */
  readonly threads?: 'inline' | 'shared' | 'dedicated'
  /** The least severe level that is logged to stderr; `error` by default. */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'panic' | 'fatal'
  /** Any other flags of the server, by name and without dashes: `{ 'max-txn-ops': 1000 }`. */
  readonly flags?: Readonly<Record<string, FlagValue>>
  /**
   * The node failed and serves no more (a broken disk, a broken invariant); close it. Without this function the failure
   * is thrown where nobody catches it, which ends the program.
   */
  readonly onFailure?: (error: Error) => void
}

export interface EmbeddedNode {
  /** Where clients reach it, such as `http://127.0.0.1:40123` or `unix:///run/store.sock`. */
  readonly clientUrls: readonly string[]
  /** The first of `clientUrls` as clients want it: `127.0.0.1:40123`, or the whole URL of a unix socket. */
  readonly endpoint: string
  /** Where data is kept; a temporary directory in memory. */
  readonly dataDir: string
  /** Finishes what clients were promised and lets go of everything. May be called again. */
  close(): Promise<void>
}

/** Resolves when clients are served; rejects with an Error that says why they cannot be. */
export async function startNode(options: NodeOptions = {}): Promise<EmbeddedNode> {
  const home = options.dataDir === undefined ? new MemoryHome() : { path: options.dataDir, remove: () => undefined }
  try {
    const { config, warnings } = configOf(options, home.path)
    let isOpen = false
    const onFailure = (message: string): void => {
      // One that fails while it starts is told by the start.
      if (isOpen) (options.onFailure ?? throwUncaught)(new Error(message))
    }
    const started = await bootNode({ config, warnings, builders: actorBuilders, onFailure })
    if (!started.ok) throw new Error(started.message)
    isOpen = true
    return new OpenNode(started.node, home)
  } catch (error) {
    home.remove()
    throw error
  }
}

class OpenNode implements EmbeddedNode {
  readonly clientUrls: readonly string[]
  readonly endpoint: string
  readonly dataDir: string
  readonly #node: RunningNode
  readonly #home: Home
  #closed: Promise<void> | null = null

  constructor(node: RunningNode, home: Home) {
    this.#node = node
    this.#home = home
    this.clientUrls = node.urls('client', 'grpc')
    this.endpoint = (this.clientUrls[0] ?? '').replace(/^https?:\/\//, '')
    this.dataDir = home.path
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.#node.stop('closed by its program')
    this.#home.remove()
  }
}

/** As the server's flags: what is given here is checked like any command line. The environment is left out. */
function configOf(options: NodeOptions, dataDir: string): { config: Config; warnings: readonly string[] } {
  const { host = '127.0.0.1', port = 0, socketPath, name = 'embedded', logLevel = 'error' } = options
  const inMemory = options.dataDir === undefined
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  const url = socketPath === undefined ? `http://${address}` : `unix://${socketPath}`
  const flags: Record<string, FlagValue> = {
    name,
    'data-dir': dataDir,
    'listen-client-urls': url,
    'advertise-client-urls': url,
    // Nobody joins it: any port will do.
    'listen-peer-urls': 'http://127.0.0.1:0',
    'initial-advertise-peer-urls': 'http://127.0.0.1:0',
    'actor-threads': options.threads ?? (inMemory ? 'inline' : 'shared'),
    'log-level': logLevel,
    ...(inMemory ? { 'unsafe-no-fsync': true } : {}),
    ...options.flags,
  }
  const argv = Object.entries(flags).map(([flag, value]) => `--${flag}=${String(value)}`)
  const read = readFlags(argv, {})
  if (!read.ok) throw new Error(read.message)
  if ('print' in read) throw new Error(`the flag ${read.print} prints something and starts nothing`)
  const concluded = conclude(read.raw)
  if (!concluded.ok) throw new Error(concluded.message)
  return concluded
}

/** An error that nobody catches ends the program, as a failed node ends its server. */
function throwUncaught(error: Error): void {
  void Promise.reject(error)
}
