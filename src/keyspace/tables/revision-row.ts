/**
 * The bytes of one revision: what stands in `revisions`, in `latest` and, for a deleted key, in `deleted`.
 *
 * ```
 * 0          8         12      16    20     24          32        36      40
 * | jumpMain | jumpSub | depth | sub | form | previousMain | prevSub | flags | mvccpb.KeyValue ...
 * | float64  | uint32  | uint32| u32 | u32  | float64      | uint32  | u32   |
 * |<----------------- stem ---------------->|<---------------- record ------------------------>
 * ```
 *
 * The record is what the event log carries. The stem is the store's own: the revision's sub (its main is in the
 * KeyValue), and its place in the key's chain of revisions (see history.ts). A row that stands for a large value has
 * that value left out of its KeyValue, and its form says where the whole record is.
 */

import type { Bytes } from '../../base/bytes.js'
import { copyInto, copyRange } from '../../base/copy-into.js'
import type { Slice } from '../../base/slice.js'
import { highHalf, lowHalf } from '../../base/varint.js'

export const STEM_BYTES = 24
/** Header of the record: previous revision and flags. */
export const HEADER_BYTES = 16
export const KV_AT = STEM_BYTES + HEADER_BYTES

export const StemField = Object.freeze({ jumpMain: 0, jumpSub: 8, depth: 12, sub: 16, form: 20 })
export const HeaderField = Object.freeze({ previousMain: 0, previousSub: 8, flags: 12 })

/** Header flags. */
export const TOMBSTONE = 1
export const HAS_PREVIOUS = 2

/** Where the whole record is: the low two bits of the form. */
export const FORM_WHOLE = 0
/** In `revisions`, under this revision: this row is in `latest` and leaves the value out. */
export const FORM_IN_REVISIONS = 1
/** In `values`, under this revision: rows in `revisions` and `latest` both leave the value out. */
export const FORM_IN_VALUES = 2
export const FORM_MASK = 3
/** Bit of the form: the previous revision has rows in `values`, which compaction has to remove as well. */
export const PREVIOUS_IN_VALUES = 4
/** The rest of the form, of a row that leaves its value out: the bytes of the value's field. */
export const FORM_VALUE_SHIFT = 3

/** Up to here a value stands in `latest` itself, so that a read is one look-up. */
export const LATEST_VALUE_BYTES_MAX = 1024
/** Up to here a value stands in `revisions`; a walk along a key's history reads these rows whole. */
export const REVISIONS_VALUE_BYTES_MAX = 16 * 1024

/** Where the whole record goes, by the length of the value. */
export function formOf(valueBytes: number): number {
  if (valueBytes <= LATEST_VALUE_BYTES_MAX) return FORM_WHOLE
  return valueBytes <= REVISIONS_VALUE_BYTES_MAX ? FORM_IN_REVISIONS : FORM_IN_VALUES
}

/** The KeyValue's tags: field number and wire type. */
export const KeyValueTag = Object.freeze({
  key: 0x0a, createRevision: 0x10, modRevision: 0x18, version: 0x20, value: 0x2a, lease: 0x30,
})

/** More than all of a row that is neither key nor value. */
export const ROW_OVERHEAD_BYTES_MAX = 128

export const REVISION_KEY_BYTES = 12

/** Main and sub in byte order, so that rows stand in revision order. */
export function writeRevisionKey(target: Bytes, main: number, sub: number): void {
  const high = highHalf(main)
  const low = lowHalf(main)
  target[0] = high >>> 24
  target[1] = high >>> 16
  target[2] = high >>> 8
  target[3] = high
  target[4] = low >>> 24
  target[5] = low >>> 16
  target[6] = low >>> 8
  target[7] = low
  target[8] = sub >>> 24
  target[9] = sub >>> 16
  target[10] = sub >>> 8
  target[11] = sub
}

/** Negative, zero or positive as revision a is before, equal to or after b. */
export function compareRevisions(aMain: number, aSub: number, bMain: number, bSub: number): number {
  return aMain === bMain ? aSub - bSub : aMain - bMain
}

/** Builds rows. One object, reused: set the fields, then call the `build` that is meant. */
export class RowBuilder {
  sub = 0
  jumpMain = 0
  jumpSub = 0
  depth = 0
  previousMain = 0
  previousSub = 0
  hasPrevious = false
  previousInValues = false
  createRevision = 0
  modRevision = 0
  version = 0
  leaseId = 0n
  /** Set by `buildPut`: the row is bytes [0, end) and its value field bytes [valueTagStart, valueEnd). */
  valueTagStart = 0
  valueEnd = 0
  /** Set by `buildStub`: where the row without the value begins. */
  stubStart = 0
  #bytes: Bytes = new Uint8Array(0)
  #numbers: DataView = new DataView(new ArrayBuffer(0))
  readonly #leaseBig = new BigInt64Array(1)
  readonly #leaseHalves = new Uint32Array(this.#leaseBig.buffer)

