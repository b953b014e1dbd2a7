/**
 * Walks the records of one segment and checks them: frames, encoding and the CRC chain. Reads through a window, so
 * that a segment's size does not matter.
 */

import { Crc32cMemory } from '../base/crc32c-memory.js'
import type { Bytes } from '../base/bytes.js'
import { ProtoError } from '../proto/proto-error.js'
import { ProtoReader } from '../proto/proto-reader.js'
import { LENGTH_FIELD_BYTES, RecordType, SALT_BYTES } from './wal-record.js'
import { RecordView, readFrameLength, type FrameLength } from './wal-record-decoder.js'
import type { WalFile } from './wal-device.js'

/** A disk writes a sector wholly or not at all. */
export const SECTOR_BYTES = 512
/** Bytes of a segment that are in memory at a time. */
export const WINDOW_BYTES = 1024 * 1024
const ZEROS = Buffer.alloc(256 * 1024)
/** Where in a mark's frame its data field starts, at most: behind length field, type and CRC. */
const MARK_DATA_OFFSET_MAX = LENGTH_FIELD_BYTES + 2 + 6

/** Tags of walpb.Record, in the order in which writers put them. */
const TYPE_TAG = 0x08
const CRC_TAG = 0x10
const DATA_TAG = 0x1a

export type DamageKind = 'cut-off' | 'length' | 'encoding' | 'crc'
export type Step = 'record' | 'end' | 'damage'

export class SegmentScanner {
  /** The record that `next` moved to; its data lies in the window and dies at the following `next`. */
  readonly record = new RecordView()
  /** Where the current record's frame starts; after an end or damage, where the valid data ends. */
  offset = 0
  /** Where the next frame starts. */
  nextOffset = 0
  /** Where the frame of a damaged record would end, at most the file's size. */
  damageEnd = 0
  damage: DamageKind = 'cut-off'
  /** The running CRC after the current record. */
  crc: number
  /** The last salt seen in a chain record, null before one. */
  salt: Bytes | null = null
  readonly sizeBytes: number

  readonly #file: WalFile
  readonly #memory: Crc32cMemory
  readonly #length: FrameLength = { recordBytes: 0, paddingBytes: 0 }
  #windowStart = 0
  #windowEnd = 0
  #writtenEnd = -1
  /** A log whose first segments are gone begins with a CRC that only its own head tells. */
  #seedsCrc: boolean

  /** `crc` is the running CRC before the segment, null for the first segment that is left. */
  constructor(file: WalFile, crc: number | null, memory: Crc32cMemory = new Crc32cMemory(WINDOW_BYTES)) {
    this.#file = file
    this.#memory = memory
    this.sizeBytes = file.sizeBytes()
    this.crc = crc ?? 0
    this.#seedsCrc = crc === null
  }

