/**
 * Writes protobuf primitives, in two passes over a value: `measure*` adds up the size, `put*`
 * writes into memory that is large enough. The first pass leaves the sizes of nested messages in a
 * list and the second takes them from it in the same order, so that no size is worked out twice.
 */

import { EMPTY_BYTES, type Bytes } from '../base/bytes.js'
import { copyInto } from './byte-copy.js'
import { utf8Length, writeUtf8 } from './utf8.js'

const TWO_28 = 0x1000_0000
const TWO_32 = 0x1_0000_0000
const TWO_63 = TWO_32 * 0x8000_0000
const TWO_64 = TWO_32 * TWO_32

const halves = new Uint32Array(2)
const asInt64 = new BigInt64Array(halves.buffer)

/** Bytes of a varint below 2^32. */
export function sizeOfUint32(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x20_0000) return 3
  return value < TWO_28 ? 4 : 5
}

/** Bytes of a varint of two unsigned halves. */
export function sizeOfHalves(high: number, low: number): number {
  if (high === 0) return sizeOfUint32(low)
  if (high < 8) return 5
  if (high < 0x400) return 6
  if (high < 0x2_0000) return 7
  if (high < 0x100_0000) return 8
  return high < 0x8000_0000 ? 9 : 10
}

/** Bytes of a uint64 held in a number, which is not negative. */
export function sizeOfUint64(value: number): number {
  return value < TWO_32 ? sizeOfUint32(value) : sizeOfHalves(highOf(value), lowOf(value))
}

/** Bytes of an int64 held in a number; a negative one takes ten. */
export function sizeOfInt64(value: number): number {
  if (value < 0) return 10
  return value < TWO_63 ? sizeOfUint64(value) : 9
}

/** Bytes of a 64-bit id. */
export function sizeOfId(value: bigint): number {
  asInt64[0] = value
  return sizeOfHalves(halves[1] as number, halves[0] as number)
}

/** Bytes of a length-delimited field without its tag. */
export function sizeOfDelimited(length: number): number {
  return sizeOfUint32(length) + length
}

/** Bytes of an enum value; a negative one takes ten, as protobuf has it. */
export function sizeOfEnumeration(value: number): number {
  return value < 0 ? 10 : sizeOfUint32(value)
}

export function writeUint32(target: Bytes, at: number, value: number): number {
  let rest = value
  while (rest >= 0x80) {
    target[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  target[at++] = rest
  return at
}

export function writeHalves(target: Bytes, at: number, high: number, low: number): number {
  if (high === 0) return writeUint32(target, at, low)
  for (let shift = 0; shift < 28; shift += 7) target[at++] = (low >>> shift) | 0x80
  const middle = ((low >>> 28) | (high << 4)) >>> 0
  if (high < 8) {
    target[at++] = middle
    return at
  }
  target[at++] = middle | 0x80
  return writeUint32(target, at, high >>> 3)
}

export function writeUint64(target: Bytes, at: number, value: number): number {
  if (value < TWO_32) return writeUint32(target, at, value)
  return writeHalves(target, at, highOf(value), lowOf(value))
}

export function writeInt64(target: Bytes, at: number, value: number): number {
  if (value >= 0 && value < TWO_32) return writeUint32(target, at, value)
  // The largest int64 reads as 2^63, which must not come out negative when it is written again.
  if (value >= TWO_63) return writeHalves(target, at, 0x7fff_ffff, 0xffff_ffff)
  return writeHalves(target, at, highOf(value), lowOf(value))
}

export function writeId(target: Bytes, at: number, value: bigint): number {
  asInt64[0] = value
  return writeHalves(target, at, halves[1] as number, halves[0] as number)
}

/** Upper half of a 64-bit integer. The largest uint64 reads as 2^64 and is written as itself. */
function highOf(value: number): number {
  return value >= TWO_64 ? 0xffff_ffff : Math.floor(value / TWO_32) >>> 0
}

function lowOf(value: number): number {
  return value >= TWO_64 ? 0xffff_ffff : value >>> 0
}

export class ProtoWriter {
  bytes: Bytes = EMPTY_BYTES
  at = 0
  readonly #sizes: number[] = []
  #sizeCount = 0
  #sizeNext = 0
  #measured: object | undefined
  #measuredAs: unknown
  #measuredSize = 0

  /** Starts the measuring pass over a value. */
  startMeasure(): void {
    this.#measured = undefined
    this.#sizeCount = 0
  }

  /** Ends the pass: the sizes at hand are those of `value`, taken by the function `measure`. */
  endMeasure(value: object, measure: unknown, size: number): number {
    this.#measured = value
    this.#measuredAs = measure
    this.#measuredSize = size
    return size
  }

  /** Whether `value`, unchanged since `sizeOf`, can be written without measuring it again. */
  hasMeasured(value: object, measure: unknown): boolean {
    return this.#measured === value && this.#measuredAs === measure
  }

  /** Starts the writing pass. The sizes serve once: the value may change after it. */
  startWrite(target: Bytes, at: number): void {
    if (at + this.#measuredSize > target.length) {
      throw new RangeError(`no room for ${this.#measuredSize} bytes at ${at} of ${target.length}`)
    }
    this.bytes = target
    this.at = at
    this.#sizeNext = 0
    this.#measured = undefined
  }

  /** Ends the writing pass; lets go of the target and says where the message ended. */
  finish(): number {
    this.bytes = EMPTY_BYTES
    return this.at
  }

  /** Takes a place in the list of sizes before a nested message is measured. */
  reserveSize(): number {
    return this.#sizeCount++
  }

  keepSize(place: number, size: number): number {
    this.#sizes[place] = size
    return sizeOfDelimited(size)
  }

  measureText(text: string): number {
    const size = utf8Length(text)
    return this.keepSize(this.#sizeCount++, size)
  }

  uint32(value: number): void {
    if (value < 0x80) {
      this.bytes[this.at++] = value
    } else {
      this.at = writeUint32(this.bytes, this.at, value)
    }
  }

  uint64(value: number): void {
    this.at = writeUint64(this.bytes, this.at, value)
  }

  int64(value: number): void {
    this.at = writeInt64(this.bytes, this.at, value)
  }

  enumeration(value: number): void {
    this.at = writeInt64(this.bytes, this.at, value)
  }

  id(value: bigint): void {
    this.at = writeId(this.bytes, this.at, value)
  }

  bool(value: boolean): void {
    this.bytes[this.at++] = value ? 1 : 0
  }

  /** The length before a nested message or packed list, as the measuring pass found it. */
  nested(): void {
    this.uint32(this.#nextSize())
  }

  copyBytes(value: Bytes): void {
    this.uint32(value.length)
    this.at = copyInto(this.bytes, this.at, value, 0, value.length)
  }

  text(value: string): void {
    const size = this.#nextSize()
    this.uint32(size)
    writeUtf8(this.bytes, this.at, value, size)
    this.at += size
  }

  #nextSize(): number {
    return this.#sizes[this.#sizeNext++] as number
  }
}
