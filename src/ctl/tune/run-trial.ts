/** One trial: a server with some settings in a directory of its own, a load on it, and what both tell. */

import { mixes } from '../load/mixed-requests.js'
import { GrpcLoad } from '../load/grpc-load.js'
import { puts, watches } from '../load/kv-requests.js'
import { busyCoreSeconds } from '../load/machine-use.js'
import { freePort, ServerUnderLoad } from '../load/server-under-load.js'
import { readNode, type NodeReading } from '../view/node-reading.js'
import { viewBetween, type NodeView } from '../view/node-view.js'
import { PageClient } from '../view/page-client.js'
import { saturationOf } from './saturation.js'
import type { Measured, Settings } from './tune-plan.js'

export interface TrialLoad {
  readonly readPercent: number
  readonly valueBytes: number
  readonly keys: number
  readonly clients: number
  readonly watchers: number
  readonly seconds: number
}

export interface TrialOptions {
  readonly load: TrialLoad
  /** Where data directories are made. */
  readonly parent: string
  readonly cores: number
  readonly nowMs: () => number
  readonly pause: (ms: number) => Promise<void>
}

export interface MeasuredTrial extends Measured {
  readonly view: NodeView
  readonly errors: number
  readonly firstError: string
  /** Cores that other programs took meanwhile. */
  readonly otherCores: number
}

const PREFIX = 'tune/'
const WARMUP_MS = 1200
const CLIENTS_PER_CONNECTION = 32
const CONNECTIONS_MAX = 32
const CORES_PER_DRIVER = 4
const PAGE_TIMEOUT_MS = 10_000

export class TrialRunner {
  readonly #options: TrialOptions
  #server: ServerUnderLoad | null = null

  constructor(options: TrialOptions) {
    this.#options = options
  }

  async run(settings: Settings): Promise<MeasuredTrial> {
    const flags = Object.entries(settings).map(([flag, value]) => `--${flag}=${value}`)
    const port = await freePort()
    this.#server = await ServerUnderLoad.start({
      kind: 'raftring', port, cores: null, flags, parent: this.#options.parent,
    })
    try {
      return await this.#load(this.#server)
    } finally {
      await this.abort()
    }
  }

  /** Ends the server of the trial that runs, if there is one. */
  async abort(): Promise<void> {
    const server = this.#server
    this.#server = null
    await server?.stop()
  }

  async #load(server: ServerUnderLoad): Promise<MeasuredTrial> {
    const { load, cores, nowMs, pause } = this.#options
    const { port } = server
    const client = new PageClient({
      endpoint: `127.0.0.1:${port}`, timeoutMs: PAGE_TIMEOUT_MS,
      caFile: '', certFile: '', keyFile: '', insecureSkipVerify: false,
    })
    if (load.readPercent > 0) await this.#fill(port)
    const watchers = load.watchers === 0 ? null : await this.#watch(port)
    const clients = await GrpcLoad.start({
      port,
      clients: load.clients,
      connections: connectionsFor(load.clients),
      workers: Math.max(1, Math.floor(cores / CORES_PER_DRIVER)),
      generator: mixes({ ...load, prefix: PREFIX, serializable: false }),
    })
    await clients.begin()
    await pause(WARMUP_MS)
    const before = await readNode(client, nowMs)
    const cpuBefore = server.cpuSeconds()
    const busyBefore = busyCoreSeconds()
    await clients.measure()
    await pause(load.seconds * 1000)
    const after = await readNode(client, nowMs)
    const cpuSeconds = server.cpuSeconds() - cpuBefore
    const busySeconds = busyCoreSeconds() - busyBefore
    const result = await clients.end()
    await watchers?.end()
    const view = viewBetween(before, after)
    const driverCores = (result.clientCpuUs * result.count) / 1e6 / result.seconds
    const otherCores = Math.max(0, (busySeconds - cpuSeconds) / result.seconds - driverCores)
    return {
      perSecond: result.perSecond,
      p50Us: result.p50Us,
      p99Us: result.p99Us,
      serverCpuUs: (cpuSeconds * 1e6) / Math.max(1, result.count),
      errors: result.errors,
      firstError: result.firstError,
      otherCores,
      view,
      saturation: saturationOf(view, syncShare(before, after), { cores, driverCores, otherCores }),
    }
  }

  /** Reads find their keys. */
  async #fill(port: number): Promise<void> {
    const { keys, valueBytes } = this.#options.load
    const generator = puts({ prefix: PREFIX, keys, valueBytes })
    const load = await GrpcLoad.start({ port, clients: 64, connections: 2, generator })
    await load.begin()
    await load.measure()
    await this.#options.pause(Math.min(5000, 500 + keys / 20))
    await load.end()
  }

  async #watch(port: number): Promise<GrpcLoad> {
    const { watchers } = this.#options.load
    const load = await GrpcLoad.start({
      port, shape: 'stream', clients: watchers, connections: connectionsFor(watchers),
      generator: watches({ prefix: PREFIX }),
    })
    await load.begin()
    await load.measure()
    return load
  }
}

/** Of the time between two readings so much was spent in syncs of the log. */
function syncShare(before: NodeReading, after: NodeReading): number {
  const metric = 'etcd_disk_wal_fsync_duration_seconds_sum'
  const seconds = (after.atMs - before.atMs) / 1000
  return (after.metrics.value(metric) - before.metrics.value(metric)) / Math.max(0.001, seconds)
}

function connectionsFor(clients: number): number {
  return Math.max(1, Math.min(CONNECTIONS_MAX, Math.ceil(clients / CLIENTS_PER_CONNECTION)))
}
