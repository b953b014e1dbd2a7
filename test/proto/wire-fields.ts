/** Takes encoded messages apart and puts them together otherwise, knowing nothing of the code under test. */

import fc from 'fast-check'

export interface WireField {
  readonly number: number
  readonly bytes: Uint8Array
}

/** The top-level fields of a well-formed encoding without groups. */
export function splitFields(bytes: Uint8Array): WireField[] {
  const fields: WireField[] = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++] as number
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const start = at
    const tag = varint()
    if (tag % 8 === 2) {
      const length = varint()
      at += length
    } else {
      varint()
    }
    fields.push({ number: Math.floor(tag / 8), bytes: bytes.subarray(start, at) })
  }
  return fields
}

/** Any order of the fields that keeps those of one number in theirs. */
export function shuffled(fields: readonly WireField[]): fc.Arbitrary<Uint8Array> {
  const numbers = [...new Set(fields.map((field) => field.number))]
  return fc.shuffledSubarray(numbers, { minLength: numbers.length }).map((order) =>
    Buffer.concat(order.flatMap((number) => fields.filter((it) => it.number === number).map((it) => it.bytes))))
}

/** Fields that no message of the schema has, one of each wire type; the group holds another group and a field. */
export const UNKNOWN_FIELDS: readonly Uint8Array[] = [
  [0xf8, 0xff, 0x7f, 0x96, 0x01],
  [0xf9, 0xff, 0x7f, 1, 2, 3, 4, 5, 6, 7, 8],
  [0xfa, 0xff, 0x7f, 3, 0xff, 0xff, 0xff],
  [0xfb, 0xff, 0x7f, 0x0b, 0x08, 0x05, 0x0c, 0xfc, 0xff, 0x7f],
  [0xfd, 0xff, 0x7f, 1, 2, 3, 4],
].map((bytes) => Uint8Array.from(bytes))

/** `bytes` with unknown fields before, between and after its fields, which come in any order. */
export function disguised(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc.tuple(shuffled(splitFields(bytes)), fc.infiniteStream(fc.subarray([...UNKNOWN_FIELDS]))).map(
    ([reordered, unknown]) => {
      const parts: Uint8Array[] = []
      for (const field of splitFields(reordered)) {
        parts.push(...(unknown.next().value as Uint8Array[]), field.bytes)
      }
      return Buffer.concat([...parts, ...(unknown.next().value as Uint8Array[])])
    },
  )
}

/** Bytes near an encoding: cut short, with bytes changed, put in or left out; or nothing like one. */
export function damaged(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const position = fc.nat({ max: Math.max(0, bytes.length - 1) })
  const piece = fc.uint8Array({ minLength: 1, maxLength: 4 })
  return fc.oneof(
    position.map((at) => bytes.slice(0, at)),
    fc.tuple(position, piece).map(([at, more]) => Buffer.concat([bytes.slice(0, at), more, bytes.slice(at)])),
    fc.tuple(position, piece).map(([at, other]) =>
      Buffer.concat([bytes.slice(0, at), other, bytes.slice(at + other.length)])),
    fc.tuple(position, position).map(([a, b]) =>
      Buffer.concat([bytes.slice(0, Math.min(a, b)), bytes.slice(Math.max(a, b))])),
    fc.uint8Array({ maxLength: 40 }),
  )
}

/** `bytes` with other bytes on both sides, which a decoder must not look at. */
export function framed(bytes: Uint8Array, filler: number): { bytes: Uint8Array; start: number; end: number } {
  const margin = new Uint8Array(16).fill(filler)
  return { bytes: Buffer.concat([margin, bytes, margin]), start: 16, end: 16 + bytes.length }
}
