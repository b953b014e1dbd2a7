/** Puts at a fixed rate, whether the ones before are answered or not, and how long each took. */

import type { EtcdClient } from '../support/etcd-client.js'

const TICK_MS = 5
const KEYS = 10_000
/** More that wait than this are not added to: the server has stopped answering. */
const WAITING_MAX = 20_000

export class SteadyPuts {
  failed = 0
  worstMs = 0
  readonly #client: EtcdClient
  readonly #rate: number
  readonly #value = Buffer.alloc(256, 'p')
  #latencies: number[] = []
  #timer: NodeJS.Timeout | undefined
  #startedMs = 0
  #sent = 0
  #waiting = 0
  #onIdle: (() => void) | undefined

  constructor(client: EtcdClient, rate: number) {
    this.#client = client
    this.#rate = rate
  }

  start(): void {
    this.#startedMs = performance.now()
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    if (this.#waiting === 0) return
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve
    })
  }

  /** Of all puts answered since it was last asked. */
  takeP99Ms(): number {
    const sorted = Float64Array.from(this.#latencies).sort()
    this.#latencies = []
    return Math.round((sorted[Math.floor(sorted.length * 0.99)] ?? 0) * 100) / 100
  }

  /** A put counts from the moment at which it was due. */
  #tick(): void {
    const elapsedMs = performance.now() - this.#startedMs
    for (; this.#sent < (elapsedMs * this.#rate) / 1000; this.#sent++) {
      if (this.#waiting < WAITING_MAX) void this.#put(this.#startedMs + (this.#sent * 1000) / this.#rate)
      else this.failed++
    }
  }

  async #put(dueMs: number): Promise<void> {
    this.#waiting++
    try {
      await this.#client.put({ key: `steady/${this.#sent % KEYS}`, value: this.#value })
    } catch {
      this.failed++
    }
    const tookMs = performance.now() - dueMs
    this.#latencies.push(tookMs)
    this.worstMs = Math.max(this.worstMs, Math.round(tookMs))
    if (--this.#waiting === 0) this.#onIdle?.()
  }
}
