/**
 * Requests at a fixed rate, whether or not earlier ones have been answered: what a request has to wait because the
 * server is busy with something else is in its latency, which counts from when it was due.
 */

import { build, type Histogram } from 'hdr-histogram-js'
import { curveOf, type LoadResult } from '../../src/ctl/load/grpc-load.js'
import { H2Client, type Metadata } from '../../src/ctl/load/h2-client.js'
import {
  loadGenerator, nowUs, type GeneratorName, type RequestGenerator,
} from '../../src/ctl/load/request-generator.js'

export interface OpenLoopOptions {
  readonly host?: string
  readonly port: number
  readonly generator: GeneratorName
  readonly perSecond: number
  readonly connections: number
  readonly metadata?: Metadata
}

export interface OpenLoopResult {
  readonly count: number
  readonly errors: number
  readonly firstError: string
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
  readonly maxUs: number
  readonly perSecond: number
  readonly curve: LoadResult['curve']
}

const TICK_MS = 1
const LATENCY_US_MAX = 600_000_000
/** Numbers of requests under way. */
const SLOTS = 1 << 20

export class OpenLoop {
  readonly #options: OpenLoopOptions
  readonly #generator: RequestGenerator
  readonly #clients: H2Client[] = []
  readonly #request: Buffer
  readonly #dueUs = new Float64Array(SLOTS)
  #histogram: Histogram = newHistogram()
  #timer: NodeJS.Timeout | null = null
  #startedUs = 0
  #sent = 0
  #errors = 0
  #firstError = ''

  private constructor(options: OpenLoopOptions, generator: RequestGenerator) {
    this.#options = options
    this.#generator = generator
    this.#request = Buffer.alloc(generator.bytesMax)
  }

  /** Resolves when all connections are open and requests flow. */
  static async start(options: OpenLoopOptions): Promise<OpenLoop> {
    const loop = new OpenLoop(options, await loadGenerator(options.generator))
    for (let i = 0; i < options.connections; i++) {
      const events = {
        onMessage: () => undefined,
        onEnd: (call: number, status: number, message: string) => loop.#onEnd(call, status, message),
        onClosed: (reason: string) => loop.#fail(reason),
      }
      loop.#clients.push(await H2Client.connect(options.host ?? '127.0.0.1', options.port, events, options.metadata))
    }
    loop.#startedUs = nowUs()
    loop.#timer = setInterval(() => loop.#sendDue(), TICK_MS)
    return loop
  }

  /** Latencies of what is answered within the time, or until something has happened. */
  async measure(duration: number | Promise<unknown>): Promise<OpenLoopResult> {
    this.#histogram = newHistogram()
    this.#errors = 0
    const startedUs = nowUs()
    await (typeof duration === 'number' ? new Promise((resolve) => setTimeout(resolve, duration)) : duration)
    const durationMs = (nowUs() - startedUs) / 1000
    const histogram = this.#histogram
    return {
      count: histogram.totalCount,
      errors: this.#errors,
      firstError: this.#firstError,
      p50Us: histogram.getValueAtPercentile(50),
      p99Us: histogram.getValueAtPercentile(99),
      p999Us: histogram.getValueAtPercentile(99.9),
      maxUs: histogram.maxValue,
      perSecond: (histogram.totalCount * 1000) / durationMs,
      curve: curveOf(histogram),
    }
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    for (const client of this.#clients) client.close()
  }

  #sendDue(): void {
    const { perSecond } = this.#options
    const due = Math.floor(((nowUs() - this.#startedUs) * perSecond) / 1e6)
    for (; this.#sent < due; this.#sent++) {
      const call = this.#sent % SLOTS
      const client = this.#clients[this.#sent % this.#clients.length] as H2Client
      const length = this.#generator.write(this.#request, 0, this.#sent)
      if (length > client.room) break
      this.#dueUs[call] = this.#startedUs + (this.#sent * 1e6) / perSecond
      client.call(call, this.#generator.method, this.#request, length, false)
    }
    for (const client of this.#clients) client.flush()
  }

  #onEnd(call: number, status: number, message: string): void {
    if (status !== 0) this.#fail(`${status} ${message}`)
    else this.#histogram.recordValue(Math.max(1, Math.round(nowUs() - (this.#dueUs[call] as number))))
  }

  #fail(reason: string): void {
    if (this.#timer === null) return
    this.#errors++
    if (this.#firstError === '') this.#firstError = reason
  }
}

function newHistogram(): Histogram {
  return build({ lowestDiscernibleValue: 1, highestTrackableValue: LATENCY_US_MAX, numberOfSignificantValueDigits: 3 })
}
