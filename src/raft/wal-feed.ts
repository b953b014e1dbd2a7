/** What wal is given, in the order of the core's Readys, and which of it wal has answered for. */

import { assert, assertAtLeast } from '../base/assert.js'
import type { Message, Sender } from '../messages/protocol.js'
import type { RaftMessages } from '../messages/raft-messages.js'
import { SyncTimesReader, SyncTimesWriter, allocateSyncTimes } from '../messages/sync-times.js'
import type { WalMessages } from '../messages/wal-messages.js'
import { encodeConf } from './conf-codec.js'
import type { RaftCore } from './core/raft-core.js'
import type { SnapshotMeta } from './core/raft-message.js'
import type { HardState } from './core/raft-state.js'
import type { Ready } from './core/ready.js'

/** How long a commit index may wait for an append to travel with before it is written by itself. */
const COMMIT_HELD_MS_MAX = 1000

interface Flush {
  readonly sequence: number
  readonly term: number
  readonly index: number
}

export interface SnapshotPoint {
  readonly index: number
  readonly term: number
}

export class WalFeed {
  /** Which write each entry went to disk with: by the time others have it, newer ones are there as well. */
  readonly times: SyncTimesReader
  readonly #synced: SyncTimesWriter
  readonly #wal: Sender<WalMessages>
  readonly #flushes: Flush[] = []
  #flushSequence = 0
  #commitHeldSinceMs = Infinity

  constructor(wal: Sender<WalMessages>) {
    this.#wal = wal
    const memory = allocateSyncTimes()
    this.times = new SyncTimesReader(memory)
    this.#synced = new SyncTimesWriter(memory)
  }

  /** True when wal has answered for everything. */
  get isSettled(): boolean {
    return this.#flushes.length === 0
  }

  /** The oldest flush that wal has not answered, 0 when there is none. */
  get oldestFlush(): number {
    return this.#flushes.length === 0 ? 0 : (this.#flushes[0] as Flush).sequence
  }

  /** The last flush ordered: it covers all that was given so far. */
  get lastFlush(): number {
    return this.#flushSequence
  }

  /** When a commit index must be written that found no append to travel with. */
  get dueAtMs(): number {
    return this.#commitHeldSinceMs + COMMIT_HELD_MS_MAX
  }

  store(core: RaftCore, ready: Ready, proposedMs: number, nowMs: number): void {
    if (ready.snapshot !== null) this.#restart(ready.snapshot)
    const isAlone = core.commitsAlone()
    for (let i = ready.appendFirst; i <= ready.appendLast; i++) {
      const entry = core.entry(i)
      // Alone it has been given its time already; a number kept in an entry costs an object each.
      if (!isAlone) entry.proposedUs = proposedMs * 1000
      const sent = this.#wal.append({ term: entry.term, index: i, type: entry.type, data: entry.data })
      assert(sent, 'the ring to wal had room for the append')
    }
    if (ready.mustSync) {
      this.#saveState(ready.hardState, true)
      this.#flush(ready.appendTerm, ready.appendIndex)
    } else if (ready.hardStateChanged) {
      // The commit index alone is worth no write: it travels with the next append, or after a while.
      this.#commitHeldSinceMs = Math.min(this.#commitHeldSinceMs, nowMs)
    }
  }

  onDurable(core: RaftCore, message: Message<RaftMessages, 'durable'>): void {
    let covered = 0
    let last: Flush | null = null
    while (this.#flushes.length > 0 && (this.#flushes[0] as Flush).sequence <= message.sequence) {
      const flush = this.#flushes.shift() as Flush
      covered++
      // The flush of a snapshot record appended nothing; it must not hide the appends that went before it.
      if (flush.index >= 0) last = flush
    }
    assertAtLeast(covered, 1, 'flushes that a durable covers')
    if (last === null) return
    this.#synced.add(last.index, message, message.syncedMs)
    core.onDurable(last.term, last.index)
  }

  /** A snapshot record needs no copy of the store: the checkpoint that it stands for is already on disk. */
  saveSnapshot(core: RaftCore, { index, term }: SnapshotPoint): void {
    const confState = encodeConf(core.confState)
    const sent = this.#wal.saveSnapshot({ index, term, restarts: 0, confState })
    assert(sent, 'the ring to wal had room for the snapshot record')
    this.#flush(0, -1)
  }

  /** At a start: the store is a leader's of which a crash has kept the log from hearing. */
  restartLog(snapshot: SnapshotMeta): void {
    this.#restart(snapshot)
    this.#flush(0, -1)
  }

  writeCommit(core: RaftCore): void {
    const { term, vote, stable } = core.status()
    // Never past what the log on disk holds.
    this.#saveState({ term, vote, commit: Math.min(core.committed, stable) }, false)
  }

  /** The log begins anew behind a leader's store, whose checkpoint is on disk. */
  #restart({ index, term, confState }: SnapshotMeta): void {
    const sent = this.#wal.saveSnapshot({ index, term, restarts: 1, confState: encodeConf(confState) })
    assert(sent, 'the ring to wal had room for the snapshot record')
  }

  #saveState(state: HardState, mustSync: boolean): void {
    const sent = this.#wal.saveState({
      term: state.term,
      vote: BigInt.asIntN(64, state.vote),
      commit: state.commit,
      mustSync: mustSync ? 1 : 0,
    })
    assert(sent, 'the ring to wal had room for the state')
    this.#commitHeldSinceMs = Infinity
  }

  #flush(term: number, index: number): void {
    this.#flushSequence++
    assert(this.#wal.flush({ sequence: this.#flushSequence }), 'the ring to wal had room for the flush')
    this.#flushes.push({ sequence: this.#flushSequence, term, index })
  }
}
