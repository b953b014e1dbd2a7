/** Reads what one member's mvcc writes into its event log, after each of its turns, into the common truth. */

import { Slice } from '../../base/slice.js'
import { EventLogReader } from '../../keyspace/event-log-reader.js'
import { KeyRecord } from '../../keyspace/key-record.js'
import { Word, type SharedWords } from '../../messages/shared-words.js'
import type { Change, Truth } from '../checkers/truth.js'

export class TruthTail {
  readonly #reader: EventLogReader
  readonly #record = new KeyRecord()
  readonly #slice = new Slice()
  #changes: Change[] = []

  constructor(memory: SharedArrayBuffer, words: SharedWords) {
    this.#reader = new EventLogReader(memory, words)
    // Without anybody who watches, events would not be written.
    words.add(Word.watcherCount, 1)
  }

  /** Returns what is wrong, or null. */
  take(who: string, truth: Truth, nowMs: number): string | null {
    for (;;) {
      const state = this.#reader.fill()
      if (state === 'nothing') return null
      if (state === 'overrun') return `${who} wrote more events in one turn than its event log holds`
      while (this.#reader.next()) {
        if (this.#reader.isGap) continue
        const { main, isLastOfRevision } = this.#reader
        this.#changes.push(this.#current())
        if (!isLastOfRevision) continue
        const problem = truth.onRevision(who, main, this.#changes, nowMs)
        this.#changes = []
        if (problem !== null) return problem
      }
    }
  }

  #current(): Change {
    const { bytes, start, end, main, sub } = this.#reader
    const record = this.#record.readEvent(this.#slice.at(bytes, start, end), main, sub)
    return {
      key: textOf(record.key),
      value: record.isTombstone ? null : textOf(record.value),
      createRevision: record.createRevision,
      modRevision: main,
      version: record.version,
      leaseId: record.leaseId(),
    }
  }
}

function textOf(slice: Slice): string {
  return Buffer.from(slice.copy()).toString('latin1')
}
