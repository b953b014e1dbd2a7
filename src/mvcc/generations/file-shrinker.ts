/**
 * Gives space back: LMDB never shortens a file, so when too much of one is free, what is in use is copied to a file of
 * its own, which then takes the place of the first. All of it happens between batches, in slices of about two
 * milliseconds.
 *
 * 1. copy: row by row, while the store goes on changing (store/generations/store-copy.ts);
 * 2. checkpoint: at a moment when the two are equal a checkpoint of the new file begins. Once it is durable a start
 *    begins with the new file. Until then the checkpoint before, which is of the old file, stands;
 * 3. switch: the new file has caught up with what came meanwhile. Its number is published, and from then on nothing
 *    is written to the old one;
 * 4. readers let go of the old file at their next turn; the last one gone, and all done that the checkpointer was
 *    ordered to do with it, it is closed and removed. So is a new file that was given up.
 */

import { assert } from '../../base/assert.js'
import { MIB } from '../../config/limits.js'
import { GENERATION_READERS, Word } from '../../messages/shared-words.js'
import { counters } from '../../metrics/counter-catalogue.js'
import { isGenerationUsed } from '../../store/generations/generation-reader.js'
import type { StoreStats } from '../../store/store.js'
import type { StoreCopy } from '../../store/generations/store-copy.js'
import type { CheckpointSchedule } from '../checkpoint/checkpoint-schedule.js'
import type { MvccContext } from '../mvcc-context.js'
import type { StoreGeneration } from './store-generations.js'

const SLICE_ROWS_MIN = 32
const SLICE_ROWS_MAX = 4096
const SLICE_BYTES_MAX = 1 * MIB
/** While entries are applied the copy has one part of the time in five. */
const PAUSE_PER_WORK = 4
/** A copy that is so far behind does not pause. */
const BEHIND_BYTES = 1 * MIB
/** A copy that is equal waits for a checkpoint: how soon it catches up again. */
const EQUAL_PAUSE_MS = 5
/** How often it is asked whether a file may go. */
const LEAVE_CHECK_MS = 20
/** The new file needs so much of what is in use: changes meanwhile, too. */
const ROOM_FACTOR = 1.25
/** Copies take at most so much of the time. */
const REST_PER_COPY = 20

type State = 'idle' | 'copying' | 'checkpointing' | 'switching'

/** A file that is to be closed, and then removed. */
interface LeavingFile {
  readonly generation: StoreGeneration
  /** It was the store: there may be readers of it. */
  readonly wasStore: boolean
  /** A mark behind the last order about it: first that of a sync, then that of its removal. */
  ordered: number
  isClosed: boolean
}

export class FileShrinker {
  readonly #context: MvccContext
  readonly #checkpoints: CheckpointSchedule
  #state: State = 'idle'
  #current: StoreGeneration
  #next: StoreGeneration | null = null
  /** A new one is begun only when it is gone, so that two never have the same name. */
  #leaving: LeavingFile | null = null
  #rows = SLICE_ROWS_MIN
  #nextSliceMs = Infinity
  /** The new file needs room that the disk does not have. */
  #hasNoRoom = false
  #nextLeaveMs = Infinity
  #notBeforeMs = -Infinity
  /** Since when there has been so much to gain; Infinity while there is not. */
  #worthSinceMs = Infinity
  /** Between two files: longer, the sooner one has grown back to what it was. */
  #pauseMs: number
  #switchedMs = -Infinity
  #startedMs = 0
  #bytesAtSync = 0
  /** The last entry applied when the slice before was copied: more since means that the store is busy. */
  #appliedAtSlice = 0
  /** Of `Word.shrinkAsked`: what has been answered, and what the attempt that is running will answer. */
  #answered = 0
  #answering = 0
  /** A leader's store is about to take the place of this one. */
  #isHeld = false

  constructor(context: MvccContext, checkpoints: CheckpointSchedule) {
    this.#context = context
    this.#checkpoints = checkpoints
    this.#current = context.firstGeneration
    this.#pauseMs = context.limits.shrinkPauseMs
  }

