/**
 * Puts a leader's store in the place of this member's own, when the member has missed more than the leader's log holds.
 * At any moment a crash leaves one of the two, whole (docs/DATA-ON-DISK.md):
 *
 * 1. clear: no other store file is being made, and no checkpoint;
 * 2. place: a helper thread moves the file to the next generation's name, durably;
 * 3. checkpoint: it is opened and pinned, and a checkpoint of it is made. Once that is durable a start begins with it,
 *    and the log begins anew behind it even if raft had no time to write that down;
 * 4. prepared: raft is told, writes its snapshot record, and orders the switch;
 * 5. switch (`takeOver`): between two batches the file becomes the store.
 *
 * A step that finds no space is tried again: raft waits for as long as that takes, because there is no way back.
 */

import { assert, assertEqual } from '../../base/assert.js'
import { settleRecent } from '../../keyspace/tables/settle-recent.js'
import { KeyspaceView } from '../../keyspace/keyspace-view.js'
import { Word } from '../../messages/shared-words.js'
import { counters } from '../../metrics/counter-catalogue.js'
import type { CheckpointSchedule } from '../checkpoint/checkpoint-schedule.js'
import type { MvccContext } from '../mvcc-context.js'
import type { FileShrinker } from './file-shrinker.js'
import type { StoreGeneration, StoreGenerations } from './store-generations.js'

/** How soon a step is tried again whose way was not clear. */
const RETRY_MS = 5

type State = 'idle' | 'clearing' | 'placing' | 'opening' | 'checkpointing' | 'telling' | 'prepared' | 'ordered'

/** In these somebody else says when it goes on. */
const IS_TOLD: ReadonlySet<State> = new Set<State>(['idle', 'checkpointing', 'prepared', 'ordered'])

export interface LeaderStore {
  readonly index: number
  readonly term: number
  readonly path: string
}

export class SnapshotInstaller {
  readonly #context: MvccContext
  readonly #checkpoints: CheckpointSchedule
  readonly #shrinker: FileShrinker
  #state: State = 'idle'
  #wanted: LeaderStore | null = null
  /** Opened, but its file is not whole yet, for want of space. */
  #unsettled: StoreGeneration | null = null
  #next: StoreGeneration | null = null
  /** A mark behind the order that places the file. */
  #placed = 0
  #dueAtMs = Infinity
  #startedMs = 0

  constructor(context: MvccContext, checkpoints: CheckpointSchedule, shrinker: FileShrinker) {
    this.#context = context
    this.#checkpoints = checkpoints
    this.#shrinker = shrinker
  }

  get dueAtMs(): number {
    return this.#dueAtMs
  }

  /** The next checkpoint's outcome is about this file. */
  get isCheckpointing(): boolean {
    return this.#state === 'checkpointing'
  }

  /** True when `takeOver` is next: no entry is taken any more. */
  get isSwitchOrdered(): boolean {
    return this.#state === 'ordered'
  }

