/** Numbers, ids and texts go to the wire and back, at their bounds too. */

import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { copyInto, copyOut } from '../../src/proto/byte-copy.js'
import { idOfHalves, ProtoReader } from '../../src/proto/proto-reader.js'
import {
  sizeOfEnumeration, sizeOfHalves, sizeOfId, sizeOfInt64, sizeOfUint32, sizeOfUint64,
  writeHalves, writeId, writeInt64, writeUint32, writeUint64,
} from '../../src/proto/proto-writer.js'
import { utf8Length, writeUtf8 } from '../../src/proto/utf8.js'

const TWO_63 = 2 ** 63
const TWO_64 = 2 ** 64
const INT64_MAX = 2n ** 63n - 1n
const UINT64_MAX = 2n ** 64n - 1n

function written(write: (target: Uint8Array) => number): Uint8Array {
  const target = new Uint8Array(16)
  return target.subarray(0, write(target))
}

function readerOf(bytes: Uint8Array): ProtoReader {
  const reader = new ProtoReader()
  reader.open(bytes, 0, bytes.length)
  return reader
}

/** The varint of a 64-bit value, by its definition. */
function varintOf(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  do {
    bytes.push(Number(rest & 0x7fn) | (rest >= 0x80n ? 0x80 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return Uint8Array.from(bytes)
}

/** Every power of two and its neighbours: where sizes change. */
const EDGES = Array.from({ length: 64 }, (_, i) => 1n << BigInt(i)).flatMap((it) => [it - 1n, it, it + 1n])

test('a varint has the bytes of its definition at every power of two', () => {
  for (const value of EDGES) {
    const bytes = varintOf(value)
    const [high, low] = [Number(value >> 32n), Number(value & 0xffff_ffffn)]
    assert.deepEqual(written((target) => writeHalves(target, 0, high, low)), bytes)
    assert.deepEqual(written((target) => writeId(target, 0, value)), bytes)
    assert.equal(sizeOfHalves(high, low), bytes.length)
    assert.equal(sizeOfId(value), bytes.length)
    if (value < 2n ** 32n) assert.deepEqual(written((target) => writeUint32(target, 0, Number(value))), bytes)
    if (value < 2n ** 32n) assert.equal(sizeOfUint32(Number(value)), bytes.length)
    if (value > 2n ** 53n) continue
    assert.deepEqual(written((target) => writeUint64(target, 0, Number(value))), bytes)
    assert.deepEqual(written((target) => writeInt64(target, 0, Number(value))), bytes)
    assert.equal(sizeOfUint64(Number(value)), bytes.length)
    assert.equal(sizeOfInt64(Number(value)), bytes.length)
    assert.equal(readerOf(bytes).int64(), Number(value))
    assert.equal(readerOf(bytes).uint64(), Number(value))
  }
})

test('a negative int64 takes ten bytes and comes back', () => {
  for (const value of [-1, -2, -127, -128, -(2 ** 31), -(2 ** 32), -(2 ** 52), Number.MIN_SAFE_INTEGER]) {
    const bytes = varintOf(BigInt(value))
    assert.equal(bytes.length, 10)
    assert.equal(sizeOfInt64(value), 10)
    assert.deepEqual(written((target) => writeInt64(target, 0, value)), bytes)
    assert.equal(readerOf(bytes).int64(), value)
  }
  assert.equal(sizeOfEnumeration(-1), 10)
  assert.equal(readerOf(varintOf(-1n)).enumeration(), -1)
})

test('a number above 2^53 is read as the nearest double, and the largest is written as itself', () => {
  assert.equal(readerOf(varintOf(INT64_MAX)).int64(), TWO_63)
  assert.equal(readerOf(varintOf(-INT64_MAX - 1n)).int64(), -TWO_63)
  assert.equal(readerOf(varintOf(UINT64_MAX)).uint64(), TWO_64)
  assert.deepEqual(written((target) => writeInt64(target, 0, TWO_63)), varintOf(INT64_MAX))
  assert.deepEqual(written((target) => writeInt64(target, 0, -TWO_63)), varintOf(-INT64_MAX - 1n))
  assert.deepEqual(written((target) => writeUint64(target, 0, TWO_64)), varintOf(UINT64_MAX))
  assert.equal(sizeOfInt64(TWO_63), 9)
  assert.equal(sizeOfUint64(TWO_64), 10)
})

test('ids keep all 64 bits', () => {
  fc.assert(fc.property(fc.bigInt(0n, UINT64_MAX), (id) => {
    assert.equal(readerOf(varintOf(id)).uint64Id(), id)
    assert.equal(readerOf(varintOf(id)).int64Id(), BigInt.asIntN(64, id))
    assert.equal(idOfHalves(Number(id >> 32n), Number(id & 0xffff_ffffn)), BigInt.asIntN(64, id))
  }))
})

test('a 32-bit number of a wider value keeps the low bits', () => {
  assert.equal(readerOf(varintOf(0x1_0000_0005n)).uint32(), 5)
  assert.equal(readerOf(varintOf(0xffff_ffffn)).uint32(), 0xffff_ffff)
})

test('a boolean is true for every number but 0', () => {
  assert.equal(readerOf(varintOf(2n ** 40n)).bool(), true)
  assert.equal(readerOf(Uint8Array.from([0x80, 0x80, 0x00])).bool(), false)
})

test('text has the UTF-8 of TextEncoder, lone surrogates included', () => {
  const text = fc.array(fc.oneof(
    fc.nat({ max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    fc.constantFrom('a', 'é', '漢', '😀', '\ud800', '\udfff'),
  ), { maxLength: 40 }).map((parts) => parts.join(''))
  fc.assert(fc.property(text, (it) => {
    const expected = new TextEncoder().encode(it)
    assert.equal(utf8Length(it), expected.length)
    const target = new Uint8Array(expected.length)
    writeUtf8(target, 0, it, expected.length)
    assert.deepEqual(target, expected)
  }), { numRuns: 300 })
})

test('text on the wire is read as UTF-8, broken bytes as U+FFFD', () => {
  const whole = fc.string({ unit: 'binary' }).map((it) => new TextEncoder().encode(it))
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 60 }), whole)
  fc.assert(fc.property(bytes, (it) => {
    const field = Uint8Array.from([...varintOf(BigInt(it.length)), ...it])
    assert.equal(readerOf(field).text(field.length), Buffer.from(it).toString('utf8'))
  }), { numRuns: 200 })
})

test('text is read from shared memory', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(64))
  shared.set(new TextEncoder().encode(`\x2a${'é'.repeat(21)}`))
  assert.equal(readerOf(shared).text(64), 'é'.repeat(21))
})

test('copies of all lengths are exact and their own', () => {
  for (const length of [0, 1, 39, 40, 41, 100]) {
    const source = Uint8Array.from({ length: length + 2 }, (_, i) => i + 1)
    const copy = copyOut(source, 1, length + 1)
    assert.deepEqual(copy, source.slice(1, length + 1))
    if (length > 0) assert.notEqual(copy.buffer, source.buffer)
    const target = new Uint8Array(length + 4)
    assert.equal(copyInto(target, 2, source, 1, length + 1), length + 2)
    assert.deepEqual(target.subarray(2, length + 2), copy)
    assert.deepEqual([target[0], target[1], target[length + 2]], [0, 0, 0])
  }
})
