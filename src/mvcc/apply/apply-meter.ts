/**
 * Counts and times what a batch of entries does. Puts are short and come in crowds: those that follow each other share
 * the time from one look at the clock to the next. Everything else is timed alone.
 */

import { APPLY_OPERATIONS, counters, type ApplyOperation } from '../../metrics/counter-catalogue.js'
import type { Counters, Histogram } from '../../metrics/counters.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import { RaftBody } from '../../proto/hot/raft-request.js'

export interface ApplyMeterOptions {
  readonly counters: Counters
  readonly clock: { nowMs(): number }
  /** --warning-apply-duration */
  readonly slowMs: number
}

interface OperationTimes {
  readonly succeeded: Histogram
  readonly failed: Histogram
}

const NAMES = new Map<string, ApplyOperation>(APPLY_OPERATIONS.map((name) => [name.toLowerCase(), name]))

export class ApplyMeter {
  readonly #options: ApplyMeterOptions
  /** By number of the request's field in the entry. */
  readonly #times = new Map<number, OperationTimes>()
  readonly #unknown: OperationTimes
  readonly #put: OperationTimes
  readonly #compactionPause: Histogram
  /** Up to here all time is accounted for. */
  #sinceMs = 0
  #puts = 0
  #failedPuts = 0

  constructor(options: ApplyMeterOptions) {
    this.#options = options
    this.#unknown = this.#timesOf('unknown')
    for (const [name, field] of Object.entries(RaftBody)) {
      const operation = NAMES.get(name.toLowerCase())
      if (operation !== undefined) this.#times.set(field, this.#timesOf(operation))
    }
    this.#put = this.#times.get(RaftBody.put) ?? this.#unknown
    this.#compactionPause = options.counters.histogram(counters.indexCompactionPause)
  }

  /** A batch begins. */
  begin(nowMs: number): void {
    this.#sinceMs = nowMs
    this.#puts = 0
    this.#failedPuts = 0
  }

  /** An entry that is no put begins: what went before it is not its time. */
  startOther(): void {
    this.#endPuts(this.#options.clock.nowMs())
  }

  /** The entry is applied; `error` is an id of etcd-errors.ts, 0 for none. */
  applied(field: number, error: number): void {
    // As in etcd, asking for what is compacted counts as answered well.
    const isGood = error === 0 || error === etcdErrors.compacted.id
    if (field === RaftBody.put) {
      if (isGood) this.#puts++
      else this.#failedPuts++
      return
    }
    const nowMs = this.#options.clock.nowMs()
    const tookMs = nowMs - this.#sinceMs
    this.#sinceMs = nowMs
    const { succeeded, failed } = this.#times.get(field) ?? this.#unknown
    if (isGood) succeeded.observe(tookMs / 1000)
    else failed.observe(tookMs / 1000)
    if (field === RaftBody.compaction && error === 0) this.#compactionPause.observe(tookMs)
    if (tookMs > this.#options.slowMs) this.#options.counters.add(counters.slowApplies)
  }

  /** The batch's last entry is applied. Returns the time. */
  end(): number {
    const nowMs = this.#options.clock.nowMs()
    this.#endPuts(nowMs)
    return nowMs
  }

  #endPuts(nowMs: number): void {
    const count = this.#puts + this.#failedPuts
    const tookMs = count === 0 ? 0 : (nowMs - this.#sinceMs) / count
    this.#sinceMs = nowMs
    if (count === 0) return
    if (this.#puts > 0) this.#put.succeeded.observe(tookMs / 1000, this.#puts)
    if (this.#failedPuts > 0) this.#put.failed.observe(tookMs / 1000, this.#failedPuts)
    this.#puts = 0
    this.#failedPuts = 0
    if (tookMs > this.#options.slowMs) this.#options.counters.add(counters.slowApplies, count)
  }

  #timesOf(name: ApplyOperation): OperationTimes {
    const page = this.#options.counters
    const series = 2 * APPLY_OPERATIONS.indexOf(name)
    return {
      succeeded: page.histogram(counters.applyDuration, series),
      failed: page.histogram(counters.applyDuration, series + 1),
    }
  }
}
