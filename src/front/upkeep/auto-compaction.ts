/**
 * When history is compacted by itself, and up to where: etcd's two modes, to the tick. Only the leader's proposals
 * count; every member keeps the time, so that a new leader goes on where it would have been.
 *
 * `tick` is called when `dueAtMs` has come and returns the revision to compact to, 0 for none. After one that is not 0
 * time stands still until `onResult`.
 */

import type { AutoCompaction } from '../../config/sections/space-config.js'

export interface CompactionTimer {
  readonly dueAtMs: number
  tick(nowMs: number, revision: number, isLeader: boolean): number
  /** Carried out, or was already; otherwise it is tried again at the next tick. */
  onResult(isDone: boolean, nowMs: number): void
}

const HOUR_MS = 3_600_000
/** A period, or an hour of a longer one, has so many ticks. */
const TICKS_PER_INTERVAL = 10
const REVISION_MODE_MS = 300_000

export function compactionTimer(config: AutoCompaction, nowMs: number, revision: number): CompactionTimer | null {
  switch (config.mode) {
    case 'off':
      return null
    case 'periodic':
      return new PeriodicCompaction(config.periodMs, nowMs, revision)
    case 'revision':
      return new RevisionCompaction(config.revisions, nowMs)
  }
}

/** Keeps the history of one period: compacts to the revision that was current that long ago. */
class PeriodicCompaction implements CompactionTimer {
  readonly #tickMs: number
  readonly #intervalMs: number
  readonly #samplesMax: number
  /** Revisions at the last ticks; the oldest is a period old once there are `samplesMax`. */
  readonly #samples: number[] = []
  /** Between compactions: the period before the first, then never more than an hour. */
  #pauseMs: number
  #lastDoneMs: number
  #lastRevision = 0
  #asked = 0
  dueAtMs: number

  constructor(periodMs: number, nowMs: number, revision: number) {
    this.#intervalMs = Math.min(periodMs, HOUR_MS)
    this.#tickMs = this.#intervalMs / TICKS_PER_INTERVAL
    this.#samplesMax = Math.floor(periodMs / this.#tickMs) + 1
    this.#pauseMs = periodMs
    this.#lastDoneMs = nowMs
    this.#samples.push(revision)
    this.dueAtMs = nowMs + this.#tickMs
  }

  tick(nowMs: number, revision: number, isLeader: boolean): number {
    const target = this.#samples[0] as number
    if (isLeader && nowMs - this.#lastDoneMs >= this.#pauseMs && target !== this.#lastRevision) {
      this.#pauseMs = this.#intervalMs
      this.#asked = target
      this.dueAtMs = Infinity
      this.#sample(revision)
      return target
    }
    this.#sample(revision)
    this.dueAtMs = nowMs + this.#tickMs
    return 0
  }

  onResult(isDone: boolean, nowMs: number): void {
    if (isDone) {
      this.#lastRevision = this.#asked
      this.#lastDoneMs = nowMs
    }
    this.dueAtMs = nowMs + this.#tickMs
  }

  #sample(revision: number): void {
    this.#samples.push(revision)
    if (this.#samples.length > this.#samplesMax) this.#samples.shift()
  }
}

/** Keeps so many revisions, and looks every five minutes. */
class RevisionCompaction implements CompactionTimer {
  readonly #revisions: number
  #lastRevision = 0
  #asked = 0
  dueAtMs: number

  constructor(revisions: number, nowMs: number) {
    this.#revisions = revisions
    this.dueAtMs = nowMs + REVISION_MODE_MS
  }

  tick(nowMs: number, revision: number, isLeader: boolean): number {
    const target = revision - this.#revisions
    if (!isLeader || target <= 0 || target === this.#lastRevision) {
      this.dueAtMs = nowMs + REVISION_MODE_MS
      return 0
    }
    this.#asked = target
    this.dueAtMs = Infinity
    return target
  }

  onResult(isDone: boolean, nowMs: number): void {
    if (isDone) this.#lastRevision = this.#asked
    this.dueAtMs = nowMs + REVISION_MODE_MS
  }
}
