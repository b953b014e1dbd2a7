/**
 * One node from configuration to its end: directory, identity, memory, threads, client ports; then a drain in the
 * order that requests travel. Nothing is restored or created before the directory is ours alone.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { ThreadControl } from './actor/thread-control.js'
import type { Identity, RingPlacement } from './actor/thread-start.js'
import type { ActorBuilders } from './actor/thread-runner.js'
import { openLogOutputs, type LogSinkStart } from './actor/log/log-outputs.js'
import { LogThread } from './actor/log/log-thread.js'
import { Supervisor, type RemoteControl } from './actor/supervisor.js'
import { readJwtKeys } from './auth/jwt-keys-file.js'
import { hexId } from './base/bytes.js'
import { systemClock } from './base/system-clock.js'
import { claimDataDirectory, hasDataDirectory, type DataDirectory } from './cluster/data-dir-file.js'
import { findIdentity } from './cluster/bootstrap.js'
import { bootstrapDevices } from './cluster/bootstrap-socket.js'
import type { IdentityResult } from './cluster/identity.js'
import type { Config } from './config/config.js'
import { hasAnyPort } from './config/urls.js'
import { describeConfig } from './config/derived.js'
import type { ListenerRole } from './config/sections/listeners.js'
import { SERVER_VERSION } from './config/versions.js'
import type { DoorControl } from './listen/door-control.js'
import { RingLogger } from './metrics/logger.js'
import { StageHistogram, summarize } from './metrics/stage-histogram.js'
import { allocateNode, type NodeMemory } from './node-memory.js'
import { listenersProblem, makeCertificates, openListeners, type OpenDoor } from './listen/node-doors.js'
import { readRingCounters } from './ring/ring-counters.js'
import { readWalMetadata } from './wal/open-wal.js'

/** What fronts listen for. */
const CLIENT_ROLES: readonly ListenerRole[] = ['client', 'grpc', 'http', 'metrics']

export type StartResult =
  | { readonly ok: true; readonly node: RunningNode }
  | { readonly ok: false; readonly message: string }

export interface StartOptions {
  readonly config: Config
  readonly warnings: readonly string[]
  /** Builders for --actor-threads=inline, where all actors run on this thread. */
  readonly builders: ActorBuilders
  /** The node failed and cannot go on: the process should end. Called once. */
  readonly onFailure: (message: string) => void
  /** This member was removed from its cluster: it should stop. Called once, a moment after it has applied that. */
  readonly onRemoved?: (reason: string) => void
  /** Hears what a first start waits for, before there is a log to say it in. */
  readonly onNotice?: (line: string) => void
}

/** Resolves when clients are served, or with the reason why they cannot be. */
export async function bootNode(options: StartOptions): Promise<StartResult> {
  const { config } = options
  const tokens = config.authToken.kind === 'jwt' ? readJwtKeys(config.authToken) : null
  if (tokens !== null && !tokens.ok) return tokens
  const problem = await listenersProblem(config)
  if (problem !== null) return { ok: false, message: problem }
  // A first start with flags that cannot work leaves nothing behind.
  const unborn = hasDataDirectory(config) ? null : await identify(options, null)
  if (unborn?.ok === false) return unborn
  const claimed = await claimDataDirectory(config)
  if (!claimed.ok) return claimed
  let isBooted = false
  try {
    const result = await bootIn(claimed.directory, options, unborn)
    isBooted = result.ok
    return result
  } finally {
    // Whoever tries again in this process must find the directory free.
    if (!isBooted) claimed.directory.release()
  }
}

/** Who this member is, by its log or, at a first start, by what the flags name. */
function identify(options: StartOptions, logged: Parameters<typeof findIdentity>[1]): Promise<IdentityResult> {
  return findIdentity(options.config, logged, bootstrapDevices(options.config, options.onNotice ?? (() => undefined)))
}

async function bootIn(
  directory: DataDirectory,
  options: StartOptions,
  unborn: IdentityResult | null,
): Promise<StartResult> {
  const { config } = options
  const metadata = readWalMetadata(config.walDir)
  if (!metadata.ok) return { ok: false, message: metadata.message }
  const logged = metadata.metadata
  const identified = logged === null && unborn !== null ? unborn : await identify(options, logged)
  if (!identified.ok) return identified
  const outputs = openLogOutputs(config, process.env)
  if (!outputs.ok) return outputs
  const memory = allocateNode(config, identified.identity)
  const node = new RunningNode(options, memory, directory, outputs.sinks)
  try {
    const problem = await bringUp(node, directory, options, identified.identity)
    return problem === null ? { ok: true, node } : { ok: false, message: problem }
  } catch (error) {
    await node.stop('could not start')
    throw error
  }
}

/** The reason why it cannot serve clients, or null when it does. */
async function bringUp(
  node: RunningNode,
  directory: DataDirectory,
  { config, warnings }: StartOptions,
  identity: Identity,
): Promise<string | null> {
  node.logger.info('main', 'starting', {
    'etcd-version': SERVER_VERSION,
    'member-id': hexId(identity.memberId),
    'cluster-id': hexId(identity.clusterId),
    ...describeConfig(config),
  })
  for (const warning of [...warnings, ...directory.warnings]) node.logger.warn('main', warning)
  await makeCertificates(config, node.logger, systemClock.wallMs())
  return node.start()
}

/** In etcd's words. */
const REMOVED = 'the member has been permanently removed from the cluster'
/** Others should hear of the change from this member, if it led, before it is gone. */
const REMOVED_STOP_MS = 1000

