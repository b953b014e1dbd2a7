/**
 * One key at one revision, as a window on store memory: valid until the next call on the same view. A class because
 * callers reuse one object for any number of keys.
 */

import { assert, assertEqual } from '../base/assert.js'
import { EMPTY_BYTES, type Bytes } from '../base/bytes.js'
import { Slice } from '../base/slice.js'
import {
  FORM_MASK,
  HAS_PREVIOUS,
  HEADER_BYTES,
  HeaderField,
  KeyValueTag,
  STEM_BYTES,
  StemField,
  TOMBSTONE,
} from './tables/revision-row.js'

export class KeyRecord {
  /** The encoded mvccpb.KeyValue, exactly as a client gets it. */
  readonly kv = new Slice()
  readonly key = new Slice()
  readonly value = new Slice()
  /** The value field with its tag is bytes [valueTagStart, valueEnd) of kv.bytes: a keys-only answer leaves it out. */
  valueTagStart = 0
  valueEnd = 0
  createRevision = 0
  modRevision = 0
  modSub = 0
  version = 0
  isTombstone = false
  /** The revision of the key before this one, 0 if there was none. It may be a tombstone, and it may be compacted. */
  previousMain = 0
  previousSub = 0
  /** True if the key was live before this revision: an update or a deletion, not a creation. */
  hasPrevious = false
  /** The record as the event log carries it: its header and then `kv`. */
  readonly record = new Slice()

  /**
   * Of the store's own: the place in the key's chain of revisions (tables/history.ts) and where the whole record is.
   */
  jumpMain = 0
  jumpSub = 0
  depth = 0
  form = 0

  #leaseAt = 0
  #at = 0
  #bytes: Bytes = EMPTY_BYTES
  #numbers: DataView = new DataView(new ArrayBuffer(0))

  /** 0n when the key has no lease. Allocates, except for 0n. */
  leaseId(): bigint {
    if (this.#leaseAt === 0) return 0n
    const bytes = this.kv.bytes
    let id = 0n
    let shift = 0n
    for (let at = this.#leaseAt; ; at++) {
      const byte = bytes[at] as number
      id |= BigInt(byte & 127) << shift
      if (byte < 128) return BigInt.asIntN(64, id)
      shift += 7n
    }
  }

  get hasLease(): boolean {
    return this.#leaseAt !== 0
  }

  /** True if `form` names another place for the whole record. */
  get isStub(): boolean {
    return (this.form & FORM_MASK) !== 0
  }

  /** Reads a row of the store: stem and record. */
  readRow(source: Slice): this {
    const { bytes, start } = source
    assert(source.end - start > STEM_BYTES + HEADER_BYTES, 'a row of the key space is too short')
    const numbers = this.#numbersOf(bytes)
    this.jumpMain = numbers.getFloat64(start + StemField.jumpMain, true)
    this.jumpSub = numbers.getUint32(start + StemField.jumpSub, true)
    this.depth = numbers.getUint32(start + StemField.depth, true)
    this.modSub = numbers.getUint32(start + StemField.sub, true)
    this.form = numbers.getUint32(start + StemField.form, true)
    this.#readRecord(bytes, start + STEM_BYTES, source.end)
    return this
  }

  /** Reads a record in the form of the event log: header and KeyValue. The revision is the event's own. */
  readEvent(source: Slice, main: number, sub: number): this {
    this.jumpMain = 0
    this.jumpSub = 0
    this.depth = 0
    this.form = 0
    this.modSub = sub
    this.#readRecord(source.bytes, source.start, source.end)
    assertEqual(this.modRevision, main, 'revision of a record')
    return this
  }

  /** As `readEvent` for the whole record of a stub that this object holds: its place in the chain stays. */
  readWhole(source: Slice): this {
    this.form &= ~FORM_MASK
    this.#readRecord(source.bytes, source.start, source.end)
    return this
  }

  #readRecord(bytes: Bytes, start: number, end: number): void {
    const numbers = this.#numbersOf(bytes)
    this.previousMain = numbers.getFloat64(start + HeaderField.previousMain, true)
    this.previousSub = numbers.getUint32(start + HeaderField.previousSub, true)
    const flags = numbers.getUint32(start + HeaderField.flags, true)
    this.isTombstone = (flags & TOMBSTONE) !== 0
    this.hasPrevious = (flags & HAS_PREVIOUS) !== 0
    this.record.at(bytes, start, end)
    this.#readKeyValue(bytes, start + HEADER_BYTES, end)
  }

  /** Written by this program alone: fields in order, zero fields left out. */
  #readKeyValue(bytes: Bytes, start: number, end: number): void {
    this.kv.at(bytes, start, end)
    assert(bytes[start] === KeyValueTag.key, 'a stored KeyValue does not begin with its key')
    this.#at = start + 1
    const keyBytes = this.#varint()
    const keyEnd = this.#at + keyBytes
    this.key.at(bytes, this.#at, keyEnd)
    this.#at = keyEnd
    this.createRevision = this.#field(KeyValueTag.createRevision, end)
    this.modRevision = this.#field(KeyValueTag.modRevision, end)
    this.version = this.#field(KeyValueTag.version, end)
    this.#readValue(end)
    this.#leaseAt = 0
    if (this.#at < end && bytes[this.#at] === KeyValueTag.lease) {
      this.#leaseAt = this.#at + 1
    } else {
      assert(this.#at === end, 'a stored KeyValue has more than its fields')
    }
  }

  #readValue(end: number): void {
    const bytes = this.#bytes
    this.valueTagStart = this.#at
    if (this.#at < end && bytes[this.#at] === KeyValueTag.value) {
      this.#at++
      const length = this.#varint()
      this.value.at(bytes, this.#at, this.#at + length)
      this.#at += length
      assert(this.#at <= end, 'a stored value reaches past its record')
    } else {
      this.value.at(bytes, this.#at, this.#at)
    }
    this.valueEnd = this.#at
  }

  #field(tag: number, end: number): number {
    if (this.#at >= end || this.#bytes[this.#at] !== tag) return 0
    this.#at++
    return this.#varint()
  }

  /** At most 53 bits. */
  #varint(): number {
    const bytes = this.#bytes
    let byte = bytes[this.#at++] as number
    if (byte < 128) return byte
    let value = byte & 127
    let scale = 128
    do {
      byte = bytes[this.#at++] as number
      value += (byte & 127) * scale
      scale *= 128
    } while (byte >= 128)
    return value
  }

  #numbersOf(bytes: Bytes): DataView {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    return this.#numbers
  }
}
