/**
 * JSON text to the protobuf encoding of a message, in one pass and without objects in between. It takes what
 * protobuf's own JSON mapping takes: both forms of a field's name, 64-bit integers as numbers or as strings, enum
 * values by name or number, both alphabets of base64; fields and enum names that it does not know are passed over.
 */

import type { Bytes } from '../../base/bytes.js'
import { sizeOfUint32, writeId, writeInt64, writeUint32 } from '../proto-writer.js'
import { decodeBase64, decodedBytesMax } from './base64.js'
import { JsonError } from './json-error.js'
import { parseInteger } from './json-integer.js'
import {
  BRACE_CLOSE,
  BRACE_OPEN,
  BRACKET_CLOSE,
  BRACKET_OPEN,
  COLON,
  COMMA,
  JSON_DEPTH_MAX,
  JsonScanner,
  QUOTE,
} from './json-scanner.js'
import { JsonKind, type FieldShape, type MessageShape } from './json-shape.js'

export type JsonRead = { readonly ok: true } | { readonly ok: false; readonly problem: string }

const READ: JsonRead = Object.freeze({ ok: true })
const OUTPUT_BYTES_KEPT = 64 * 1024
/** Tag and value of any number. */
const NUMBER_BYTES_MAX = 16
/** A number of so many digits is exact. */
const EXACT_DIGITS_MAX = 15
const SMALL_N = 0x6e
const ZERO = 0x30

/** The least and the greatest value of each kind of integer. */
const RANGES: Readonly<Record<number, readonly [bigint, bigint]>> = {
  [JsonKind.int64]: [-(2n ** 63n), 2n ** 63n - 1n],
  [JsonKind.uint64]: [0n, 2n ** 64n - 1n],
  [JsonKind.uint32]: [0n, 2n ** 32n - 1n],
  [JsonKind.enumeration]: [-(2n ** 31n), 2n ** 31n - 1n],
}

export class JsonReader {
  /** The encoding of what was read last: bytes[0, length). Replaced when it grows. */
  bytes: Buffer = Buffer.allocUnsafeSlow(OUTPUT_BYTES_KEPT)
  length = 0
  /** Where in the text that was read last its first value ended. */
  textEnd = 0
  readonly #scanner = new JsonScanner()

  /** Reads the first value in text[start, end); what follows it is not looked at. */
  read(shape: MessageShape, text: Buffer, start: number, end: number): JsonRead {
    if (this.bytes.length > OUTPUT_BYTES_KEPT) this.bytes = Buffer.allocUnsafeSlow(OUTPUT_BYTES_KEPT)
    this.length = 0
    this.#scanner.open(text, start, end)
    try {
      this.#message(shape, 0)
    } catch (error) {
      if (!(error instanceof JsonError)) throw error
      return { ok: false, problem: error.message }
    }
    this.textEnd = this.#scanner.at
    return READ
  }