  /** The row of a key's first revision. */
  linkToNothing(): void {
    this.jumpMain = 0
    this.jumpSub = 0
    this.depth = 1
    this.previousMain = 0
    this.previousSub = 0
    this.previousInValues = false
  }

  /** Writes the row of a put at the start of `target` and returns its end. */
  buildPut(target: Bytes, key: Slice, value: Slice, form: number): number {
    this.#writeHead(target, form, this.hasPrevious ? HAS_PREVIOUS : 0)
    let at = this.#writeKey(key)
    at = this.#writeNumber(at, KeyValueTag.createRevision, this.createRevision)
    at = this.#writeNumber(at, KeyValueTag.modRevision, this.modRevision)
    at = this.#writeNumber(at, KeyValueTag.version, this.version)
    this.valueTagStart = at
    const length = value.end - value.start
    if (length > 0) {
      target[at++] = KeyValueTag.value
      at = writeVarint(target, at, length)
      at = copyInto(target, at, value)
    }
    this.valueEnd = at
    return this.leaseId === 0n ? at : this.#writeLease(at)
  }

  /** Writes the row of a tombstone: its KeyValue has the key and the revision of the deletion. */
  buildTombstone(target: Bytes, key: Slice): number {
    this.#writeHead(target, FORM_WHOLE, TOMBSTONE | HAS_PREVIOUS)
    return this.#writeNumber(this.#writeKey(key), KeyValueTag.modRevision, this.modRevision)
  }

  /** Behind a row of `buildPut` that ends at `end`: the same row without its value. Returns the stub's end. */
  buildStub(target: Bytes, end: number, form: number): number {
    const start = (end + 7) & ~7
    this.stubStart = start
    let at = copyRange(target, start, target, 0, this.valueTagStart)
    at = copyRange(target, at, target, this.valueEnd, end)
    const fieldBytes = this.valueEnd - this.valueTagStart
    const stubForm = this.#withPrevious(form) | (fieldBytes << FORM_VALUE_SHIFT)
    this.#numbers.setUint32(start + StemField.form, stubForm >>> 0, true)
    return at
  }

  #writeHead(target: Bytes, form: number, flags: number): void {
    if (target !== this.#bytes) {
      this.#bytes = target
      this.#numbers = new DataView(target.buffer, target.byteOffset, target.byteLength)
    }
    const numbers = this.#numbers
    numbers.setFloat64(StemField.jumpMain, this.jumpMain, true)
    numbers.setUint32(StemField.jumpSub, this.jumpSub, true)
    numbers.setUint32(StemField.depth, this.depth, true)
    numbers.setUint32(StemField.sub, this.sub, true)
    numbers.setUint32(StemField.form, this.#withPrevious(form), true)
    numbers.setFloat64(STEM_BYTES + HeaderField.previousMain, this.previousMain, true)
    numbers.setUint32(STEM_BYTES + HeaderField.previousSub, this.previousSub, true)
    numbers.setUint32(STEM_BYTES + HeaderField.flags, flags, true)
  }

  #withPrevious(form: number): number {
    return this.previousInValues ? form | PREVIOUS_IN_VALUES : form
  }

  #writeKey(key: Slice): number {
    const target = this.#bytes
    target[KV_AT] = KeyValueTag.key
    const at = writeVarint(target, KV_AT + 1, key.end - key.start)
    return copyInto(target, at, key)
  }

  #writeNumber(at: number, tag: number, value: number): number {
    this.#bytes[at] = tag
    return writeVarint(this.#bytes, at + 1, value)
  }

  #writeLease(at: number): number {
    const target = this.#bytes
    this.#leaseBig[0] = this.leaseId
    let low = this.#leaseHalves[0] as number
    let high = this.#leaseHalves[1] as number
    target[at++] = KeyValueTag.lease
    while (high !== 0 || low > 127) {
      target[at++] = (low & 127) | 128
      low = ((low >>> 7) | (high << 25)) >>> 0
      high >>>= 7
    }
    target[at++] = low
    return at
  }
}

/** What stands in `latest` for a row of `revisions` whose value is too large to stand there; see `buildStub`. */
export function stubOf(row: Bytes, valueTagStart: number, valueEnd: number): Bytes {
  const stub = new Uint8Array(row.length - (valueEnd - valueTagStart))
  copyRange(stub, copyRange(stub, 0, row, 0, valueTagStart), row, valueEnd, row.length)
  const numbers = new DataView(stub.buffer)
  const form = numbers.getUint32(StemField.form, true) | FORM_IN_REVISIONS
  numbers.setUint32(StemField.form, (form | ((valueEnd - valueTagStart) << FORM_VALUE_SHIFT)) >>> 0, true)
  return stub
}

/** A non-negative safe integer as a protobuf varint; returns the offset behind it. */
function writeVarint(target: Bytes, at: number, value: number): number {
  let rest = value
  while (rest > 0x7fff_ffff) {
    target[at++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  while (rest > 127) {
    target[at++] = (rest & 127) | 128
    rest >>>= 7
  }
  target[at++] = rest
  return at
}
