/**
 * Reads protobuf primitives from a stretch of bytes. One reader serves every decoder of a thread:
 * `open` points it at a message, and decoders advance `at`. After `open`, values never share memory
 * with the input, which may be a ring; after `openShared` bytes are views of it.
 *
 * `limit` ends the outermost message. A nested message is bounded by its own end, which its decoder
 * compares with `at` after its last field; so primitives check `limit` only, and a field that runs
 * past the end of a nested message is found one step later.
 */

import { EMPTY_BYTES, type Bytes } from '../base/bytes.js'
import { copyOut, viewOf } from './byte-copy.js'
import { ProtoError } from './proto-error.js'

/** Messages and groups nested deeper than this are refused. */
export const MESSAGE_DEPTH_MAX = 100

export const WIRE_VARINT = 0
export const WIRE_FIXED64 = 1
export const WIRE_DELIMITED = 2
export const WIRE_GROUP_START = 3
export const WIRE_GROUP_END = 4
export const WIRE_FIXED32 = 5

const TWO_32 = 0x1_0000_0000
const SHORT_TEXT_MAX = 32

// Makes a bigint of two halves without arithmetic on bigints: the three arrays share eight bytes.
const halves = new Uint32Array(2)
const asInt64 = new BigInt64Array(halves.buffer)
const asUint64 = new BigUint64Array(halves.buffer)

export class ProtoReader {
  bytes: Bytes = EMPTY_BYTES
  at = 0
  limit = 0
  /** Unsigned halves of what `varint` read last. */
  high = 0
  low = 0
  /** Where the field begins that `skipDelimited` stepped over last. */
  skippedFrom = 0
  #depth = 1
  #shares = false

  /** Starts on the message in `bytes` from `start` to `end`. */
  open(bytes: Bytes, start: number, end: number): void {
    if (!(start >= 0 && start <= end && end <= bytes.length)) {
      throw new RangeError(`no message at ${start}..${end} of ${bytes.length} bytes`)
    }
    this.bytes = bytes
    this.at = start
    this.limit = end
    this.#depth = 1
    this.#shares = false
  }

  /** As `open`; bytes that are read live only as long as the input stays as it is. */
  openShared(bytes: Bytes, start: number, end: number): void {
    this.open(bytes, start, end)
    this.#shares = true
  }

  /** Field number and wire type of the next field, as one number. */
  tag(): number {
    const at = this.at
    if (at < this.limit) {
      const byte = this.bytes[at] as number
      if (byte > 7 && byte < 0x80) {
        this.at = at + 1
        return byte
      }
    }
    this.varint()
    if (this.high !== 0 || this.low < 8) throw new ProtoError('badTag', 'no such field number')
    return this.low
  }

  /** Truncates wider values to 32 bits, as every protobuf library does. */
  uint32(): number {
    const at = this.at
    if (at < this.limit) {
      const byte = this.bytes[at] as number
      if (byte < 0x80) {
        this.at = at + 1
        return byte
      }
    }
    this.varint()
    return this.low
  }

  /** The number of an enum value, unknown ones included. */
  enumeration(): number {
    return this.uint32() | 0
  }

  bool(): boolean {
    this.varint()
    return (this.high | this.low) !== 0
  }

  int64(): number {
    const at = this.at
    if (at < this.limit) {
      const byte = this.bytes[at] as number
      if (byte < 0x80) {
        this.at = at + 1
        return byte
      }
    }
    this.varint()
    return (this.high | 0) * TWO_32 + this.low
  }

  uint64(): number {
    const at = this.at
    if (at < this.limit) {
      const byte = this.bytes[at] as number
      if (byte < 0x80) {
        this.at = at + 1
        return byte
      }
    }
    this.varint()
    return this.high * TWO_32 + this.low
  }

  int64Id(): bigint {
    this.varint()
    return idOfHalves(this.high, this.low)
  }

  uint64Id(): bigint {
    this.varint()
    if ((this.high | this.low) === 0) return 0n
    halves[0] = this.low
    halves[1] = this.high
    return asUint64[0] as bigint
  }

  /** Reads a length and returns where the field ends, which is inside a message ending at `end`. */
  fieldEnd(end: number): number {
    let length = 0
    const at = this.at
    if (at < this.limit && (this.bytes[at] as number) < 0x80) {
      length = this.bytes[at] as number
      this.at = at + 1
    } else {
      this.varint()
      length = this.high * TWO_32 + this.low
    }
    const fieldEnd = this.at + length
    if (fieldEnd > end) throw new ProtoError('lengthPastEnd', 'a field outgrows its message')
    return fieldEnd
  }

  /** Steps over bytes, text or a message without entering it: from `skippedFrom` to the returned offset. */
  skipDelimited(end: number): number {
    const fieldEnd = this.fieldEnd(end)
    this.skippedFrom = this.at
    this.at = fieldEnd
    return fieldEnd
  }

