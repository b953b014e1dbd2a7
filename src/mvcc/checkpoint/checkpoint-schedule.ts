/**
 * When a checkpoint is due, and what follows from one: raft may shorten the log. One at a time, after so many bytes
 * or seconds of changes, and a last one at the end.
 *
 * A checkpoint begins only once its applied index is durable in this member's own log, or a restart could find a
 * store that is ahead of the log. With one member it always is: raft commits an entry when a quorum has it on disk,
 * this member is the quorum, and only committed entries come here. With more members a quorum can commit what this
 * disk does not have yet; a checkpoint then waits until raft's word says that its index is durable here.
 */

import { assert } from '../../base/assert.js'
import { Word } from '../../messages/shared-words.js'
import { counters } from '../../metrics/counter-catalogue.js'
import type { Histogram } from '../../metrics/counters.js'
import type { StoreStats } from '../../store/store.js'
import type { MvccContext } from '../mvcc-context.js'
import type { CheckpointSource } from './checkpointer.js'

/** The sizes in the shared words are at most this old. */
const SIZES_MS = 1000
/** Asking how much was written costs as much as a put, so it is not asked for every batch. */
const BYTES_CHECK_MS = 20
/** How soon it is looked again whether this member's own log has what the store has. */
const LOG_BEHIND_RETRY_MS = 20

export interface CheckpointListener {
  /** The checkpoint of `beginOf` is durable, or found no space. */
  onNext(isDurable: boolean, nowMs: number): void
  /** The sizes in the shared words are new. */
  onSizes(stats: StoreStats, nowMs: number): void
}

export class CheckpointSchedule {
  readonly #context: MvccContext
  readonly #listener: CheckpointListener
  /** The store file that changes go to. */
  #source: CheckpointSource
  /** The newest checkpoint is, or will be, of a file that does not take the changes yet: none may follow it. */
  #next: CheckpointSource | null = null
  #isNextInstalled = false
  /** Applied index of the newest checkpoint on disk. */
  #checkpointed = 0
  #bytesAtLast = 0
  #bytesAtSync = 0
  /** When the oldest change without a checkpoint was made; Infinity when there is none. */
  #dirtySinceMs = Infinity
  /** No attempt before this, after one that found no space. */
  #notBeforeMs = -Infinity
  #isOverBytes = false
  #nextBytesCheckMs = -Infinity
  #sizesDueMs = -Infinity
  /** Not said to raft yet, because its ring was full. */
  #unsaid: { index: number; term: number } | null = null

  #settledBefore = 0
  #overflowsBefore = 0
  readonly #durations: Histogram
  #startedMs = 0

  constructor(context: MvccContext, listener: CheckpointListener) {
    this.#context = context
    this.#listener = listener
    this.#source = context.firstGeneration.source
    this.#durations = context.counters.histogram(counters.checkpointDuration)
  }

