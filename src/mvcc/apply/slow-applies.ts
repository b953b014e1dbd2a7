/** Says when a batch took long to apply. Slow ones come in crowds, so lines are few and the rest is counted. */

import type { Logger } from '../../metrics/logger.js'

const LINES_MAX = 5
const PERIOD_MS = 1000

export class SlowApplies {
  readonly #slowMs: number
  readonly #logger: Logger
  #periodEndMs = -Infinity
  #lines = 0
  #unlogged = 0

  constructor(slowMs: number, logger: Logger) {
    this.#slowMs = slowMs
    this.#logger = logger
  }

  onApplied(tookMs: number, entries: number, lastIndex: number, nowMs: number): void {
    if (tookMs <= this.#slowMs) return
    if (nowMs >= this.#periodEndMs) {
      this.#periodEndMs = nowMs + PERIOD_MS
      this.#lines = 0
    }
    if (++this.#lines > LINES_MAX) {
      this.#unlogged++
      return
    }
    this.#logger.warn('mvcc', 'applying committed entries took too long', {
      tookMs: Math.round(tookMs * 1000) / 1000,
      'expected-duration': `${this.#slowMs}ms`,
      entries,
      lastIndex,
      ...(this.#unlogged > 0 ? { unloggedBefore: this.#unlogged } : {}),
    })
    this.#unlogged = 0
  }
}
