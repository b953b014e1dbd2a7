/** The bbolt format: what is written is read again, and nothing that is read is believed. */

import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { compareBytes, equalBytes, type Bytes } from '../../src/base/bytes.js'
import { Slice } from '../../src/base/slice.js'
import { BboltError } from '../../src/bbolt/bbolt-error.js'
import { BboltReader } from '../../src/bbolt/bbolt-reader.js'
import { BboltWriter } from '../../src/bbolt/bbolt-writer.js'

interface Bucket {
  readonly name: string
  readonly pairs: readonly (readonly [Bytes, Bytes])[]
}

/** A file in memory. */
class MemoryFile {
  bytes: Bytes = new Uint8Array(0)

  get sizeBytes(): number {
    return this.bytes.length
  }

  write(source: Bytes, start: number, end: number, position: number): void {
    const size = Math.max(this.bytes.length, position + end - start)
    if (size > this.bytes.length) {
      const larger = new Uint8Array(size)
      larger.set(this.bytes)
      this.bytes = larger
    }
    this.bytes.set(source.subarray(start, end), position)
  }

  read(target: Bytes, position: number): number {
    const source = this.bytes.subarray(position, position + target.length)
    target.set(source)
    return source.length
  }
}

function written(buckets: readonly Bucket[]): MemoryFile {
  const file = new MemoryFile()
  const writer = new BboltWriter(file)
  const key = new Slice()
  const value = new Slice()
  for (const bucket of buckets) {
    writer.startBucket(bucket.name)
    for (const [k, v] of bucket.pairs) writer.pair(key.at(k, 0, k.length), value.at(v, 0, v.length))
    writer.endBucket()
  }
  assert.equal(writer.finish(), file.sizeBytes)
  return file
}

function readAll(file: MemoryFile): Bucket[] {
  const reader = new BboltReader(file)
  reader.check()
  return reader.bucketNames().map((name) => {
    const pairs: (readonly [Bytes, Bytes])[] = []
    for (const { key, value } of reader.pairs(name)) pairs.push([key.copy(), value.copy()])
    return { name, pairs }
  })
}

function assertSame(actual: readonly Bucket[], expected: readonly Bucket[]): void {
  assert.deepEqual(actual.map(({ name }) => name), expected.map(({ name }) => name))
  actual.forEach(({ name, pairs }, i) => {
    const wanted = (expected[i] as Bucket).pairs
    assert.equal(pairs.length, wanted.length, `pairs of ${name}`)
    pairs.forEach(([key, value], j) => {
      const [wantedKey, wantedValue] = wanted[j] as readonly [Bytes, Bytes]
      assert.ok(equalBytes(key, wantedKey) && equalBytes(value, wantedValue), `pair ${j} of ${name}`)
    })
  })
}

function repetition(min: number, max: number): fc.Arbitrary<Bytes> {
  return fc.tuple(fc.integer({ min, max }), fc.nat(255)).map(([size, byte]) => new Uint8Array(size).fill(byte))
}

const keys = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 40 }) },
  { weight: 1, arbitrary: repetition(1000, 32768) },
)
const values = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  { weight: 1, arbitrary: repetition(3000, 20_000) },
)
const pairs = fc
  .uniqueArray(fc.tuple(keys, values), { maxLength: 400, selector: ([key]) => Buffer.from(key).toString('hex') })
  .map((list) => list.sort(([a], [b]) => compareBytes(a, b)))
const buckets = fc
  .uniqueArray(fc.tuple(fc.stringMatching(/^[a-z_]{1,12}$/), pairs), { maxLength: 5, selector: ([name]) => name })
  .map((list) => list.map(([name, pairs]) => ({ name, pairs })).sort((a, b) => (a.name < b.name ? -1 : 1)))

test('what was written is read again, whatever the keys and values', () => {
  fc.assert(
    fc.property(buckets, (input) => {
      assertSame(readAll(written(input)), input)
    }),
    { numRuns: 40 },
  )
})

test('a bucket of many levels keeps its order', () => {
  const input = [{
    name: 'key',
    pairs: Array.from({ length: 20_000 }, (_, i) => {
      const key = Buffer.alloc(200)
      key.writeUInt32BE(i, 150)
      return [new Uint8Array(key), new Uint8Array(Buffer.from(`value ${i}`))] as const
    }),
  }]
  assertSame(readAll(written(input)), input)
})

test('a bucket without pairs is there', () => {
  assert.deepEqual(readAll(written([{ name: 'alarm', pairs: [] }])), [{ name: 'alarm', pairs: [] }])
})

test('keys out of order are a broken promise', () => {
  const pairs = ['b', 'a'].map((key) => [Buffer.from(key), Buffer.from('')] as const)
  assert.throws(() => written([{ name: 'key', pairs }]), /out of order/)
})

test('the older meta page serves when the newer one is damaged, and nothing serves without both', () => {
  const file = written([{ name: 'key', pairs: [[Buffer.from('a'), Buffer.from('1')]] }])
  file.bytes[4096 + 40]! ^= 1
  assert.equal(readAll(file).length, 1)
  file.bytes[40]! ^= 1
  assert.throws(() => new BboltReader(file), /not a bbolt database/)
})

test('a file that is shorter than its meta page says is refused', () => {
  const file = written([{ name: 'key', pairs: [[Buffer.from('a'), new Uint8Array(9000)]] }])
  file.bytes = file.bytes.slice(0, file.bytes.length - 1)
  assert.throws(() => new BboltReader(file), /too short/)
})

test('whatever byte of a page is damaged, reading ends with what was meant, other values, or a BboltError', () => {
  const pairs = Array.from({ length: 500 }, (_, i) => [Buffer.from(`k${i + 1000}`), Buffer.alloc(50)] as const)
  const input = [
    { name: 'key', pairs },
    { name: 'meta', pairs: [[Buffer.from('a'), Buffer.from('1')] as const] },
  ]
  const pristine = written(input)
  const places = fc.integer({ min: 3 * 4096, max: pristine.sizeBytes - 1 })
  fc.assert(
    fc.property(places, fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const file = new MemoryFile()
      file.bytes = pristine.bytes.slice()
      file.bytes[at]! ^= flip
      try {
        readAll(file)
      } catch (error) {
        if (!(error instanceof BboltError)) throw error
      }
    }),
    { numRuns: 1000 },
  )
})