  get dueAtMs(): number {
    if (this.#context.checkpointer.isRunning || this.#next !== null) return this.#sizesDueMs
    const { checkpointMs } = this.#context.limits
    const dueMs = this.#isOverBytes ? -Infinity : this.#dirtySinceMs + checkpointMs
    return Math.min(Math.max(dueMs, this.#notBeforeMs), this.#sizesDueMs)
  }

  /** The store was restored from a checkpoint at this place, or is new and has none. */
  start(restoredIndex: number): void {
    const { store, words, clock } = this.#context
    this.#checkpointed = restoredIndex
    this.#countPins(0)
    this.#bytesAtLast = this.#bytesAtSync = store.bytesWritten()
    words.store(Word.checkpointWallMs, Math.floor(clock.wallMs()))
    this.#publishSizes(clock.nowMs())
  }

  hasOutcome(): boolean {
    return this.#context.checkpointer.hasOutcome()
  }

  /** A batch, or a slice of a compaction, was committed. */
  onCommitted(nowMs: number): void {
    const { store, limits, checkpointer } = this.#context
    if (this.#dirtySinceMs === Infinity) this.#dirtySinceMs = nowMs
    if (this.#sizesDueMs === Infinity) this.#sizesDueMs = nowMs + SIZES_MS
    if (nowMs < this.#nextBytesCheckMs) return
    this.#nextBytesCheckMs = nowMs + BYTES_CHECK_MS
    const bytes = store.bytesWritten()
    this.#isOverBytes = bytes - this.#bytesAtLast >= limits.checkpointDirtyBytes
    if (bytes - this.#bytesAtSync < limits.syncAheadBytes) return
    this.#bytesAtSync = bytes
    checkpointer.syncAhead(this.#source)
  }

  /**
   * A checkpoint of another file, which is equal to the store now. False while one is running, or the log is behind.
   */
  beginOf(source: CheckpointSource, appliedIndex: number, appliedTerm: number): boolean {
    return this.#isLogged(appliedIndex) && this.#beginOther(source, appliedIndex, appliedTerm)
  }

  /** As `beginOf`, for a leader's store, which is ahead of the log: raft knows of it and is told nothing. */
  beginOfInstalled(source: CheckpointSource, appliedIndex: number, appliedTerm: number): boolean {
    if (!this.#beginOther(source, appliedIndex, appliedTerm)) return false
    this.#isNextInstalled = true
    return true
  }

  #beginOther(source: CheckpointSource, appliedIndex: number, appliedTerm: number): boolean {
    const { checkpointer } = this.#context
    if (checkpointer.isRunning) return false
    assert(this.#next === null, 'one new store file at a time')
    this.#next = source
    checkpointer.begin(source, appliedIndex, appliedTerm)
    return true
  }

  /** Whether this member's own log is known to have all of the store on disk. */
  #isLogged(appliedIndex: number): boolean {
    const notOnDiskFrom = this.#context.words.load(Word.notOnDiskFrom)
    return notOnDiskFrom === 0 || appliedIndex < notOnDiskFrom
  }

  /** From here on changes go to that file. */
  onSwitched(source: CheckpointSource, nowMs: number): void {
    assert(this.#next === source, 'a new store file has a checkpoint of its own first')
    this.#next = null
    this.#source = source
    this.#bytesAtLast = this.#bytesAtSync = this.#context.store.bytesWritten()
    this.#dirtySinceMs = nowMs
    this.#publishSizes(nowMs)
  }

  /** Returns 1 if it did something. */
  work(appliedIndex: number, appliedTerm: number, nowMs: number): number {
    let work = 0
    if (this.hasOutcome()) {
      this.#takeOutcome(nowMs)
      work = 1
    }
    this.#tellRaft()
    if (nowMs >= this.#sizesDueMs) this.#publishSizes(nowMs)
    if (!this.#isDue(nowMs)) return work
    if (!this.#isLogged(appliedIndex)) {
      this.#notBeforeMs = nowMs + LOG_BEHIND_RETRY_MS
      return work
    }
    this.#begin(appliedIndex, appliedTerm)
    return 1
  }

  /** Finishes the one that is running and makes a last one if anything came after it. */
  close(appliedIndex: number, appliedTerm: number): void {
    const { checkpointer, clock } = this.#context
    if (checkpointer.isRunning) this.#waitForOutcome(clock.nowMs())
    if (this.#dirtySinceMs < Infinity && this.#next === null && this.#isLogged(appliedIndex)) {
      this.#begin(appliedIndex, appliedTerm)
      this.#waitForOutcome(clock.nowMs())
    }
    this.#tellRaft()
    checkpointer.close()
  }

  #isDue(nowMs: number): boolean {
    if (this.#context.checkpointer.isRunning || this.#next !== null || nowMs < this.#notBeforeMs) return false
    return this.#isOverBytes || nowMs >= this.#dirtySinceMs + this.#context.limits.checkpointMs
  }

  #begin(appliedIndex: number, appliedTerm: number): void {
    const { store, checkpointer, clock } = this.#context
    this.#startedMs = clock.nowMs()
    this.#bytesAtLast = this.#bytesAtSync = store.bytesWritten()
    this.#dirtySinceMs = Infinity
    this.#isOverBytes = false
    checkpointer.begin(this.#source, appliedIndex, appliedTerm)
    this.#countPins(1)
  }

  #waitForOutcome(nowMs: number): void {
    this.#context.checkpointer.waitForOutcome()
    this.#takeOutcome(nowMs)
  }

  #takeOutcome(nowMs: number): void {
    const { checkpointer, words, clock, logger, limits } = this.#context
    const outcome = checkpointer.takeOutcome()
    this.#countPins(0)
    if (!outcome.ok && this.#next !== null) {
      this.#next = null
      this.#isNextInstalled = false
      this.#listener.onNext(false, nowMs)
      return
    }
    if (!outcome.ok) {
      // The last checkpoint stands, and the log is kept from there on.
      this.#context.counters.add(counters.checkpointFailures)
      this.#notBeforeMs = nowMs + limits.checkpointMs
      this.#dirtySinceMs = Math.min(this.#dirtySinceMs, nowMs)
      logger.error('mvcc', 'no space for a checkpoint; trying again later', { message: outcome.message })
      return
    }
    const { appliedIndex, appliedTerm } = outcome
    this.#durations.observe((clock.nowMs() - this.#startedMs) / 1000)
    assert(appliedIndex >= this.#checkpointed, `checkpoint ${appliedIndex} after ${this.#checkpointed}`)
    this.#checkpointed = appliedIndex
    this.#countPins(0)
    if (!this.#isNextInstalled) this.#unsaid = { index: appliedIndex, term: appliedTerm }
    this.#isNextInstalled = false
    words.store(Word.checkpointWallMs, Math.floor(clock.wallMs()))
    if (this.#next !== null) this.#listener.onNext(true, nowMs)
    else this.#publishSizes(nowMs)
  }

  #countRecent(): void {
    const { store, counters: page } = this.#context
    const stats = store.recentStats()
    if (stats === null) return
    page.set(counters.recentBytes, stats.usedBytes)
    page.add(counters.recentSettled, stats.settled - this.#settledBefore)
    page.add(counters.recentOverflows, stats.overflows - this.#overflowsBefore)
    this.#settledBefore = stats.settled
    this.#overflowsBefore = stats.overflows
  }

  /** The newest checkpoint pins the store it stands for, and so does one that is being made. */
  #countPins(underWay: number): void {
    this.#context.counters.set(counters.openSnapshots, (this.#checkpointed > 0 ? 1 : 0) + underWay)
  }

  #tellRaft(): void {
    if (this.#unsaid !== null && this.#context.raft.checkpointed(this.#unsaid)) this.#unsaid = null
  }

  #publishSizes(nowMs: number): void {
    const { store, words } = this.#context
    const stats = store.stats()
    const { sizeBytes, usedBytes } = stats
    words.store(Word.dbSizeBytes, sizeBytes)
    words.store(Word.dbInUseBytes, usedBytes)
    this.#sizesDueMs = Infinity
    this.#countRecent()
    this.#listener.onSizes(stats, nowMs)
  }
}
