/** Counts ranges, and their time: those that are answered together from one snapshot share it. */

import { counters } from '../../metrics/counter-catalogue.js'
import type { Counters, Histogram } from '../../metrics/counters.js'

export class RangeMeter {
  readonly #counters: Counters
  readonly #succeeded: Histogram
  readonly #failed: Histogram
  #answered = 0
  #refused = 0

  constructor(page: Counters) {
    this.#counters = page
    this.#succeeded = page.histogram(counters.rangeDuration, 0)
    this.#failed = page.histogram(counters.rangeDuration, 1)
  }

  /** Something of this snapshot's reads has to be timed. */
  get hasCounted(): boolean {
    return this.#answered + this.#refused > 0
  }

  answered(isGood: boolean): void {
    if (isGood) this.#answered++
    else this.#refused++
  }

  /** Ranges of a transaction that only reads. */
  answeredTxn(ranges: number): void {
    this.#counters.add(counters.mvccRanges, ranges)
    if (ranges > 1) this.#counters.add(counters.mvccTxns)
  }

  /** The snapshot is about to be closed, `tookMs` after it was opened for `reads` reads of any kind. */
  endSnapshot(tookMs: number, reads: number): void {
    const seconds = tookMs / 1000 / Math.max(1, reads)
    this.#counters.add(counters.mvccRanges, this.#answered + this.#refused)
    if (this.#answered > 0) this.#succeeded.observe(seconds, this.#answered)
    if (this.#refused > 0) this.#failed.observe(seconds, this.#refused)
    this.#answered = 0
    this.#refused = 0
  }
}