  get dueAtMs(): number {
    return Math.min(this.#isHeld && this.#state === 'idle' ? Infinity : this.#nextSliceMs, this.#nextLeaveMs)
  }

  /** An operator may have asked for it at every start at which there is so much to gain. */
  start(): void {
    const { store, words, config } = this.#context
    const { sizeBytes, aheadBytes, usedBytes } = store.stats()
    if (sizeBytes - aheadBytes - usedBytes >= config.bootstrapDefragBytesMin) words.add(Word.shrinkAsked, 1)
  }

  /** Someone asks for it now, whatever there is to gain. */
  isAsked(): boolean {
    if (this.#state !== 'idle' || this.#leaving !== null || this.#isHeld) return false
    return this.#context.words.load(Word.shrinkAsked) !== this.#answered
  }

  /**
   * The new file finds no room for what it has to catch up with, and cannot be given up any more: until it has, nothing
   * is applied, so that the list of what it lacks stays bounded.
   */
  isFarBehind(): boolean {
    return this.#hasNoRoom && (this.#context.store.copy?.behindBytes ?? 0) > this.#context.limits.copyBehindBytesMax
  }

  /** The sizes are known anew: is it worth while? */
  onSizes(stats: StoreStats, nowMs: number): void {
    if (!this.#isWorthWhile(stats)) this.#worthSinceMs = Infinity
    else if (this.#worthSinceMs === Infinity) this.#worthSinceMs = nowMs
    if (this.#state !== 'idle' || this.#worthSinceMs === Infinity) return
    const dueMs = Math.max(this.#worthSinceMs + this.#context.limits.spareHeldMs, this.#notBeforeMs)
    this.#nextSliceMs = Math.min(this.#nextSliceMs, Math.max(nowMs, dueMs))
  }

  /** Returns 1 if it did something. */
  work(appliedIndex: number, appliedTerm: number, nowMs: number): number {
    if (nowMs >= this.#nextLeaveMs) this.#leave(nowMs)
    if (this.#state === 'idle') {
      const isDue = !this.#isHeld && (nowMs >= this.#nextSliceMs || this.isAsked())
      return isDue ? this.#start(nowMs) : 0
    }
    if (nowMs < this.#nextSliceMs) return 0
    if (!this.#slice(appliedIndex, nowMs)) return 1
    const { copy } = this.#context.store
    if (copy === null || !copy.isEqual) return 1
    if (this.#state === 'switching') this.#switch(nowMs)
    else if (this.#state === 'copying' && this.#checkpoints.beginOf(this.#source, appliedIndex, appliedTerm)) {
      this.#state = 'checkpointing'
    }
    return 1
  }

  /** The checkpoint of the new file has its outcome. */
  onCheckpoint(isDurable: boolean, nowMs: number): void {
    assert(this.#state === 'checkpointing', 'a checkpoint of a new store file was asked for')
    if (!isDurable) {
      this.#giveUp('no space for its checkpoint', nowMs)
      return
    }
    this.#state = 'switching'
    this.#nextSliceMs = -Infinity
    if (this.#context.store.copy?.isEqual === true) this.#switch(nowMs)
  }

  /**
   * A leader's store is about to take the place of this one: nothing is copied until it has. True once nothing is, and
   * the file before the current one is gone.
   */
  hold(nowMs: number): boolean {
    this.#isHeld = true
    if (this.#state === 'copying') this.#giveUp("a leader's store takes its place", nowMs)
    return this.#state === 'idle' && this.#leaving === null
  }

  /** The number that the next store file has. */
  get nextNumber(): number {
    return this.#current.number + 1
  }

  /** This file is the store now. The one before is let go of. */
  replaced(next: StoreGeneration, nowMs: number): void {
    assert(this.#isHeld && this.#state === 'idle', 'nothing is copied while the store is replaced')
    const old = this.#current
    this.#current = next
    this.#isHeld = false
    this.#notBeforeMs = nowMs + this.#context.limits.shrinkPauseMs
    this.#letGo(old, true, nowMs)
  }

  /** Before the last checkpoint: a copy that is not finished is of no use. */
  prepareClose(nowMs: number): void {
    if (this.#state === 'copying') this.#giveUp('the node stops', nowMs)
  }

  /** After the last checkpoint, which may have been of the new file. The next start removes what is left. */
  close(): void {
    this.#next?.store.close()
    if (this.#leaving?.isClosed === false) this.#leaving.generation.store.close()
  }

  get #source(): StoreGeneration['source'] {
    assert(this.#next !== null, 'there is a new store file')
    return this.#next.source
  }

  /** Room that is taken ahead is not to be gained. */
  #isWorthWhile({ sizeBytes, aheadBytes, usedBytes }: StoreStats): boolean {
    const { spareBytesMax, spareFactorMax } = this.#context.limits
    const reachedBytes = sizeBytes - aheadBytes
    return reachedBytes - usedBytes >= spareBytesMax && reachedBytes >= spareFactorMax * usedBytes
  }

  #start(nowMs: number): number {
    this.#nextSliceMs = Infinity
    const { generations, store, words, logger } = this.#context
    const stats = store.stats()
    const { usedBytes, sizeBytes } = stats
    // The last file has to go first; whoever asks waits for it.
    if (this.#leaving !== null || (!this.isAsked() && !this.#isWorthWhile(stats))) return 0
    this.#answering = words.load(Word.shrinkAsked)
    if (generations === null) {
      this.#end(true)
      return 1
    }
    this.#startedMs = nowMs
    this.#adaptPause(nowMs)
    this.#context.counters.set(counters.defragInflight, 1)
    const created = generations.create(this.#current.number + 1, Math.floor(usedBytes * ROOM_FACTOR))
    if (!created.ok) {
      this.#notBeforeMs = nowMs + this.#context.limits.shrinkPauseMs
      logger.error('mvcc', 'no space to make the store file smaller', { message: created.message })
      this.#end(false)
      return 1
    }
    this.#next = created.generation
    this.#bytesAtSync = 0
    store.copyTo(created.generation.store)
    this.#state = 'copying'
    this.#nextSliceMs = nowMs
    logger.info('mvcc', 'copying the store to a smaller file', {
      generation: created.generation.number, sizeBytes, usedBytes, revision: words.load(Word.currentRevision),
    })
    return 1
  }

  /** False when the copy had to be given up. */
  #slice(appliedIndex: number, nowMs: number): boolean {
    const { store, clock, limits, checkpointer } = this.#context
    const copy = store.copy as StoreCopy
    const startMs = clock.nowMs()
    const copied = copy.step({ rowsMax: this.#rows, bytesMax: SLICE_BYTES_MAX })
    const endMs = clock.nowMs()
    if (this.#state === 'copying' && (!copied.ok || copy.behindBytes > limits.copyBehindBytesMax)) {
      this.#giveUp(copied.ok ? 'the store changes faster than it is copied' : copied.message, nowMs)
      return false
    }
    if (!copied.ok) {
      // A start may begin with the new file by now: it has to catch up, as soon as there is room.
      this.#nextSliceMs = endMs + limits.noSpaceRetryMs
      this.#hasNoRoom = true
      return false
    }
    this.#hasNoRoom = false
    if (copy.bytesCopied - this.#bytesAtSync >= limits.syncAheadBytes) {
      this.#bytesAtSync = copy.bytesCopied
      checkpointer.syncAhead(this.#source)
    }
    this.#adapt(endMs - startMs)
    const isBusy = appliedIndex !== this.#appliedAtSlice && copy.behindBytes < BEHIND_BYTES
    this.#appliedAtSlice = appliedIndex
    const pauseMs = isBusy && this.#state !== 'switching' ? PAUSE_PER_WORK * (endMs - startMs) : 0
    this.#nextSliceMs = endMs + (copy.isEqual ? Math.max(EQUAL_PAUSE_MS, pauseMs) : pauseMs)
    return true
  }

  /** A busy store needs room to work in: there is nothing to gain from taking it away again and again. */
  #adaptPause(nowMs: number): void {
    const { shrinkPauseMs, shrinkPauseMsMax } = this.#context.limits
    const isBack = nowMs < this.#switchedMs + 2 * this.#pauseMs
    this.#pauseMs = isBack ? Math.min(2 * this.#pauseMs, shrinkPauseMsMax) : shrinkPauseMs
  }

  #adapt(tookMs: number): void {
    const { compactionSliceMs } = this.#context.limits
    if (tookMs > compactionSliceMs) this.#rows = Math.max(SLICE_ROWS_MIN, this.#rows >>> 1)
    else if (tookMs < compactionSliceMs / 2) this.#rows = Math.min(SLICE_ROWS_MAX, this.#rows * 2)
  }

  #switch(nowMs: number): void {
    const { store, words, ringFronts, ringWatchers, logger } = this.#context
    const next = this.#next as StoreGeneration
    const old = this.#current
    const { bytesCopied, rowsCopied } = store.copy as StoreCopy
    store.switchToCopy()
    this.#current = next
    this.#next = null
    words.store(Word.storeGeneration, next.number)
    ringFronts()
    ringWatchers()
    this.#checkpoints.onSwitched(next.source, nowMs)
    const tookMs = nowMs - this.#startedMs
    this.#context.counters.histogram(counters.defragDuration).observe(tookMs / 1000)
    this.#switchedMs = nowMs
    this.#notBeforeMs = nowMs + Math.max(this.#pauseMs, REST_PER_COPY * tookMs)
    this.#letGo(old, true, nowMs)
    logger.info('mvcc', 'the store is in a smaller file', {
      generation: next.number, bytesCopied, rowsCopied, sizeBytes: words.load(Word.dbSizeBytes),
      tookMs: Math.round(tookMs),
    })
    this.#end(true)
  }

  #giveUp(why: string, nowMs: number): void {
    const { store, logger, limits } = this.#context
    const next = this.#next as StoreGeneration
    this.#next = null
    store.dropCopy()
    this.#letGo(next, false, nowMs)
    this.#notBeforeMs = nowMs + limits.shrinkPauseMs
    logger.warn('mvcc', 'gave up making the store file smaller; it is tried again later', { why })
    this.#end(false)
  }

  /** Tells those who asked before it began. */
  #end(isDone: boolean): void {
    const { words, ringFronts } = this.#context
    this.#state = 'idle'
    this.#context.counters.set(counters.defragInflight, 0)
    this.#nextSliceMs = Infinity
    if (this.#answering === this.#answered) return
    this.#answered = this.#answering
    if (!isDone) words.store(Word.shrinkFailed, this.#answering)
    words.store(Word.shrinkAnswered, this.#answering)
    ringFronts()
  }

  /** From here on no order is about this file. */
  #letGo(generation: StoreGeneration, wasStore: boolean, nowMs: number): void {
    assert(this.#leaving === null, 'one file leaves at a time')
    this.#leaving = { generation, wasStore, ordered: this.#context.checkpointer.ordered, isClosed: false }
    this.#leave(nowMs)
  }

  #leave(nowMs: number): void {
    const { words, generations, checkpointer } = this.#context
    const leaving = this.#leaving as LeavingFile
    const { number, store } = leaving.generation
    this.#nextLeaveMs = nowMs + LEAVE_CHECK_MS
    if (!checkpointer.isDone(leaving.ordered)) return
    if (!leaving.isClosed) {
      if (leaving.wasStore && isGenerationUsed(words, number, GENERATION_READERS)) return
      store.close()
      leaving.isClosed = true
      if (generations !== null) checkpointer.remove(generations.pathOf(number))
      leaving.ordered = checkpointer.ordered
      if (!checkpointer.isDone(leaving.ordered)) return
    }
    this.#leaving = null
    this.#nextLeaveMs = Infinity
  }
}
