/**
 * A leader's snapshot on its way into this member. Its store lies in a file; the log must not begin anew before a start
 * would begin with that store, and the store must not be switched before the log has begun anew:
 *
 *   peer: snapshotReceived .. core takes it over, storage is held
 *   mvcc: installSnapshot ... a new store file and its checkpoint ... snapshotPrepared
 *   wal:  storage goes on: saveSnapshot (restarts), flush ........... durable
 *   mvcc: switchSnapshot .... the applied word reaches the snapshot
 *
 * What the core has no use for is discarded. One is under way at a time: the core takes no other before this one is
 * applied.
 */

import { assert, assertEqual } from '../base/assert.js'
import { EMPTY_BYTES, text, type Bytes } from '../base/bytes.js'
import type { MvccMessages } from '../messages/mvcc-messages.js'
import type { Sender } from '../messages/protocol.js'
import type { Logger } from '../metrics/logger.js'
import type { ApplyFeed } from './apply-feed.js'
import type { RaftCore } from './core/raft-core.js'
import type { RaftMessage, SnapshotMeta } from './core/raft-message.js'

export interface SnapshotInstallContext {
  readonly mvcc: Sender<MvccMessages>
  readonly feed: ApplyFeed
  readonly logger: Logger
}

/** Files that wait for room in the ring to mvcc; above it they are left for the next start to remove. */
const DISCARDS_MAX = 16

export class SnapshotInstall {
  readonly #context: SnapshotInstallContext
  #meta: SnapshotMeta | null = null
  #path: Bytes = EMPTY_BYTES
  #isOrderOwed = false
  /** The flush that makes the log's new beginning durable; Infinity while it is not written. */
  #flush = Infinity
  #isSwitchOwed = false
  /** The last snapshot that was taken over; what mvcc says of entries below it is old news. */
  takenIndex = 0
  readonly #discards: Bytes[] = []

  constructor(context: SnapshotInstallContext) {
    this.#context = context
  }

  /** True until the order to switch is given. */
  get isUnderWay(): boolean {
    return this.#meta !== null
  }

  /** The message's store lies at `path`, complete and checked. False when the core has no use for it. */
  receive(core: RaftCore, message: RaftMessage, path: Bytes): boolean {
    const before = core.snapshotTaken
    core.step(message)
    const taken = core.snapshotTaken
    if (taken === null || taken === before) return false
    assert(this.#meta === null, `a snapshot at ${taken.index} while another is installed`)
    this.#meta = taken
    this.#path = path
    this.#isOrderOwed = true
    this.takenIndex = taken.index
    this.#context.feed.skipTo(taken.index)
    core.holdStorage()
    return true
  }

  /** A file that nobody has a use for. */
  discard(path: Bytes): void {
    this.#context.logger.info('raft', "a leader's store is of no use", { path: text(path) })
    if (this.#discards.length < DISCARDS_MAX) this.#discards.push(path)
  }

  onPrepared(core: RaftCore, index: number): void {
    assert(this.#meta !== null, 'a snapshot that was prepared is under way')
    assertEqual(index, this.#meta.index, 'index of the snapshot that was prepared')
    core.releaseStorage()
  }

  /** The log begins anew at the snapshot once this flush is answered. */
  onRecorded(snapshot: SnapshotMeta, flush: number): void {
    assert(snapshot === this.#meta, 'the snapshot that is recorded is under way')
    this.#flush = flush
  }

  onDurable(flush: number): void {
    if (flush < this.#flush) return
    this.#flush = Infinity
    this.#isSwitchOwed = true
  }

  /** Gives the orders that are due and that mvcc's ring has room for. */
  work(): void {
    const { mvcc } = this.#context
    while (this.#discards.length > 0) {
      if (!mvcc.discardSnapshot({ path: this.#discards[0] as Bytes })) return
      this.#discards.shift()
    }
    const meta = this.#meta
    if (meta === null) return
    const { index, term } = meta
    if (this.#isOrderOwed) this.#isOrderOwed = !mvcc.installSnapshot({ index, term, path: this.#path })
    if (!this.#isSwitchOwed || !mvcc.switchSnapshot({ index })) return
    this.#isSwitchOwed = false
    this.#meta = null
  }
}
