/**
 * The protobuf encoding of a message to JSON text, straight from one buffer to another. The form is etcd's: proto
 * names, 64-bit integers as strings, enum values by name, bytes as base64, fields that are zero left out.
 *
 * What it is given was written by our own encoders: fields in ascending order, elements of a list next to each
 * other.
 */

import { assert } from '../../base/assert.js'
import { idOfHalves, ProtoReader, WIRE_DELIMITED } from '../proto-reader.js'
import { encodeBase64, encodedBytes } from './base64.js'
import { JsonKind, type EnumShape, type FieldShape, type MessageShape } from './json-shape.js'

const OUTPUT_BYTES_KEPT = 64 * 1024
/** Brackets, comma and the longest number with its quotes. */
const VALUE_BYTES_MAX = 32
const COMMA = 0x2c
const QUOTE = 0x22
const BRACE_OPEN = 0x7b
const BRACE_CLOSE = 0x7d
const BRACKET_OPEN = 0x5b
const BRACKET_CLOSE = 0x5d
const TWO_32 = 0x1_0000_0000
/** Above this upper half a number is not exact. */
const EXACT_HIGH_MAX = 0x1f_ffff
const ID_SLOTS = 16

/** Ids of the cluster and its members are large and the same in every answer: their digits are kept. */
interface KnownId {
  readonly high: number
  readonly low: number
  readonly isSigned: boolean
  readonly digits: string
}

export class JsonWriter {
  /** The text: bytes[0, length). Replaced when it grows. */
  bytes: Buffer = Buffer.allocUnsafeSlow(OUTPUT_BYTES_KEPT)
  length = 0
  readonly #reader = new ProtoReader()
  readonly #knownIds: (KnownId | undefined)[] = new Array<KnownId | undefined>(ID_SLOTS).fill(undefined)
  /** Of the message under way: its list that is open, and whether a field has been written. */
  #openList: FieldShape | null = null
  #hasFields = false

  reset(): void {
    if (this.bytes.length > OUTPUT_BYTES_KEPT) this.bytes = Buffer.allocUnsafeSlow(OUTPUT_BYTES_KEPT)
    this.length = 0
  }

  raw(text: Buffer): void {
    this.#reserve(text.length)
    this.length += text.copy(this.bytes, this.length)
  }

  /** Writes bytes[start, end), a whole message. */
  message(shape: MessageShape, bytes: Buffer, start: number, end: number): void {
    this.begin()
    this.fields(shape, bytes, start, end)
    this.finish()
  }

  /** A message in pieces: `begin`, then `fields` as often as there are whole ones, then `finish`. */
  begin(): void {
    this.#byte(BRACE_OPEN)
    this.#openList = null
    this.#hasFields = false
  }

  fields(shape: MessageShape, bytes: Buffer, start: number, end: number): void {
    this.#reader.openShared(bytes, start, end)
    this.#fields(shape, end)
  }

  finish(): void {
    if (this.#openList !== null) this.#byte(BRACKET_CLOSE)
    this.#openList = null
    this.#byte(BRACE_CLOSE)
  }

  #fields(shape: MessageShape, end: number): void {
    const reader = this.#reader
    while (reader.at < end) {
      const tag = reader.tag()
      const field = shape.byNumber(tag >>> 3)
      assert(field !== undefined, `${shape.name} has a field ${tag >>> 3}`)
      if (field.repeated && field.tag !== tag) this.#packed(field, end)
      else if (field.repeated) this.#element(field, end)
      else this.#field(field, end)
    }
    assert(reader.at === end, `a field of ${shape.name} ends inside it`)
  }

  #field(field: FieldShape, end: number): void {
    const before = this.length
    const hadFields = this.#hasFields
    const list = this.#openList
    this.#label(field)
    if (this.#value(field, end) || field.oneof !== undefined || field.kind === JsonKind.message) return
    // A zero that was written all the same.
    this.length = before
    this.#hasFields = hadFields
    this.#openList = list
  }

