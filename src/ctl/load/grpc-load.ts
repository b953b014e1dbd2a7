/**
 * Drives a gRPC server from worker threads and tells how it did.
 *
 *   const result = await runLoad({ port: 2379, clients: 256, generator: puts({ valueBytes: 256 }) })
 *
 * For loads side by side, such as watchers and a writer, take `GrpcLoad` itself: start, begin, measure, end.
 */

import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { build, type Histogram } from 'hdr-histogram-js'
import { spawnThread } from '../../actor/threads/spawn.js'
import type { LoadOrder, LoadReport, LoadShape, LoadThreadResult, LoadThreadStart } from './load-thread.js'
import type { GeneratorName } from './request-generator.js'

export interface LoadOptions {
  readonly host?: string
  readonly port: number
  readonly generator: GeneratorName
  readonly shape?: LoadShape
  /** Streams: how often each client says its first message; once by default. */
  readonly openings?: number
  readonly workers?: number
  /** Of all workers together, like `clients`. */
  readonly connections?: number
  readonly clients?: number
}

export interface RunOptions extends LoadOptions {
  readonly warmupMs?: number
  readonly durationMs?: number
  /** Called when the measured time begins and when it has ended, to read the server's meters. */
  readonly onMeasure?: () => void
  readonly onMeasured?: () => void
}

export interface LoadResult {
  readonly count: number
  readonly perSecond: number
  readonly seconds: number
  /** Answer messages; on streams they may tell of more than one thing each. */
  readonly answers: number
  readonly errors: number
  readonly firstError: string
  readonly bytesReceived: number
  /** CPU of the load's own threads for each thing counted. */
  readonly clientCpuUs: number
  /** Latencies in microseconds. */
  readonly meanUs: number
  readonly p50Us: number
  readonly p90Us: number
  readonly p99Us: number
  readonly p999Us: number
  readonly maxUs: number
  /** Shares of calls and the latency that these did not exceed. */
  readonly curve: readonly (readonly [share: number, us: number])[]
}

const WARMUP_MS_DEFAULT = 1000
const DURATION_MS_DEFAULT = 3000
const LATENCY_US_MAX = 600_000_000

export async function runLoad(options: RunOptions): Promise<LoadResult> {
  const load = await GrpcLoad.start(options)
  await load.begin()
  await wait(options.warmupMs ?? WARMUP_MS_DEFAULT)
  options.onMeasure?.()
  await load.measure()
  await wait(options.durationMs ?? DURATION_MS_DEFAULT)
  options.onMeasured?.()
  return load.end()
}

export class GrpcLoad {
  readonly #workers: Worker[] = []

  /** Resolves when all connections are open. */
  static async start(options: LoadOptions): Promise<GrpcLoad> {
    const load = new GrpcLoad()
    const clients = options.clients ?? 1
    const connections = Math.min(options.connections ?? 1, clients)
    const workers = Math.min(options.workers ?? 1, connections)
    let firstClient = 0
    for (let i = 0; i < workers; i++) {
      const start: LoadThreadStart = {
        host: options.host ?? '127.0.0.1',
        port: options.port,
        connections: share(connections, workers, i),
        clients: share(clients, workers, i),
        firstClient,
        shape: options.shape ?? 'unary',
        openings: options.openings ?? 1,
        generator: options.generator,
      }
      firstClient += start.clients
      load.#workers.push(spawnThread('tools/load', `load-${i}`, start))
    }
    await load.#all()
    return load
  }

  /** First call of every client; on streams, the opening message. */
  async begin(): Promise<void> {
    await this.#order('begin')
  }

  /** Counting begins here. */
  async measure(): Promise<void> {
    await this.#order('measure')
  }

  /** Counting ends, and the load with it. */
  async end(): Promise<LoadResult> {
    const reports = await this.#order('end')
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
    return summary(reports.flatMap((report) => (report.kind === 'result' ? [report.result] : [])))
  }

  #order(order: LoadOrder): Promise<LoadReport[]> {
    for (const worker of this.#workers) worker.postMessage(order)
    return this.#all()
  }

  /** One report of each worker; a worker that fails rejects. */
  #all(): Promise<LoadReport[]> {
    return Promise.all(
      this.#workers.map(async (worker) => {
        const [report] = (await once(worker, 'message')) as [LoadReport]
        return report
      }),
    )
  }
}

function summary(results: readonly LoadThreadResult[]): LoadResult {
  const sum = (of: (result: LoadThreadResult) => number): number => results.reduce((total, one) => total + of(one), 0)
  const histogram = merged(results)
  const count = sum((one) => one.count)
  const seconds = Math.max(...results.map((one) => one.elapsedUs)) / 1e6
  return {
    count,
    seconds,
    perSecond: count / seconds,
    answers: sum((one) => one.answers),
    errors: sum((one) => one.errors),
    firstError: results.find((one) => one.firstError !== '')?.firstError ?? '',
    bytesReceived: sum((one) => one.bytesReceived),
    clientCpuUs: count === 0 ? 0 : sum((one) => one.cpuUs) / count,
    meanUs: histogram.mean,
    p50Us: histogram.getValueAtPercentile(50),
    p90Us: histogram.getValueAtPercentile(90),
    p99Us: histogram.getValueAtPercentile(99),
    p999Us: histogram.getValueAtPercentile(99.9),
    maxUs: histogram.maxValue,
    curve: curveOf(histogram),
  }
}

/** What a plot of a distribution needs: ever nearer to the slowest. */
export const CURVE_SHARES: readonly number[] = [
  0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999, 0.9999, 1,
]

export function curveOf(histogram: Histogram): (readonly [share: number, us: number])[] {
  return CURVE_SHARES.map((share) => [share, histogram.getValueAtPercentile(100 * share)])
}

function merged(results: readonly LoadThreadResult[]): Histogram {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATENCY_US_MAX,
    numberOfSignificantValueDigits: 3,
  })
  for (const { latencies } of results) {
    for (let i = 0; i < latencies.length; i += 2) {
      histogram.recordValueWithCount(latencies[i] as number, latencies[i + 1] as number)
    }
  }
  return histogram
}

/** Part `index` of `total` in `parts` nearly equal parts. */
function share(total: number, parts: number, index: number): number {
  return Math.floor((total * (index + 1)) / parts) - Math.floor((total * index) / parts)
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
