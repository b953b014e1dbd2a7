/** Both CRC-32C implementations against the definition. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../src/base/bytes.js'
import { Crc32cMemory } from '../../src/base/crc32c-memory.js'
import { crc32c, crc32cUpdate } from '../../src/base/crc32c.js'

/** Bit by bit, from the polynomial's definition. */
function slowCrc(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1
  }
  return ~crc >>> 0
}

test('the check value of CRC-32C is e3069283', () => {
  assert.equal(crc32c(utf8('123456789')), 0xe306_9283)
})

test('tables, WebAssembly and the definition agree on any bytes at any offset', () => {
  const memory = new Crc32cMemory(4096)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(40), (bytes, offset) => {
      memory.bytes.set(bytes, offset)
      const expected = slowCrc(bytes)
      assert.equal(crc32c(bytes), expected)
      assert.equal(memory.update(0, offset, offset + bytes.length), expected)
    }),
  )
})

test('a CRC continues over parts', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, at) => {
      const split = Math.min(at, bytes.length)
      const first = crc32cUpdate(0, bytes, 0, split)
      assert.equal(crc32cUpdate(first, bytes, split, bytes.length), crc32c(bytes))
    }),
  )
})

test('growing keeps the bytes and the CRC of a range that ends in the new part', () => {
  const memory = new Crc32cMemory(100)
  memory.bytes.set(utf8('kept'), 3)
  memory.grow(1_000_000)
  memory.bytes.set(utf8('far'), 999_990)
  assert.equal(memory.update(0, 3, 7), crc32c(utf8('kept')))
  assert.equal(memory.update(0, 999_990, 999_993), crc32c(utf8('far')))
})
