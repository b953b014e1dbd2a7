/**
 * The stages of reads. They are answered many at a time from one snapshot, and those that came in one piece of a
 * socket's bytes were heard at one moment, so they are counted in runs and not one by one.
 */

import { Stage, type StageHistogram } from '../../metrics/stage-histogram.js'

/** Reads that wait for one snapshot, in runs that were heard together. */
export class ReadRuns {
  readonly heardMs: number[] = []
  readonly authMs: number[] = []
  readonly counts: number[] = []

  add(heardMs: number, authMs: number): void {
    const last = this.counts.length - 1
    if (last >= 0 && this.heardMs[last] === heardMs && this.authMs[last] === authMs) {
      this.counts[last] = (this.counts[last] as number) + 1
      return
    }
    this.heardMs.push(heardMs)
    this.authMs.push(authMs)
    this.counts.push(1)
  }

  get isEmpty(): boolean {
    return this.counts.length === 0
  }
}

interface Served {
  readonly runs: ReadRuns
  /** When the turn began that took them up. */
  readonly takenMs: number
  /** When their snapshot was opened. */
  readonly openedMs: number
}

export type LogSlowReads = (fields: Readonly<Record<string, unknown>>, nowMs: number) => void

export class ReadTimes {
  readonly #stages: StageHistogram
  readonly #enabled: boolean
  readonly #slowMs: number
  readonly #logSlow: LogSlowReads
  #served: Served[] = []

  constructor(stages: StageHistogram, enabled: boolean, slowMs: number, logSlow: LogSlowReads) {
    this.#stages = stages
    this.#enabled = enabled
    this.#slowMs = slowMs
    this.#logSlow = logSlow
  }

  get hasAnswered(): boolean {
    return this.#served.length > 0
  }

  onServed(runs: ReadRuns, takenMs: number, openedMs: number): void {
    if (!runs.isEmpty) this.#served.push({ runs, takenMs, openedMs })
  }

  onFlushed(encodedMs: number, nowMs: number): void {
    for (const served of this.#served) this.#finish(served, encodedMs, nowMs)
    if (this.#served.length > 0) this.#served = []
  }

  #finish({ runs, takenMs, openedMs }: Served, encodedMs: number, nowMs: number): void {
    for (let run = 0; run < runs.counts.length; run++) {
      const heardMs = runs.heardMs[run] as number
      const authMs = runs.authMs[run] as number
      const count = runs.counts[run] as number
      const stages = this.#stages
      if (this.#enabled) {
        stages.record(Stage.read_decode, takenMs - heardMs - authMs, count)
        stages.record(Stage.read_auth, authMs, count)
        stages.record(Stage.read_index, openedMs - takenMs, count)
        stages.record(Stage.read, encodedMs - openedMs, count)
        stages.record(Stage.read_send, nowMs - encodedMs, count)
        stages.record(Stage.read_total, nowMs - heardMs, count)
      }
      if (nowMs - heardMs < this.#slowMs) continue
      this.#logSlow({
        reads: count,
        tookMs: round(nowMs - heardMs),
        readDecodeMs: round(takenMs - heardMs - authMs),
        readAuthMs: round(authMs),
        readIndexMs: round(openedMs - takenMs),
        readMs: round(encodedMs - openedMs),
        readSendMs: round(nowMs - encodedMs),
      }, nowMs)
    }
  }
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
