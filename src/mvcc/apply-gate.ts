/**
 * Which entries of the ring from raft may be applied. While this member is the only voter raft gives entries before
 * they are on disk (src/raft/apply-feed.ts); those wait here until wal has said that they are. A few at a time may be
 * applied, but not committed to the store, while wal syncs them.
 */

import { Word, type SharedWords } from '../messages/shared-words.js'
import { SyncTimesReader } from '../messages/sync-times.js'
import type { BatchEntry, EntryBatch } from './apply/entry-batch.js'

export class ApplyGate {
  readonly #words: SharedWords
  readonly #syncTimes: SyncTimesReader
  /** As read last. An entry at or below it was durable then, so it was committed. */
  #durableIndex = 0

  constructor(words: SharedWords, syncTimes: SharedArrayBuffer) {
    this.#words = words
    this.#syncTimes = new SyncTimesReader(syncTimes)
  }

  /** Whether the entry at `index`, if it is in the ring, may be applied after those that are in the batch. */
  isOpen(index: number, batch: EntryBatch): boolean {
    if (index <= this.#durableIndex) return true
    const words = this.#words
    // In this order: if it is a later sync's, the one before is seen to be done.
    const syncing = words.load(Word.applyWhileSyncing)
    this.#durableIndex = words.load(Word.durableIndex)
    // Asked when the entry has been seen in the ring (Inbox.drain), and raft stores this word before it publishes it.
    if (index <= this.#durableIndex || index > words.load(Word.commitsWhenDurable)) return true
    return index <= syncing && (batch.length === 0 || batch.at(0).index > this.#durableIndex)
  }

  /** Whether the entry at `index`, which was let through, is committed. */
  isCommitted(index: number): boolean {
    if (index <= this.#durableIndex) return true
    this.#durableIndex = this.#words.load(Word.durableIndex)
    return index <= this.#durableIndex || index > this.#words.load(Word.commitsWhenDurable)
  }

  /** An entry given early carries no times of its own write: they are known when it is durable. */
  addTimes(entry: BatchEntry): void {
    if (entry.committedMs !== 0 || entry.index > this.#durableIndex) return
    const { writeStartMs, writtenMs, syncedMs, committedMs } = this.#syncTimes.of(entry.index)
    entry.writeStartMs = writeStartMs
    entry.writtenMs = writtenMs
    entry.syncedMs = syncedMs
    entry.quorumMs = syncedMs
    entry.committedMs = committedMs
  }
}
