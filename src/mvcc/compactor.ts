/**
 * The physical part of compaction: removes what no read can ask for any more, in slices that each hold up writes for
 * about two milliseconds, with pauses between them. Where it stands is in the store, so that a restart goes on.
 *
 * A read that has begun below the compact revision may still need what compaction would remove. It has entered its
 * revision in its front's floor word before it opened its snapshot, and that snapshot had a compact revision at or
 * below it; so the floor was there before the compaction was, and every slice that could hurt sees it.
 */

import { LATEST } from '../keyspace/keyspace-view.js'
import type { KeyspaceWriter } from '../keyspace/keyspace-writer.js'
import { Word } from '../messages/shared-words.js'
import type { WriteTransaction } from '../store/store.js'
import { counters } from '../metrics/counter-catalogue.js'
import type { Histogram } from '../metrics/counters.js'
import type { MvccContext } from './mvcc-context.js'

/** A slice has at least this many rows, however slow the disk is. */
const SLICE_ROWS_MIN = 32
/** Of a store's recent rows, with one transaction. */
const SETTLED_ROWS = 1000
/** How long a compaction that a reader holds back waits before it looks again. */
const HELD_BACK_MS = 100

export class Compactor {
  readonly #context: MvccContext
  readonly #writer: KeyspaceWriter
  /** The compact revision; everything up to `#done` is removed. */
  #target = -1
  #done = -1
  #startedMs = 0
  #removed = 0
  /** Where the last slice ended: one that neither removes nor moves on waits for a reader. */
  #nextMain = -1
  /** The floor that the last slice was held back by; LATEST when it was not. */
  #heldBackBy = LATEST
  #rows: number
  #nextSliceMs = Infinity
  #sliceFloor = LATEST
  #progress = { nextMain: 0, done: false, removed: 0 }
  readonly #pauses: Histogram
  readonly #totals: Histogram

  constructor(context: MvccContext, writer: KeyspaceWriter) {
    this.#context = context
    this.#writer = writer
    this.#rows = context.config.compactionBatchMax
    this.#pauses = context.counters.histogram(counters.compactionPause)
    this.#totals = context.counters.histogram(counters.compactionTotal)
  }

  get dueAtMs(): number {
    return this.#nextSliceMs
  }

  /** What held it back has moved. */
  get isReleased(): boolean {
    return this.#heldBackBy !== LATEST && this.#floor() !== this.#heldBackBy
  }

  /** The store's compact revision, at start and after every batch. */
  schedule(compactRevision: number, nowMs: number): void {
    if (compactRevision <= this.#target) return
    if (this.#target === this.#done) {
      this.#startedMs = nowMs
      this.#removed = 0
    }
    this.#target = compactRevision
    this.#nextSliceMs = Math.min(this.#nextSliceMs, nowMs)
  }

  /** The store is another: what is left to do is what it says. */
  startAgain(compactRevision: number, nowMs: number): void {
    this.#target = this.#done = this.#nextMain = -1
    this.#heldBackBy = LATEST
    this.#nextSliceMs = Infinity
    this.schedule(compactRevision, nowMs)
  }

  /** One slice, if one is due. Returns 1 if it changed the store. */
  work(nowMs: number): number {
    if (nowMs < this.#nextSliceMs && !this.isReleased) return 0
    const { store, clock, limits } = this.#context
    this.#heldBackBy = LATEST
    if (store.settledRevision < this.#target) {
      const settled = store.settleSome(SETTLED_ROWS)
      if (!settled.ok || store.settledRevision < this.#target) return this.#goOnSettling(settled.ok)
    }
    const floor = this.#floor()
    const startMs = clock.nowMs()
    this.#sliceFloor = floor
    const result = store.transact(this.#slice)
    const endMs = clock.nowMs()
    if (!result.ok) {
      // Nothing has changed. Batches find the full disk as well and say so to raft.
      this.#nextSliceMs = endMs + limits.noSpaceRetryMs
      return 0
    }
    const { removed, nextMain, done } = this.#progress
    const isHeldBack = !done && removed === 0 && nextMain === this.#nextMain
    this.#removed += removed
    this.#context.counters.add(counters.compactionKeys, removed)
    this.#pauses.observe(endMs - startMs)
    this.#nextMain = nextMain
    if (isHeldBack) {
      this.#heldBackBy = floor
      this.#nextSliceMs = endMs + HELD_BACK_MS
      return 0
    }
    if (done) this.#finish(endMs)
    else this.#nextSliceMs = endMs + this.#pauseMs()
    this.#adapt(endMs - startMs)
    return 1
  }

  /**
   * What a start makes anew from revisions must not be compacted away before it is in the file. Returns 1 if the store
   * has changed.
   */
  #goOnSettling(hasChanged: boolean): number {
    const { clock, limits } = this.#context
    this.#nextSliceMs = clock.nowMs() + (hasChanged ? this.#pauseMs() : limits.noSpaceRetryMs)
    return hasChanged ? 1 : 0
  }

  readonly #slice = (transaction: WriteTransaction): void => {
    const writer = this.#writer
    writer.begin(transaction)
    this.#progress = writer.compactSlice(this.#target, this.#rows, this.#sliceFloor)
    writer.finish()
  }

  #finish(nowMs: number): void {
    const { logger, words, clock } = this.#context
    this.#done = this.#target
    this.#totals.observe(nowMs - this.#startedMs)
    this.#context.counters.set(counters.compactionLast, Math.floor(clock.wallMs() / 1000))
    this.#nextSliceMs = Infinity
    words.store(Word.compactedPhysically, this.#done)
    this.#wakeWaiting()
    if (this.#removed === 0) return
    logger.info('mvcc', 'finished compaction', {
      compactRevision: this.#done,
      removed: this.#removed,
      tookMs: Math.round(nowMs - this.#startedMs),
    })
  }

  /** The configured pause belongs to the configured number of rows; a smaller slice has its share of it. */
  #pauseMs(): number {
    const { compactionBatchMax, compactionSleepMs } = this.#context.config
    return (compactionSleepMs * this.#rows) / compactionBatchMax
  }

  #adapt(tookMs: number): void {
    const { compactionSliceMs } = this.#context.limits
    const rowsMax = this.#context.config.compactionBatchMax
    if (tookMs > compactionSliceMs) this.#rows = Math.max(Math.min(SLICE_ROWS_MIN, rowsMax), this.#rows >>> 1)
    else if (tookMs < compactionSliceMs / 2) this.#rows = Math.min(rowsMax, this.#rows * 2)
  }

  #floor(): number {
    const { words, fronts } = this.#context
    let floor = words.load(Word.hashFloor)
    for (let front = 0; front < fronts.length; front++) {
      floor = Math.min(floor, words.load(Word.readFloor + front))
    }
    return floor
  }

  #wakeWaiting(): void {
    const { words, fronts, ringFronts } = this.#context
    for (let front = 0; front < fronts.length; front++) {
      if (words.load(Word.compactedWanted + front) > this.#done) continue
      ringFronts()
      return
    }
  }
}