  next(): Step {
    const start = this.nextOffset
    this.offset = start
    if (start + LENGTH_FIELD_BYTES > this.sizeBytes) return this.#lastBytes(start)
    const at = this.#ensure(start, LENGTH_FIELD_BYTES)
    readFrameLength(this.#memory.bytes, at, this.#length)
    const { recordBytes, paddingBytes } = this.#length
    if (recordBytes === 0) return 'end'
    if (recordBytes < 0) return this.#damaged('length', start + LENGTH_FIELD_BYTES)
    const end = start + LENGTH_FIELD_BYTES + recordBytes + paddingBytes
    if (end > this.sizeBytes) return this.#damaged('cut-off', this.sizeBytes)
    return this.#check(start, end, recordBytes)
  }

  /** etcd's sign of a torn write: a sector of the damaged record holds only zeros, as it did before the write. */
  damageHasEmptySector(): boolean {
    let from = this.offset + LENGTH_FIELD_BYTES
    while (from < this.damageEnd) {
      const to = Math.min(this.damageEnd, (Math.floor(from / SECTOR_BYTES) + 1) * SECTOR_BYTES)
      const at = this.#ensure(from, to - from)
      if (isZero(this.#memory.bytes, at, at + to - from)) return true
      from = to
    }
    return false
  }

  /**
   * False when the first bytes behind the valid data cannot come from an interrupted write. A sector is written wholly
   * or not at all: if a length field is there, so is what follows it in its sector, and if none is there, nothing
   * follows it. The next sector is there as well unless it is empty.
   */
  sectorIsSound(): boolean {
    const sectorEnd = this.#sectorEndAfter(this.offset)
    const nextEnd = this.#sectorEndAfter(sectorEnd)
    const at = this.#ensure(this.offset, nextEnd - this.offset)
    const end = at + sectorEnd - this.offset
    const next = at + nextEnd - this.offset
    const bytes = this.#memory.bytes
    if (end - at < LENGTH_FIELD_BYTES) return true
    readFrameLength(bytes, at, this.#length)
    const { recordBytes } = this.#length
    if (recordBytes === 0) return isZero(bytes, at, end)
    // A length field may end its sector; what it says is told from damage by the head behind it alone.
    const headEnd = isZero(bytes, end, next) ? end : next
    return recordBytes > 0 && headAgrees(bytes, at + LENGTH_FIELD_BYTES, headEnd, recordBytes)
  }

  /** Where the bytes behind the valid data end that are not zero; `offset` when there are none. */
  writtenEnd(): number {
    if (this.#writtenEnd >= 0) return this.#writtenEnd
    let end = this.offset
    for (let from = this.offset; from < this.sizeBytes; from += ZEROS.length) {
      const length = Math.min(ZEROS.length, this.sizeBytes - from)
      const at = this.#ensure(from, length)
      const bytes = this.#memory.bytes
      if (ZEROS.compare(bytes, at, at + length, 0, length) === 0) continue
      let last = length
      while (bytes[at + last - 1] === 0) last--
      end = from + last
    }
    this.#writtenEnd = end
    return end
  }

  /**
   * True if a sync mark lies between the valid data and `writtenEnd`: a write began there after a sync, so all that is
   * before it was once on disk, and what is missing now was not lost by a crash. A damaged mark at the very end of the
   * valid data does not count: nothing is missing before it.
   */
  hasSyncMarkBehind(writtenEnd: number): boolean {
    if (this.salt === null) return false
    const mark = Buffer.from([0x1a, SALT_BYTES, ...this.salt])
    for (let from = this.offset + MARK_DATA_OFFSET_MAX + 1; from < writtenEnd; from += WINDOW_BYTES - mark.length) {
      const length = Math.min(WINDOW_BYTES, writtenEnd - from)
      const at = this.#ensure(from, length)
      const window = Buffer.from(this.#memory.bytes.buffer, this.#memory.bytes.byteOffset + at, length)
      if (window.includes(mark)) return true
    }
    return false
  }

  #sectorEndAfter(position: number): number {
    return Math.min((Math.floor(position / SECTOR_BYTES) + 1) * SECTOR_BYTES, this.sizeBytes)
  }

  #check(start: number, end: number, recordBytes: number): Step {
    const at = this.#ensure(start, end - start) + LENGTH_FIELD_BYTES
    const record = this.record
    if (!record.read(this.#memory.bytes, at, at + recordBytes)) return this.#damaged('encoding', end)
    if (record.type === RecordType.chain) {
      if (!this.#seedsCrc && record.crc !== this.crc) return this.#damaged('crc', end)
      this.crc = record.crc
      if (record.dataEnd - record.dataStart === SALT_BYTES) {
        this.salt = record.bytes.slice(record.dataStart, record.dataEnd)
      }
    } else {
      const crc = this.#memory.update(this.crc, record.dataStart, record.dataEnd)
      if (record.crc !== crc) return this.#damaged('crc', end)
      this.crc = crc
    }
    this.#seedsCrc = false
    this.nextOffset = end
    return 'record'
  }

  #damaged(kind: DamageKind, end: number): Step {
    this.damage = kind
    this.damageEnd = end
    return 'damage'
  }

  /** Fewer bytes than a length field has: nothing, zeros, or the first bytes of a frame. */
  #lastBytes(start: number): Step {
    const length = this.sizeBytes - start
    const at = this.#ensure(start, length)
    if (isZero(this.#memory.bytes, at, at + length)) return 'end'
    return this.#damaged('cut-off', this.sizeBytes)
  }

  /** Brings file[position, position + length) into the window and returns where it is there. */
  #ensure(position: number, length: number): number {
    if (position < this.#windowStart || position + length > this.#windowEnd) {
      if (length > this.#memory.bytes.length) this.#memory.grow(length)
      const bytes = this.#memory.bytes
      this.#windowStart = position
      this.#windowEnd = position + this.#file.read(bytes, 0, bytes.length, position)
    }
    return position - this.#windowStart
  }
}

/** True if what bytes[start, end) holds of a record's head says that the record has this length. */
function headAgrees(bytes: Bytes, start: number, end: number, recordBytes: number): boolean {
  const reader = new ProtoReader()
  reader.open(bytes, start, end)
  try {
    if (reader.tag() !== TYPE_TAG || reader.int64() === 0 || reader.tag() !== CRC_TAG) return false
    reader.uint32()
    if (reader.tag() !== DATA_TAG) return false
    reader.varint()
    return reader.high === 0 && reader.at - start + reader.low === recordBytes
  } catch (error) {
    // The head goes on in the next sector, which is lost.
    if (error instanceof ProtoError) return error.code === 'truncated'
    throw error
  }
}

function isZero(bytes: Bytes, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== 0) return false
  return true
}