  /** Raft has taken the snapshot over. One at a time: raft takes no other before this one is the store. */
  begin(wanted: LeaderStore, nowMs: number): void {
    assert(this.#state === 'idle', `a leader's store at ${wanted.index} while another is installed`)
    this.#wanted = wanted
    this.#state = 'clearing'
    this.#dueAtMs = this.#startedMs = nowMs
    const { index, term } = wanted
    this.#context.counters.set(counters.snapshotApplying, 1)
    this.#context.logger.info('mvcc', "installing a leader's store", { index, term })
  }

  /** Returns 1 if it did something. */
  work(nowMs: number): number {
    if (nowMs < this.#dueAtMs) return 0
    const before = this.#state
    this.#dueAtMs = nowMs + RETRY_MS
    this.#step(nowMs)
    if (IS_TOLD.has(this.#state)) this.#dueAtMs = Infinity
    if (this.#state === before) return 0
    // The next step may be possible at once.
    if (!IS_TOLD.has(this.#state)) this.#dueAtMs = nowMs
    return 1
  }

  onCheckpoint(isDurable: boolean, nowMs: number): void {
    this.#state = isDurable ? 'telling' : 'opening'
    this.#dueAtMs = isDurable ? nowMs : nowMs + this.#context.limits.noSpaceRetryMs
  }

  /** The log begins anew at `index`, durably. */
  order(index: number): void {
    assert(this.#state === 'prepared', `a switch is ordered of a store that is prepared, not ${this.#state}`)
    assertEqual(index, (this.#wanted as LeaderStore).index, 'index of the store that was prepared')
    this.#state = 'ordered'
  }

  /** The new store, which is the store from here on; its readers find it by its word. */
  takeOver(nowMs: number): LeaderStore {
    const { store, words, ringFronts, ringWatchers, logger, counters: page } = this.#context
    assert(this.#state === 'ordered', 'the switch is ordered')
    const next = this.#next as StoreGeneration
    const wanted = this.#wanted as LeaderStore
    store.replace(next.store, () => words.store(Word.storeGeneration, next.number))
    ringFronts()
    ringWatchers()
    this.#checkpoints.onSwitched(next.source, nowMs)
    this.#shrinker.replaced(next, nowMs)
    this.#next = this.#wanted = null
    this.#state = 'idle'
    page.set(counters.snapshotApplying, 0)
    const { index, term } = wanted
    const tookMs = Math.round(nowMs - this.#startedMs)
    logger.info('mvcc', "the store is a leader's", { generation: next.number, index, term, tookMs })
    return wanted
  }

  /** The store that is about to take over, for what has to be known before it does. */
  get next(): StoreGeneration {
    assert(this.#next !== null, 'a store is prepared')
    return this.#next
  }

  /** After the last checkpoint. A start goes on from whichever file that is of. */
  close(): void {
    this.#next?.store.close()
    this.#unsettled?.store.close()
  }

  #step(nowMs: number): void {
    switch (this.#state) {
      case 'clearing':
        if (this.#shrinker.hold(nowMs) && !this.#context.checkpointer.isRunning) this.#place()
        return
      case 'placing':
        if (this.#context.checkpointer.isDone(this.#placed)) this.#state = 'opening'
        return
      case 'opening':
        if (this.#next !== null || this.#open(nowMs)) this.#checkpoint()
        return
      case 'telling':
        if (this.#context.raft.snapshotPrepared({ index: this.#store.index })) this.#state = 'prepared'
        return
      case 'idle':
      case 'checkpointing':
      case 'prepared':
      case 'ordered':
        return
    }
  }

  get #store(): LeaderStore {
    assert(this.#wanted !== null, "a leader's store is being installed")
    return this.#wanted
  }

  get #generations(): StoreGenerations {
    const { generations } = this.#context
    assert(generations !== null, 'this store can be another file')
    return generations
  }

  #place(): void {
    const { checkpointer } = this.#context
    if (!checkpointer.place(this.#store.path, this.#generations.pathOf(this.#shrinker.nextNumber))) return
    this.#placed = checkpointer.ordered
    this.#state = 'placing'
  }

  /** False when there is no space for it. */
  #open(nowMs: number): boolean {
    if (this.#unsettled === null) {
      const opened = this.#generations.open(this.#shrinker.nextNumber)
      if (!opened.ok) return this.#waitForSpace(opened.message, nowMs)
      this.#unsettled = opened.generation
    }
    const next = this.#unsettled
    const settled = settleRecent(next.store)
    if (!settled.ok) return this.#waitForSpace(settled.message, nowMs)
    this.#unsettled = null
    const { index, term } = this.#store
    const snapshot = next.store.beginRead()
    const view = new KeyspaceView(snapshot)
    const { appliedIndex, appliedTerm } = view
    snapshot.close()
    assertEqual(appliedIndex, index, "applied index of a leader's store")
    assertEqual(appliedTerm, term, "applied term of a leader's store")
    this.#next = next
    return true
  }

  #waitForSpace(message: string, nowMs: number): false {
    this.#dueAtMs = nowMs + this.#context.limits.noSpaceRetryMs
    this.#context.logger.error('mvcc', "no space to open a leader's store", { message })
    return false
  }

  #checkpoint(): void {
    const { index, term } = this.#store
    if (this.#checkpoints.beginOfInstalled(this.next.source, index, term)) this.#state = 'checkpointing'
  }
}
