/**
 * The committed entries of one store transaction, in index order, and what became of each. An entry is an object that
 * serves again in the next batch; once applied it is itself the `applied` message that its asker hears.
 */

import { assert, assertEqual } from '../../base/assert.js'
import { EMPTY_BYTES, copyBytes, type Bytes } from '../../base/bytes.js'
import type { MvccMessages } from '../../messages/mvcc-messages.js'
import type { Message } from '../../messages/protocol.js'

/** Bit 0 of `applied.flags`. */
export const STORE_CHANGED = 1
/** Bit 1: the request is applied, but went over the quota. */
export const QUOTA_CROSSED = 2

export class BatchEntry {
  term = 0
  index = 0
  /** raftpb.EntryType. */
  type = 0
  answer = 0
  /** The entry's data: in the ring that it came through, or in memory of its own after `EntryBatch.keep`. */
  bytes: Bytes = EMPTY_BYTES
  start = 0
  end = 0

  orderedMs = 0
  proposedMs = 0
  writeStartMs = 0
  writtenMs = 0
  syncedMs = 0
  quorumMs = 0
  committedMs = 0
  applyStartMs = 0
  appliedMs = 0

  requestHigh = 0
  requestLow = 0
  /** Which front waits for it, -1 for none. */
  front = -1
  error = 0
  flags = 0
  outcomeLow = 0
  outcomeHigh = 0
  revision = 0
  count = 0
  /** Whoever waits for it answers from the store: not before it is there. */
  isReadBack = false

  take(message: Message<MvccMessages, 'apply'>): void {
    this.term = message.term
    this.index = message.index
    this.type = message.type
    this.answer = message.answer
    this.orderedMs = message.orderedMs
    this.proposedMs = message.proposedMs
    this.writeStartMs = message.writeStartMs
    this.writtenMs = message.writtenMs
    this.syncedMs = message.syncedMs
    this.quorumMs = message.quorumMs
    this.committedMs = message.committedMs
    this.bytes = message.data.bytes
    this.start = message.data.start
    this.end = message.data.end
  }

  /** Forgets the outcome of an attempt: a batch that found no space is applied again. */
  resetOutcome(): void {
    this.requestHigh = 0
    this.requestLow = 0
    this.front = -1
    this.error = 0
    this.flags = 0
    this.outcomeLow = 0
    this.outcomeHigh = 0
    this.revision = 0
    this.count = 0
    this.isReadBack = false
  }
}

export class EntryBatch {
  readonly entriesMax: number
  readonly bytesMax: number
  length = 0
  readonly #entries: BatchEntry[] = []
  #bytes = 0

  constructor(entriesMax: number, bytesMax: number) {
    this.entriesMax = entriesMax
    this.bytesMax = bytesMax
  }

  /** One entry may pass the byte bound, so that an entry of any size is taken. */
  get isFull(): boolean {
    return this.length >= this.entriesMax || this.#bytes >= this.bytesMax
  }

  get last(): BatchEntry {
    return this.at(this.length - 1)
  }

  at(position: number): BatchEntry {
    assert(position >= 0 && position < this.length, 'position in the batch')
    return this.#entries[position] as BatchEntry
  }

  get bytes(): number {
    return this.#bytes
  }

  add(message: Message<MvccMessages, 'apply'>): BatchEntry {
    assert(!this.isFull, 'a full batch takes no more entries')
    if (this.length > 0) assertEqual(message.index, this.last.index + 1, 'index of the next entry')
    let entry = this.#entries[this.length]
    if (entry === undefined) {
      entry = new BatchEntry()
      this.#entries.push(entry)
    }
    entry.take(message)
    this.length++
    this.#bytes += message.data.length
    return entry
  }

  /** When the batch was begun and when it was done, for what its askers hear. */
  setApplied(applyStartMs: number, appliedMs: number): void {
    for (let i = 0; i < this.length; i++) {
      const entry = this.at(i)
      entry.applyStartMs = applyStartMs
      entry.appliedMs = appliedMs
    }
  }

  /** Copies the entries' data out of the ring, for a batch that must outlive this turn. */
  keep(): void {
    for (let i = 0; i < this.length; i++) {
      const entry = this.at(i)
      entry.bytes = copyBytes(entry.bytes, entry.start, entry.end)
      entry.end -= entry.start
      entry.start = 0
    }
  }

  clear(): void {
    this.length = 0
    this.#bytes = 0
  }
}
