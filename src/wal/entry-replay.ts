/** Hands the entries of a recovered log to raft, as many per turn as fit: raft keeps them, this does not. */

import { assert } from '../base/assert.js'
import { Crc32cMemory } from '../base/crc32c-memory.js'
import { Slice } from '../base/slice.js'
import type { Sender } from '../messages/protocol.js'
import type { RaftMessages } from '../messages/raft-messages.js'
import { SegmentScanner, WINDOW_BYTES } from './segment-scanner.js'
import type { WalDevice, WalFile } from './wal-device.js'
import { RecordType } from './wal-record.js'
import { EntryView } from './wal-record-decoder.js'
import type { LogPlace, RecoveredLog } from './wal-recovery.js'
import { neededFrom, type Segment } from './wal-segment.js'

/** Records looked at in one turn. */
const RECORDS_PER_TURN_MAX = 4096

export class EntryReplay {
  readonly #device: WalDevice
  readonly #segments: readonly Segment[]
  readonly #afterIndex: number
  readonly #tailEnd: number
  readonly #restart: LogPlace | null
  readonly #entry = new EntryView()
  readonly #data = new Slice()
  readonly #memory = new Crc32cMemory(WINDOW_BYTES)
  #position: number
  #crc: number | null = null
  #file: WalFile | null = null
  #scanner: SegmentScanner | null = null
  /** The scanner stands on an entry that did not fit into the ring. */
  #entryWaits = false

  constructor(device: WalDevice, log: RecoveredLog) {
    this.#device = device
    this.#segments = log.segments
    this.#afterIndex = log.snapshot.index
    this.#tailEnd = log.offset
    this.#restart = log.restart
    this.#position = neededFrom(log.segments, log.snapshot.index)
  }

  /**
   * Sends what fits; 'full' when the ring has no room now. Entries come in log order, later ones replace earlier
   * ones.
   */
  pump(raft: Sender<RaftMessages>): 'more' | 'full' | 'done' {
    for (let looked = 0; looked < RECORDS_PER_TURN_MAX; looked++) {
      if (!this.#entryWaits && !this.#nextRecord()) return 'done'
      if (!this.#entryWaits) continue
      const { term, index, type } = this.#entry
      if (!raft.recoveredEntry({ term, index, type, data: this.#data })) return 'full'
      this.#entryWaits = false
    }
    return 'more'
  }

  close(): void {
    this.#file?.close()
    this.#file = null
  }

  /** Moves on by one record; false at the end of the log. */
  #nextRecord(): boolean {
    const scanner = this.#scanner ?? this.#openSegment()
    const isTail = this.#position === this.#segments.length - 1
    const step = isTail && scanner.nextOffset >= this.#tailEnd ? 'end' : scanner.next()
    assert(step !== 'damage', `record at ${scanner.offset} was good a moment ago`)
    if (step === 'end') {
      this.#crc = scanner.crc
      this.#scanner = null
      this.close()
      if (isTail) return false
      this.#position++
      return true
    }
    const record = scanner.record
    if (record.type !== RecordType.entry) return true
    const entry = this.#entry
    assert(entry.read(record.bytes, record.dataStart, record.dataEnd), 'an entry was decodable a moment ago')
    if (entry.index <= this.#afterIndex || this.#isBeforeRestart(scanner.offset)) return true
    this.#data.at(record.bytes, entry.dataStart, entry.dataEnd)
    this.#entryWaits = true
    return true
  }

  #isBeforeRestart(offset: number): boolean {
    const restart = this.#restart
    if (restart === null) return false
    const { sequence } = this.#segments[this.#position] as Segment
    return sequence < restart.sequence || (sequence === restart.sequence && offset < restart.offset)
  }

  #openSegment(): SegmentScanner {
    const segment = this.#segments[this.#position] as Segment
    this.#file = this.#device.open(segment.name, 'read')
    this.#scanner = new SegmentScanner(this.#file, this.#crc, this.#memory)
    return this.#scanner
  }
}
