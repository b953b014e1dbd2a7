/** Seeded numbers, 64-bit halves, checksums and assertions. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32cBitwise } from './crc32c-bitwise.js'
import fc from 'fast-check'
import { InvariantError, assert as invariant, assertEqual, unreachable } from '../../src/base/assert.js'
import { Crc32cMemory } from '../../src/base/crc32c-memory.js'
import { crc32c, crc32cUpdate } from '../../src/base/crc32c.js'
import { Prng } from '../../src/base/prng.js'
import { systemClock } from '../../src/base/system-clock.js'
import { highHalf, joinSafe, lowHalf } from '../../src/base/varint.js'

test('a seed gives the same numbers again, and another seed gives others', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (seed) => {
      const [a, b, c] = [new Prng(seed), new Prng(seed), new Prng(seed + 1)]
      const take = (prng: Prng): number[] => Array.from({ length: 8 }, () => prng.u32())
      const first = take(a)
      assert.deepEqual(first, take(b))
      assert.notDeepEqual(first, take(c))
      for (const value of first) assert.ok(Number.isInteger(value) && value >= 0 && value < 2 ** 32)
    }),
  )
})

test('every bit of the numbers is set about half the time', () => {
  const prng = new Prng(42)
  const draws = 20_000
  const ones = new Array<number>(32).fill(0)
  for (let i = 0; i < draws; i++) {
    const value = prng.u32()
    for (let bit = 0; bit < 32; bit++) ones[bit]! += (value >>> bit) & 1
  }
  for (const count of ones) assert.ok(Math.abs(count - draws / 2) < 500, `${count} of ${draws}`)
})

test('numbers between two bounds reach both and pass neither', () => {
  const prng = new Prng(7)
  const seen = new Set(Array.from({ length: 1000 }, () => prng.between(-2, 3)))
  assert.deepEqual([...seen].toSorted((a, b) => a - b), [-2, -1, 0, 1, 2, 3])
})

test('a chance comes true about as often as it says', () => {
  const prng = new Prng(1)
  let hits = 0
  for (let i = 0; i < 10_000; i++) if (prng.chance(0.1)) hits++
  assert.ok(hits > 850 && hits < 1150, String(hits))
  assert.equal(prng.chance(0), false)
  assert.equal(prng.chance(1), true)
})

test('picking needs something to pick from', () => {
  const prng = new Prng(3)
  assert.equal(prng.pick(['only']), 'only')
  assert.throws(() => prng.pick([]), RangeError)
  assert.equal(prng.bytes(17).length, 17)
})

test('halves of a safe integer join to it again', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      assert.equal(joinSafe(highHalf(value), lowHalf(value)), value)
      assert.equal((BigInt(highHalf(value)) << 32n) | BigInt(lowHalf(value)), BigInt(value))
    }),
  )
  assert.throws(() => joinSafe(0x20_0000, 0), RangeError)
})

test('CRC-32C has the published check value and equals the bitwise definition', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.equal(crc32c(bytes), crc32cBitwise(bytes))
    }),
  )
})

test('CRC-32C of parts, of windows and in WebAssembly memory agree', () => {
  const memory = new Crc32cMemory(1000)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(400), fc.nat(16), (bytes, split, offset) => {
      const middle = Math.min(split, bytes.length)
      const parts = crc32cUpdate(crc32cUpdate(0, bytes, 0, middle), bytes, middle, bytes.length)
      assert.equal(parts, crc32c(bytes))
      memory.bytes.set(bytes, offset)
      const first = memory.update(0, offset, offset + middle)
      assert.equal(memory.update(first, offset + middle, offset + bytes.length), parts)
    }),
  )
})

test('memory for checksums keeps its bytes when it grows', () => {
  const memory = new Crc32cMemory(10)
  memory.bytes.set(Buffer.from('123456789'))
  memory.grow(10 * 65_536)
  assert.ok(memory.bytes.length >= 10 * 65_536)
  assert.equal(memory.update(0, 0, 9), 0xe3069283)
})

test('a broken invariant is an error of its own kind that says what broke', () => {
  assert.doesNotThrow(() => invariant(true, 'holds'))
  assert.throws(() => invariant(false, 'does not hold'), new InvariantError('does not hold'))
  assert.throws(() => assertEqual(1, 2, 'the count'), new InvariantError('the count: got 1, expected 2'))
  assert.throws(() => unreachable('x' as never), InvariantError)
})

test('the monotonic clock does not go back and the wall clock is of this century', () => {
  let before = systemClock.nowMs()
  for (let i = 0; i < 1000; i++) {
    const nowMs = systemClock.nowMs()
    assert.ok(nowMs >= before)
    before = nowMs
  }
  assert.ok(systemClock.wallMs() > 1_600_000_000_000)
})
