/**
 * One thread of a load generator: some connections, some clients. Each client has one call open: unary clients start
 * the next when one ends, streams stay open and count what comes.
 */

import { readFileSync } from 'node:fs'
import { build, type Histogram } from 'hdr-histogram-js'
import { H2Client } from './h2-client.js'
import { loadGenerator, nowUs, type GeneratorName, type RequestGenerator } from './request-generator.js'

/**
 * `unary`: each client calls again when it was answered. `stream`: each opens one stream and listens. `chat`: each
 * opens one stream and says the next when it was answered.
 */
export type LoadShape = 'unary' | 'stream' | 'chat'

export type LoadOrder = 'begin' | 'measure' | 'end'
export type LoadReport =
  | { readonly kind: 'done' }
  | { readonly kind: 'result'; readonly result: LoadThreadResult }

/** The other end of the thread. */
export interface LoadPort {
  on(event: 'message', listener: (order: LoadOrder) => void): void
  postMessage(report: LoadReport): void
  close(): void
}

/** Returns when the thread's connections are open; it goes on until it is told to end. */
export async function runLoadThread(start: LoadThreadStart, port: LoadPort): Promise<void> {
  const thread = new LoadThread(start, await loadGenerator(start.generator))
  await thread.connect()
  port.on('message', (order) => {
    if (order === 'begin') thread.begin()
    else if (order === 'measure') thread.measure()
    else {
      const result = thread.result()
      void thread.stop().then(() => {
        port.postMessage({ kind: 'result', result })
        port.close()
      })
      return
    }
    port.postMessage({ kind: 'done' })
  })
  port.postMessage({ kind: 'done' })
}

export interface LoadThreadStart {
  readonly host: string
  readonly port: number
  readonly connections: number
  readonly clients: number
  /** Number of this thread's first client among all. */
  readonly firstClient: number
  readonly shape: LoadShape
  /** Streams: how often each client says its first message. */
  readonly openings: number
  readonly generator: GeneratorName
}

export interface LoadThreadResult {
  /** Calls ended well, or what answers on streams counted for. */
  readonly count: number
  readonly answers: number
  readonly errors: number
  readonly firstError: string
  readonly elapsedUs: number
  readonly cpuUs: number
  readonly bytesReceived: number
  /** Value and count of every latency in microseconds that occurred. */
  readonly latencies: Float64Array
}

const LATENCY_US_MAX = 600_000_000
const TICK_US = 10_000

export class LoadThread {
  readonly #start: LoadThreadStart
  readonly #generator: RequestGenerator
  readonly #connections: H2Client[] = []
  readonly #request: Buffer
  readonly #startedUs: Float64Array
  readonly #sequences: Float64Array
  /** The stream of each client that chats; 0 before it has one. */
  readonly #streams: Float64Array
  /** Clients that wait for a window. */
  readonly #waiting: number[] = []
  #histogram: Histogram = newHistogram()
  #isStopping = false
  #open = 0
  #count = 0
  #answers = 0
  #errors = 0
  #firstError = ''
  #measuredFromUs = 0
  #cpuFromUs = 0
  #bytesFrom = 0
  #onQuiet: (() => void) | null = null

  constructor(start: LoadThreadStart, generator: RequestGenerator) {
    this.#start = start
    this.#generator = generator
    this.#request = Buffer.alloc(generator.bytesMax)
    this.#startedUs = new Float64Array(start.clients)
    this.#sequences = new Float64Array(start.clients)
    this.#streams = new Float64Array(start.clients)
  }

  async connect(): Promise<void> {
    const { host, port, connections } = this.#start
    for (let i = 0; i < connections; i++) {
      const client: H2Client = await H2Client.connect(host, port, {
        onMessage: this.#onMessage,
        onEnd: this.#onEnd,
        onClosed: (reason) => this.#fail(reason),
      })
      this.#connections.push(client)
    }
  }

