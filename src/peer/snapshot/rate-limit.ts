/** How many bytes may leave now: a bucket that fills at a fixed rate, and is never deeper than a tenth of a second. */

const BURST_SECONDS = 0.1
/** A chunk must fit, or it would never leave. */
const BURST_BYTES_MIN = 256 * 1024

export class RateLimit {
  readonly #bytesPerMs: number
  readonly #burstBytes: number
  #bytes: number
  #filledMs: number

  /** `bytesPerSecond` Infinity: no limit. */
  constructor(bytesPerSecond: number, nowMs: number) {
    this.#bytesPerMs = bytesPerSecond / 1000
    this.#burstBytes = Math.max(BURST_BYTES_MIN, bytesPerSecond * BURST_SECONDS)
    this.#bytes = this.#burstBytes
    this.#filledMs = nowMs
  }

  /** Takes the bytes out; returns how long to wait before they may leave, in ms. */
  take(bytes: number, nowMs: number): number {
    if (this.#bytesPerMs === Infinity) return 0
    const filled = this.#bytes + (nowMs - this.#filledMs) * this.#bytesPerMs
    this.#bytes = Math.min(this.#burstBytes, filled) - bytes
    this.#filledMs = nowMs
    return this.#bytes >= 0 ? 0 : -this.#bytes / this.#bytesPerMs
  }
}