  #element(field: FieldShape, end: number): void {
    if (this.#openList === field) {
      this.#byte(COMMA)
    } else {
      this.#label(field)
      this.#byte(BRACKET_OPEN)
      this.#openList = field
    }
    this.#value(field, end)
  }

  #packed(field: FieldShape, end: number): void {
    assert((field.tag & 7) !== WIRE_DELIMITED, `${field.name} is a list of numbers`)
    const listEnd = this.#reader.fieldEnd(end)
    while (this.#reader.at < listEnd) this.#element(field, listEnd)
  }

  /** Ends the list that was open, and names the field. */
  #label(field: FieldShape): void {
    const { label } = field
    this.#reserve(label.length + VALUE_BYTES_MAX)
    if (this.#openList !== null) this.#byte(BRACKET_CLOSE)
    this.#openList = null
    if (this.#hasFields) this.#byte(COMMA)
    this.#hasFields = true
    const { bytes } = this
    let at = this.length
    for (let i = 0; i < label.length; i++) bytes[at++] = label[i] as number
    this.length = at
  }

  /** Writes one value; false if it was a zero. */
  #value(field: FieldShape, end: number): boolean {
    const reader = this.#reader
    this.#reserve(VALUE_BYTES_MAX)
    switch (field.kind) {
      case JsonKind.message:
        this.#nested(field, end)
        return true
      case JsonKind.bytes:
        return this.#base64(end)
      case JsonKind.string:
        return this.#text(end)
      case JsonKind.bool:
        return this.#bool()
      case JsonKind.enumeration:
        return this.#enumeration(field.enumeration as EnumShape)
      case JsonKind.uint32: {
        const value = reader.uint32()
        this.#ascii(String(value))
        return value !== 0
      }
      case JsonKind.int64:
      case JsonKind.uint64:
        reader.varint()
        return this.#integer(reader.high, reader.low, field.kind === JsonKind.int64)
    }
  }

  #nested(field: FieldShape, end: number): void {
    const shape = field.message
    assert(shape !== null, `${field.name} has a message type`)
    const list = this.#openList
    const messageEnd = this.#reader.fieldEnd(end)
    this.begin()
    this.#fields(shape, messageEnd)
    this.finish()
    this.#openList = list
    this.#hasFields = true
  }

  #base64(end: number): boolean {
    const reader = this.#reader
    const stop = reader.skipDelimited(end)
    const start = reader.skippedFrom
    this.#reserve(encodedBytes(stop - start) + VALUE_BYTES_MAX)
    this.#byte(QUOTE)
    this.length = encodeBase64(reader.bytes as Buffer, start, stop, this.bytes, this.length)
    this.#byte(QUOTE)
    return stop > start
  }

  #text(end: number): boolean {
    const reader = this.#reader
    const stop = reader.skipDelimited(end)
    const text = (reader.bytes as Buffer).toString('utf8', reader.skippedFrom, stop)
    const json = Buffer.from(JSON.stringify(text))
    this.#reserve(json.length + VALUE_BYTES_MAX)
    this.length += json.copy(this.bytes, this.length)
    return text !== ''
  }

  #bool(): boolean {
    const value = this.#reader.bool()
    this.#ascii(value ? 'true' : 'false')
    return value
  }

  #enumeration(shape: EnumShape): boolean {
    const value = this.#reader.enumeration()
    const name = shape.names.get(value)
    if (name === undefined) {
      this.#ascii(String(value))
      return true
    }
    this.#reserve(name.length + VALUE_BYTES_MAX)
    this.#ascii(`"${name}"`)
    return value !== 0
  }

  #integer(high: number, low: number, isSigned: boolean): boolean {
    this.#byte(QUOTE)
    if (high <= EXACT_HIGH_MAX) this.#ascii(String(high * TWO_32 + low))
    else this.#ascii(this.#digitsOf(high, low, isSigned))
    this.#byte(QUOTE)
    return (high | low) !== 0
  }

  #digitsOf(high: number, low: number, isSigned: boolean): string {
    const slot = low & (ID_SLOTS - 1)
    const known = this.#knownIds[slot]
    if (known?.high === high && known.low === low && known.isSigned === isSigned) return known.digits
    const id = idOfHalves(high, low)
    const digits = String(isSigned ? id : BigInt.asUintN(64, id))
    this.#knownIds[slot] = { high, low, isSigned, digits }
    return digits
  }

  /** Room was reserved. */
  #ascii(text: string): void {
    const { bytes } = this
    let at = this.length
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i)
    this.length = at
  }

  #byte(byte: number): void {
    if (this.length === this.bytes.length) this.#reserve(VALUE_BYTES_MAX)
    this.bytes[this.length++] = byte
  }

  #reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.length + count))
    this.bytes.copy(larger, 0, 0, this.length)
    this.bytes = larger
  }
}
