/** What the event log says, as one line per change. */

import { Slice } from '../../../src/base/slice.js'
import { EventLogReader } from '../../../src/keyspace/event-log-reader.js'
import { KeyRecord } from '../../../src/keyspace/key-record.js'
import type { SharedWords } from '../../../src/messages/shared-words.js'

export interface SeenEvent {
  readonly main: number
  readonly sub: number
  readonly isLast: boolean
  readonly isTombstone: boolean
  readonly key: string
  readonly value: string
  readonly createRevision: number
  readonly version: number
  readonly leaseId: bigint
}

export class EventTail {
  readonly #reader: EventLogReader
  readonly #record = new KeyRecord()
  readonly #slice = new Slice()

  constructor(memory: SharedArrayBuffer, words: SharedWords) {
    this.#reader = new EventLogReader(memory, words)
  }

  /** Events since the last call; a gap shows as its revision. */
  take(): (SeenEvent | number)[] {
    const seen: (SeenEvent | number)[] = []
    for (;;) {
      const state = this.#reader.fill()
      if (state === 'overrun') throw new Error('the test was overrun by the event log')
      if (state === 'nothing') return seen
      while (this.#reader.next()) seen.push(this.#reader.isGap ? this.#reader.main : this.#current())
    }
  }

  #current(): SeenEvent {
    const { bytes, start, end, main, sub } = this.#reader
    const record = this.#record.readEvent(this.#slice.at(bytes, start, end), main, sub)
    return {
      main,
      sub,
      isLast: this.#reader.isLastOfRevision,
      isTombstone: record.isTombstone,
      key: textOf(record.key),
      value: record.isTombstone ? '' : textOf(record.value),
      createRevision: record.createRevision,
      version: record.version,
      leaseId: record.leaseId(),
    }
  }
}

export function textOf(slice: Slice): string {
  return Buffer.from(slice.copy()).toString('latin1')
}