export class RunningNode {
  readonly logger: RingLogger
  readonly #options: StartOptions
  readonly #directory: DataDirectory
  readonly #memberId: bigint
  readonly #logThread: LogThread
  readonly #supervisor: Supervisor
  readonly #rings: readonly RingPlacement[]
  readonly #stages: readonly StageHistogram[]
  #doors: readonly OpenDoor[] = []
  /** Resolves when an actor has failed. */
  readonly #failure: Promise<string>
  readonly #removal: Promise<string>
  #tellFailure: (cause: string) => void = () => undefined
  #hasFailed = false
  #isStopping = false

  constructor(
    options: StartOptions,
    memory: NodeMemory,
    directory: DataDirectory,
    logSinks: readonly LogSinkStart[],
  ) {
    const { config, builders } = options
    this.#options = options
    this.#failure = new Promise((resolve) => {
      this.#tellFailure = resolve
    })
    this.#directory = directory
    this.#memberId = memory.starts.at(0)?.identity.memberId ?? 0n
    this.#rings = memory.starts.at(0)?.rings ?? []
    this.#stages = memory.starts.at(0)?.stagePages.map((page) => new StageHistogram(page)) ?? []
    this.#logThread = new LogThread({
      rings: memory.logRings,
      doorbell: memory.logDoorbell,
      sinks: logSinks,
      onFailure: (cause) => this.#fail('log', cause),
    })
    this.logger = new RingLogger({
      ring: memory.logRings.at(-1) as SharedArrayBuffer,
      doorbell: memory.logDoorbell,
      level: config.logLevel,
      format: config.logFormat,
      wallMs: () => systemClock.wallMs(),
    })
    this.#supervisor = new Supervisor({
      starts: memory.starts,
      inline: config.threadsMode === 'inline' ? builders : null,
      onFailure: (actor, cause) => this.#fail(actor, cause),
    })
    this.#removal = this.#supervisor.event('removed').then(() => REMOVED)
    void this.#removal.then((reason) => this.#stopRemoved(reason))
  }

  /**
   * Serves clients when this member has a leader and has said its name, as etcd does. Otherwise the reason why it
   * cannot; it is stopped then.
   */
  async start(): Promise<string | null> {
    const problem = await Promise.race([this.#bringUp(), this.#failure, this.#removal])
    if (problem !== null) await this.stop('could not start')
    return problem
  }

  async #bringUp(): Promise<string | null> {
    const { config } = this.#options
    await this.#supervisor.start()
    const peers = await openListeners(config, ['peer'], () => this.#supervisor.control<DoorControl>('peer', 0))
    if (!peers.ok) return peers.message
    this.#doors = peers.doors
    const difference = await this.#compareHashes()
    if (difference !== null) return difference
    // Clients are told of the ports that were taken, so these are taken first.
    const isPortAny = hasAnyPort(config.advertiseClientUrls)
    if (!isPortAny) await this.#supervisor.event('published')
    const opened = await openListeners(config, CLIENT_ROLES, (index) => this.front(index))
    if (!opened.ok) return opened.message
    this.#doors = [...peers.doors, ...opened.doors]
    if (isPortAny) await this.#supervisor.event('published')
    this.logger.info('main', 'ready to serve client requests', { urls: this.urls('client', 'grpc', 'http') })
    return null
  }

  /** Before it serves clients, a member may have to find that its keys are the others'. In etcd's words if not. */
  async #compareHashes(): Promise<string | null> {
    if (!this.#options.config.gates.InitialCorruptCheck) return null
    const differ = this.#supervisor.event('hashesDiffer')
      .then(() => `${hexId(this.#memberId)} found data inconsistency with peers`)
    return Promise.race([this.#supervisor.event('hashesAgree').then(() => null), differ])
  }

  /** Finishes what clients were promised, then ends. */
  async stop(reason: string): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    this.logger.info('main', 'stopping', { reason })
    await this.#supervisor.stop()
    this.#directory.release()
    this.logger.info('main', 'stopped')
    this.#logThread.stop()
  }

  /** Addresses that are listened on, with the ports that were bound. */
  urls(...roles: readonly ListenerRole[]): string[] {
    return this.#doors.filter(({ role }) => roles.includes(role)).map(({ text }) => text)
  }

  /** Control calls of a front and of its thread. */
  front(index: number): RemoteControl<DoorControl & ThreadControl> {
    return this.#supervisor.control('front', index)
  }

  /** Logs what every front's thread and every ring has done so far, and where requests spent their time. */
  async logStats(): Promise<void> {
    for (let index = 0; index < this.#options.config.frontWorkers; index++) {
      const { rings: _, ...stats } = await this.front(index).stats()
      this.logger.info('main', 'thread stats', { ...stats })
    }
    for (const { from, fromIndex, to, toIndex, memory } of this.#rings) {
      const ring = `${from} ${fromIndex} -> ${to} ${toIndex}`
      this.logger.info('main', 'ring stats', { ring, ...readRingCounters(memory) })
    }
    for (const { stage, count, sumMs, quantileMs } of summarize(this.#stages)) {
      const times = { p50Ms: quantileMs(0.5), p99Ms: quantileMs(0.99) }
      this.logger.info('main', 'stage stats', { stage, count, sumMs, ...times })
    }
  }

  async #stopRemoved(reason: string): Promise<void> {
    await sleep(REMOVED_STOP_MS, null, { ref: false })
    if (this.#isStopping) return
    this.logger.warn('main', 'this member stops', { reason })
    this.#options.onRemoved?.(reason)
  }

  #fail(actor: string, cause: string): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    this.logger.fatal('main', `${actor} failed; the node stops`, { actor, cause })
    this.#logThread.stop()
    this.#tellFailure(`${actor} failed: ${cause}`)
    this.#options.onFailure(`${actor} failed: ${cause}`)
  }
}