  /** A copy in memory of its own. */
  copyBytes(end: number): Bytes {
    const fieldEnd = this.skipDelimited(end)
    return copyOut(this.bytes, this.skippedFrom, fieldEnd)
  }

  /** A copy, or a view after `openShared`. */
  delimited(end: number): Bytes {
    const fieldEnd = this.skipDelimited(end)
    return this.#shares
      ? viewOf(this.bytes, this.skippedFrom, fieldEnd) : copyOut(this.bytes, this.skippedFrom, fieldEnd)
  }

  /** Text; invalid UTF-8 becomes U+FFFD. */
  text(end: number): string {
    const fieldEnd = this.fieldEnd(end)
    const start = this.at
    this.at = fieldEnd
    return textBetween(this.bytes, start, fieldEnd)
  }

  /** As `fieldEnd`, for a nested message, which ends with `leave`. */
  enter(end: number): number {
    if (++this.#depth > MESSAGE_DEPTH_MAX) {
      throw new ProtoError('tooDeep', `messages nested deeper than ${MESSAGE_DEPTH_MAX}`)
    }
    return this.fieldEnd(end)
  }

  /** Ends a message, nested or outermost. */
  leave(end: number): void {
    this.#depth--
    this.expectEnd(end)
  }

  /** What must hold after the last field of a message and the last element of a packed list. */
  expectEnd(end: number): void {
    if (this.at !== end) throw new ProtoError('lengthPastEnd', 'a field outgrows its message')
  }

  /**
   * Steps over a field that the decoder did not take. `known` are the field numbers of the message:
   * one of those with another wire type is an error, as in etcd, not an unknown field.
   */
  skipUnknown(tag: number, end: number, known: readonly number[]): void {
    if (known.includes(tag >>> 3)) this.refuse(tag)
    this.skip(tag, end)
  }

  /** The wire type is not one that its field can have. */
  refuse(tag: number): never {
    throw new ProtoError('badWireType', `wire type ${tag & 7} for field ${tag >>> 3}`)
  }

  skip(tag: number, end: number): void {
    switch (tag & 7) {
      case WIRE_VARINT:
        this.varint()
        return
      case WIRE_FIXED64:
        this.#advance(8, end)
        return
      case WIRE_DELIMITED:
        this.at = this.fieldEnd(end)
        return
      case WIRE_GROUP_START:
        this.#skipGroup(tag >>> 3, end)
        return
      case WIRE_FIXED32:
        this.#advance(4, end)
        return
      default:
        this.refuse(tag)
    }
  }

  /** Reads any varint into `high` and `low`. */
  varint(): void {
    const bytes = this.bytes
    const limit = this.limit
    let at = this.at
    let low = 0
    let high = 0
    for (let shift = 0; ; shift += 7) {
      if (at >= limit) throw new ProtoError('truncated', 'the message ends inside a number')
      const byte = bytes[at++] as number
      if (shift < 28) {
        low |= (byte & 0x7f) << shift
      } else if (shift === 28) {
        low |= byte << 28
        high = (byte & 0x7f) >>> 4
      } else {
        if (shift === 63 && byte > 1) throw new ProtoError('varintTooLong', 'more than 64 bits')
        high |= (byte & 0x7f) << (shift - 32)
      }
      if (byte < 0x80) break
    }
    this.at = at
    this.high = high >>> 0
    this.low = low >>> 0
  }

  #advance(length: number, end: number): void {
    if (this.at + length > end) {
      throw new ProtoError('truncated', 'the message ends inside a number')
    }
    this.at += length
  }

  #skipGroup(number: number, end: number): void {
    if (++this.#depth > MESSAGE_DEPTH_MAX) {
      throw new ProtoError('tooDeep', `groups nested deeper than ${MESSAGE_DEPTH_MAX}`)
    }
    for (;;) {
      if (this.at >= end) throw new ProtoError('truncated', 'the message ends inside a group')
      const tag = this.tag()
      if ((tag & 7) === WIRE_GROUP_END) {
        if (tag >>> 3 !== number) throw new ProtoError('badWireType', 'a group ends as another one')
        break
      }
      this.skip(tag, end)
    }
    this.#depth--
  }
}

/** A signed 64-bit id of its unsigned halves. */
export function idOfHalves(high: number, low: number): bigint {
  if ((high | low) === 0) return 0n
  halves[0] = low
  halves[1] = high
  return asInt64[0] as bigint
}

function textBetween(bytes: Bytes, start: number, end: number): string {
  if (end - start <= SHORT_TEXT_MAX) {
    let text = ''
    let at = start
    for (; at < end; at++) {
      const byte = bytes[at] as number
      if (byte >= 0x80) break
      text += String.fromCharCode(byte)
    }
    if (at === end) return text
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
}