  /** Every client's first call. */
  begin(): void {
    for (let client = 0; client < this.#start.clients; client++) this.#next(client)
    for (const connection of this.#connections) connection.flush()
  }

  /** What came before does not count. */
  measure(): void {
    this.#histogram = newHistogram()
    this.#count = 0
    this.#answers = 0
    this.#errors = 0
    this.#firstError = ''
    this.#bytesFrom = this.#bytesReceived()
    this.#cpuFromUs = threadCpuUs()
    this.#measuredFromUs = nowUs()
  }

  result(): LoadThreadResult {
    return {
      count: this.#count,
      answers: this.#answers,
      errors: this.#errors,
      firstError: this.#firstError,
      elapsedUs: nowUs() - this.#measuredFromUs,
      cpuUs: threadCpuUs() - this.#cpuFromUs,
      bytesReceived: this.#bytesReceived() - this.#bytesFrom,
      latencies: recordedValues(this.#histogram),
    }
  }

  /** Resolves when unary clients have heard their last answer; streams are cut. */
  async stop(): Promise<void> {
    this.#isStopping = true
    if (this.#start.shape === 'unary' && this.#open > 0) {
      await new Promise<void>((resolve) => {
        this.#onQuiet = resolve
      })
    }
    for (const connection of this.#connections) connection.close()
  }

  #next(client: number): void {
    const connection = this.#connections[client % this.#connections.length] as H2Client
    const sequence = this.#sequences[client] as number
    const length = this.#generator.write(this.#request, this.#start.firstClient + client, sequence)
    if (length > connection.room) {
      this.#waiting.push(client)
      return
    }
    this.#sequences[client] = sequence + 1
    this.#startedUs[client] = nowUs()
    this.#open++
    const stream = this.#streams[client] as number
    if (stream > 0) connection.send(stream, this.#request, length)
    else {
      const { shape } = this.#start
      const opened = connection.call(client, this.#generator.method, this.#request, length, shape !== 'unary')
      if (shape === 'chat') this.#streams[client] = opened
      if (shape === 'stream') this.#sayAgain(connection, client, opened)
    }
  }

  /** More of what a stream begins with, such as further watches. */
  #sayAgain(connection: H2Client, client: number, stream: number): void {
    for (let said = 1; said < this.#start.openings; said++) {
      const length = this.#generator.write(this.#request, this.#start.firstClient + client, said)
      connection.send(stream, this.#request, length)
    }
  }

  readonly #onMessage = (client: number, bytes: Buffer, start: number, end: number): void => {
    this.#answers++
    if (this.#start.shape === 'chat') {
      if (this.#isStopping) return
      this.#count++
      this.#record(this.#startedUs[client] as number)
      this.#open--
      this.#next(client)
      return
    }
    if (this.#generator.measure !== undefined) this.#count += this.#generator.measure(bytes, start, end, this.#record)
  }

  readonly #record = (sentUs: number): void => {
    this.#histogram.recordValue(Math.max(1, Math.min(LATENCY_US_MAX, Math.round(nowUs() - sentUs))))
  }

  readonly #onEnd = (client: number, status: number, message: string): void => {
    this.#open--
    this.#streams[client] = 0
    if (this.#isStopping) {
      if (this.#open === 0) this.#onQuiet?.()
      return
    }
    if (status !== 0) {
      this.#fail(`${status} ${message}`)
    } else if (this.#start.shape === 'unary') {
      this.#count++
      this.#record(this.#startedUs[client] as number)
    }
    this.#next(client)
    if (this.#waiting.length > 0) for (const waiting of this.#waiting.splice(0)) this.#next(waiting)
  }

  #fail(reason: string): void {
    if (this.#isStopping) return
    this.#errors++
    if (this.#firstError === '') this.#firstError = reason
  }

  #bytesReceived(): number {
    return this.#connections.reduce((sum, connection) => sum + connection.bytesReceived, 0)
  }
}

function newHistogram(): Histogram {
  return build({ lowestDiscernibleValue: 1, highestTrackableValue: LATENCY_US_MAX, numberOfSignificantValueDigits: 3 })
}

/** Pairs of value and count, for another thread's histogram. */
function recordedValues(histogram: Histogram): Float64Array {
  const pairs: number[] = []
  const recorded = histogram as unknown as {
    readonly countsArrayLength: number
    getCountAtIndex(index: number): number
    valueFromIndex(index: number): number
  }
  for (let i = 0; i < recorded.countsArrayLength; i++) {
    const count = recorded.getCountAtIndex(i)
    if (count > 0) pairs.push(recorded.valueFromIndex(i), count)
  }
  return Float64Array.from(pairs)
}

/** CPU of this thread by the kernel's accounts, to the hundredth of a second. */
function threadCpuUs(): number {
  const stat = readFileSync('/proc/thread-self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_US
}