  #message(shape: MessageShape, depth: number): void {
    const scanner = this.#scanner
    if (depth >= JSON_DEPTH_MAX) throw new JsonError('exceeded max depth')
    scanner.expect(BRACE_OPEN, 'looking for beginning of object')
    if (scanner.take(BRACE_CLOSE)) return
    let seenLow = 0
    let seenHigh = 0
    let oneofs: Set<string> | null = null
    do {
      scanner.string()
      const field = this.#fieldNamed(shape)
      scanner.expect(COLON, 'after object key')
      if (field === null) {
        scanner.skip()
        continue
      }
      const isLow = field.index < 31
      const bit = 1 << (isLow ? field.index : field.index - 31)
      const isRepeated = ((isLow ? seenLow : seenHigh) & bit) !== 0
      if (isRepeated) throw new JsonError(`duplicate field ${JSON.stringify(field.name)}`)
      if (isLow) seenLow |= bit
      else seenHigh |= bit
      if (scanner.peek() === SMALL_N && scanner.literal('null')) continue
      if (field.oneof !== undefined) oneofs = takeOneof(oneofs, field, shape)
      if (field.repeated) this.#list(field, depth)
      else this.#value(field, depth, field.oneof === undefined)
    } while (scanner.take(COMMA))
    scanner.expect(BRACE_CLOSE, 'after object key:value pair')
  }

  #fieldNamed(shape: MessageShape): FieldShape | null {
    const scanner = this.#scanner
    if (!scanner.isEscaped) return shape.byName(scanner.bytes, scanner.start, scanner.stop)
    const name = Buffer.from(scanner.text())
    return shape.byName(name, 0, name.length)
  }

  #list(field: FieldShape, depth: number): void {
    const scanner = this.#scanner
    scanner.expect(BRACKET_OPEN, `looking for beginning of the list ${field.name}`)
    if (scanner.take(BRACKET_CLOSE)) return
    do this.#value(field, depth, false)
    while (scanner.take(COMMA))
    scanner.expect(BRACKET_CLOSE, 'after array element')
  }

  /** `isImplicit`: a zero is the same as nothing, and is left out. */
  #value(field: FieldShape, depth: number, isImplicit: boolean): void {
    switch (field.kind) {
      case JsonKind.message:
        return this.#nested(field, depth)
      case JsonKind.bytes:
        return this.#base64(field, isImplicit)
      case JsonKind.string:
        return this.#text(field, isImplicit)
      case JsonKind.bool:
        return this.#bool(field, isImplicit)
      case JsonKind.enumeration:
        return this.#enumeration(field, isImplicit)
      default:
        return this.#integer(field, isImplicit)
    }
  }

  /** Nearly every nested message is shorter than 128 octets; a longer one is moved to make room for its length. */
  #nested(field: FieldShape, depth: number): void {
    const { message } = field
    if (message === null) throw new Error(`${field.name} has no message type`)
    this.#reserve(NUMBER_BYTES_MAX)
    this.length = writeUint32(this.bytes, this.length, field.tag)
    const lengthAt = this.length++
    this.#message(message, depth + 1)
    this.#fixLength(lengthAt)
  }

  #fixLength(lengthAt: number): void {
    const start = lengthAt + 1
    const size = this.length - start
    const more = sizeOfUint32(size) - 1
    if (more > 0) {
      this.#reserve(more)
      this.bytes.copyWithin(start + more, start, this.length)
      this.length += more
    }
    writeUint32(this.bytes, lengthAt, size)
  }

  #base64(field: FieldShape, isImplicit: boolean): void {
    const scanner = this.#scanner
    if (scanner.peek() !== QUOTE) throw invalid(field, 'a string of base64')
    scanner.string()
    const { isEscaped } = scanner
    const text = isEscaped ? Buffer.from(scanner.text()) : scanner.bytes
    const start = isEscaped ? 0 : scanner.start
    const end = isEscaped ? text.length : scanner.stop
    if (start === end && isImplicit) return
    this.#reserve(decodedBytesMax(end - start) + NUMBER_BYTES_MAX)
    const before = this.length
    const at = writeUint32(this.bytes, before, field.tag)
    const expected = decodedBytes(text, start, end)
    const contentAt = at + sizeOfUint32(expected)
    const contentEnd = decodeBase64(text, start, end, this.bytes, contentAt)
    if (contentEnd < 0) throw invalid(field, 'base64')
    // Line breaks inside make it shorter than its digits promise.
    const size = contentEnd - contentAt
    if (size !== expected) this.bytes.copyWithin(at + sizeOfUint32(size), contentAt, contentEnd)
    this.length = writeUint32(this.bytes, at, size) + size
    if (size === 0 && isImplicit) this.length = before
  }

  #text(field: FieldShape, isImplicit: boolean): void {
    const scanner = this.#scanner
    if (scanner.peek() !== QUOTE) throw invalid(field, 'a string')
    scanner.string()
    const text = Buffer.from(scanner.text())
    if (text.length === 0 && isImplicit) return
    this.#reserve(text.length + NUMBER_BYTES_MAX)
    const at = writeUint32(this.bytes, writeUint32(this.bytes, this.length, field.tag), text.length)
    this.length = at + text.copy(this.bytes, at)
  }

  #bool(field: FieldShape, isImplicit: boolean): void {
    const isTrue = this.#scanner.literal('true')
    if (!isTrue && !this.#scanner.literal('false')) throw invalid(field, 'true or false')
    if (!isTrue && isImplicit) return
    this.#number(field, isTrue ? 1 : 0)
  }

  #enumeration(field: FieldShape, isImplicit: boolean): void {
    const scanner = this.#scanner
    if (scanner.peek() !== QUOTE) return this.#integer(field, isImplicit)
    scanner.string()
    const number = field.enumeration?.numbers.get(scanner.text())
    if (number === undefined || (number === 0 && isImplicit)) return
    this.#number(field, number)
  }

  #integer(field: FieldShape, isImplicit: boolean): void {
    const scanner = this.#scanner
    const isQuoted = scanner.peek() === QUOTE
    if (isQuoted) scanner.string()
    else scanner.number()
    const simple = scanner.isEscaped && isQuoted ? -1 : simpleNumber(scanner.bytes, scanner.start, scanner.stop)
    if (simple >= 0 && (field.kind === JsonKind.int64 || field.kind === JsonKind.uint64)) {
      if (simple !== 0 || !isImplicit) this.#number(field, simple)
      return
    }
    const text = isQuoted ? scanner.text() : scanner.bytes.toString('latin1', scanner.start, scanner.stop)
    const value = parseInteger(text)
    const [least, greatest] = RANGES[field.kind] as readonly [bigint, bigint]
    if (value === null || value < least || value > greatest) throw invalid(field, 'an integer', text)
    if (value === 0n && isImplicit) return
    this.#reserve(NUMBER_BYTES_MAX)
    this.length = writeId(this.bytes, writeUint32(this.bytes, this.length, field.tag), BigInt.asIntN(64, value))
  }

  #number(field: FieldShape, value: number): void {
    this.#reserve(NUMBER_BYTES_MAX)
    this.length = writeInt64(this.bytes, writeUint32(this.bytes, this.length, field.tag), value)
  }

  #reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.length + count))
    this.bytes.copy(larger, 0, 0, this.length)
    this.bytes = larger
  }
}

function takeOneof(taken: Set<string> | null, field: FieldShape, shape: MessageShape): Set<string> {
  const oneof = field.oneof as string
  if (taken === null) return new Set([oneof])
  if (taken.has(oneof)) {
    throw new JsonError(`error parsing ${JSON.stringify(field.name)}, oneof ${shape.name}.${oneof} is already set`)
  }
  return taken.add(oneof)
}

function invalid(field: FieldShape, wanted: string, text?: string): JsonError {
  const what = text === undefined ? '' : `: ${text.slice(0, 40)}`
  return new JsonError(`invalid value for field ${field.name}, which is ${wanted}${what}`)
}

/** The value of a few digits; -1 when bytes[start, end) is anything else. */
function simpleNumber(bytes: Bytes, start: number, end: number): number {
  const length = end - start
  if (length === 0 || length > EXACT_DIGITS_MAX || (bytes[start] === ZERO && length > 1)) return -1
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] as number) - ZERO
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

/** What base64 without line breaks decodes to. */
function decodedBytes(text: Bytes, start: number, end: number): number {
  let digits = end - start
  if (digits % 4 === 0) {
    for (let at = end - 1; at >= start && at >= end - 2 && text[at] === PAD; at--) digits--
  }
  return Math.floor((digits * 3) / 4)
}

const PAD = 0x3d
