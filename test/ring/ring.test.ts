/** A ring against a queue: whatever is written comes out once, whole and in order, and full is an answer. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readRingCounters } from '../../src/ring/ring-counters.js'
import {
  HEADER_BYTES,
  HEAD_WORD,
  TAIL_WORD,
  allocateRing,
  recordBytesMax,
  recordSpan,
  ringBytes,
} from '../../src/ring/ring-layout.js'
import { RingReader } from '../../src/ring/ring-reader.js'
import { RingWriter } from '../../src/ring/ring-writer.js'

const CAPACITY = 1024

/** A ring whose head and tail start at `origin`, as if so many bytes had passed through it. */
function rig(capacity = CAPACITY, origin = 0): { memory: SharedArrayBuffer; writer: RingWriter; reader: RingReader } {
  const memory = allocateRing(capacity)
  const words = new Int32Array(memory, 0, HEADER_BYTES / 4)
  words[TAIL_WORD] = origin | 0
  words[HEAD_WORD] = origin | 0
  return { memory, writer: new RingWriter(memory), reader: new RingReader(memory) }
}

function fill(writer: RingWriter, at: number, length: number, seed: number): void {
  for (let i = 0; i < length; i++) writer.bytes[at + i] = (seed + i * 7) & 0xff
}

function put(writer: RingWriter, type: number, length: number): boolean {
  const at = writer.claim(type, length)
  if (at < 0) return false
  fill(writer, at, length, type)
  writer.commit(length)
  return true
}

/** The record the reader stands on, after a check of its contents. */
function taken(reader: RingReader): { type: number; length: number } {
  const length = reader.end - reader.start
  for (let i = 0; i < length; i++) {
    assert.equal(reader.bytes[reader.start + i], (reader.type + i * 7) & 0xff, `byte ${i} of record ${reader.type}`)
  }
  return { type: reader.type, length }
}

type Command =
  | { readonly do: 'put'; readonly claim: number; readonly commit: number }
  | { readonly do: 'dropClaim'; readonly claim: number }
  | { readonly do: 'publish' | 'release' }
  | { readonly do: 'take'; readonly count: number }

const lengths = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: recordBytesMax(CAPACITY) }))

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(lengths, lengths).map(([a, b]): Command => {
    return { do: 'put', claim: Math.max(a, b), commit: Math.min(a, b) }
  }) },
  { weight: 4, arbitrary: lengths.map((claim): Command => ({ do: 'put', claim, commit: claim })) },
  { weight: 1, arbitrary: lengths.map((claim): Command => ({ do: 'dropClaim', claim })) },
  { weight: 4, arbitrary: fc.constantFrom<Command>({ do: 'publish' }, { do: 'release' }) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 9 }).map((count): Command => ({ do: 'take', count })) },
)

/** Origins around every place where 32-bit positions change sign or wrap. */
const origins = fc.constantFrom(0, 512, 2 ** 31 - 512, 2 ** 31, 2 ** 32 - 1024, 2 ** 32 - 512, 2 ** 32 - 8)

class Model {
  readonly #writer: RingWriter
  readonly #reader: RingReader
  readonly #memory: SharedArrayBuffer
  #nextType = 1
  /** Committed and not published, then published and not taken. */
  #pending: { type: number; length: number }[] = []
  #visible: { type: number; length: number }[] = []
  /** What the counters must say. */
  #records = 0
  #bytes = 0
  #full = 0
  #publishes = 0
  #takenRecords = 0
  #takenBytes = 0
  #takenUnreleased: { length: number }[] = []

  constructor(origin: number) {
    const { memory, writer, reader } = rig(CAPACITY, origin)
    this.#memory = memory
    this.#writer = writer
    this.#reader = reader
  }

  run(step: Command): void {
    switch (step.do) {
      case 'put':
        return this.#put(step.claim, step.commit)
      case 'dropClaim':
        if (this.#writer.claim(9, step.claim) < 0) this.#full++
        return
      case 'publish':
        return this.#publish()
      case 'take':
        return this.#take(step.count)
      case 'release':
        this.#reader.release()
        for (const { length } of this.#takenUnreleased) this.#takenBytes += length
        this.#takenRecords += this.#takenUnreleased.length
        this.#takenUnreleased = []
    }
  }

  #put(claim: number, commit: number): void {
    const freeBytes = this.#writer.freeBytes
    const at = this.#writer.claim(this.#nextType, claim)
    if (at < 0) {
      this.#full++
      // Refused only when it cannot fit: at worst the rest of the data area is lost to padding.
      assert.ok(freeBytes < 2 * recordSpan(claim), `refused ${claim} bytes with ${freeBytes} free`)
      return
    }
    assert.ok(at + claim <= CAPACITY, 'a record is contiguous')
    assert.equal(at % 8, 0, 'a record is aligned')
    fill(this.#writer, at, commit, this.#nextType)
    this.#writer.commit(commit)
    this.#pending.push({ type: this.#nextType, length: commit })
    this.#nextType = (this.#nextType + 1) % 0x7fff_ffff
    this.#records++
    this.#bytes += commit
  }

  #publish(): void {
    const pendingBytes = this.#writer.pendingBytes
    assert.equal(this.#writer.publish(), pendingBytes > 0)
    if (pendingBytes > 0) this.#publishes++
    this.#visible.push(...this.#pending)
    this.#pending = []
  }

  #take(count: number): void {
    for (let i = 0; i < count; i++) {
      const expected = this.#visible.shift()
      if (expected !== undefined) assert.ok(this.#reader.hasNext())
      assert.equal(this.#reader.next(), expected !== undefined)
      if (expected === undefined) return
      assert.deepEqual(taken(this.#reader), expected)
      this.#takenUnreleased.push(expected)
    }
  }

  finish(): void {
    this.#publish()
    this.#take(this.#visible.length + 1)
    this.run({ do: 'release' })
    const counters = readRingCounters(this.#memory)
    assert.equal(counters.recordsIn, this.#records)
    assert.equal(counters.bytesIn, this.#bytes)
    assert.equal(counters.recordsOut, this.#takenRecords)
    assert.equal(counters.bytesOut, this.#takenBytes)
    assert.equal(counters.full, this.#full)
    assert.equal(counters.publishes, this.#publishes)
    assert.equal(counters.depthBytes, 0)
    assert.ok(counters.highWaterBytes <= CAPACITY)
    assert.equal(this.#records, this.#takenRecords)
  }
}

test('any order of claims, commits, publishes and takes behaves as a queue', () => {
  fc.assert(
    fc.property(origins, fc.array(command, { maxLength: 200 }), (origin, steps) => {
      const model = new Model(origin)
      for (const step of steps) model.run(step)
      model.finish()
    }),
    { numRuns: 400 },
  )
})

test('a committed record is invisible until it is published', () => {
  const { writer, reader } = rig()
  put(writer, 1, 10)
  assert.equal(reader.hasNext(), false)
  assert.equal(reader.next(), false)
  assert.equal(writer.publish(), true)
  assert.equal(reader.next(), true)
})

test('publishing nothing says so', () => {
  const { writer } = rig()
  assert.equal(writer.publish(), false)
})

test('one publish shows a whole batch', () => {
  const { writer, reader } = rig()
  for (let type = 1; type <= 5; type++) put(writer, type, type)
  writer.publish()
  const types: number[] = []
  while (reader.next()) types.push(taken(reader).type)
  assert.deepEqual(types, [1, 2, 3, 4, 5])
})

test('a full ring refuses without changing anything, and takes again after a release', () => {
  const { memory, writer, reader } = rig()
  let written = 0
  while (put(writer, written + 1, 56)) written++
  writer.publish()
  assert.equal(written, CAPACITY / 64)
  assert.equal(writer.freeBytes, 0)
  assert.equal(readRingCounters(memory).full, 1)
  assert.equal(readRingCounters(memory).highWaterBytes, CAPACITY)
  assert.equal(writer.claim(9, 0), -1)
  assert.equal(reader.next(), true)
  assert.equal(put(writer, 9, 56), false, 'a record that was read but not released still holds its memory')
  reader.release()
  assert.equal(put(writer, 17, 56), true)
  writer.publish()
  const types: number[] = []
  while (reader.next()) types.push(taken(reader).type)
  assert.deepEqual(types, [...Array.from({ length: 15 }, (_, index) => index + 2), 17])
})

test('a record that does not fit before the end of the data starts at its beginning', () => {
  const { writer, reader } = rig()
  put(writer, 1, 400)
  put(writer, 2, 400)
  writer.publish()
  reader.next()
  reader.next()
  reader.release()
  // 816 bytes are passed; 208 remain before the end.
  assert.equal(writer.claim(3, 300), 8)
  fill(writer, 8, 300, 3)
  writer.commit(300)
  writer.publish()
  assert.equal(reader.next(), true)
  assert.deepEqual(taken(reader), { type: 3, length: 300 })
  assert.equal(reader.start, 8)
})

test('padding alone is nothing to wait for, and what is published behind it is not taken unseen', () => {
  const { writer, reader } = rig()
  put(writer, 1, 400)
  put(writer, 2, 400)
  writer.publish()
  assert.equal(reader.next() && reader.next(), true)
  reader.release()
  // Pads the end; the record itself is never committed.
  assert.notEqual(writer.claim(3, 400), -1)
  writer.publish()
  assert.equal(reader.hasNext(), false)
  put(writer, 4, 400)
  writer.publish()
  assert.equal(reader.hasNext(), true)
  assert.equal(reader.next(), true)
  assert.deepEqual(taken(reader), { type: 4, length: 400 })
})

test('a record that fits exactly before the end needs no padding', () => {
  const { writer, reader } = rig()
  put(writer, 1, 504)
  put(writer, 2, 504)
  assert.equal(writer.freeBytes, 0)
  writer.publish()
  assert.equal(reader.next() && reader.next(), true)
  assert.equal(reader.end, CAPACITY)
})

test('the longest record fits an empty ring wherever it begins', () => {
  const longest = recordBytesMax(CAPACITY)
  for (let origin = 0; origin < CAPACITY; origin += 8) {
    const { writer, reader } = rig(CAPACITY, origin)
    assert.equal(put(writer, 1, longest), true, `at ${origin}`)
    writer.publish()
    assert.equal(reader.next(), true)
    assert.deepEqual(taken(reader), { type: 1, length: longest })
  }
})

test('a claim that is never committed vanishes', () => {
  const { writer, reader } = rig()
  writer.claim(1, 100)
  put(writer, 2, 8)
  writer.publish()
  assert.equal(reader.next(), true)
  assert.equal(reader.type, 2)
  assert.equal(reader.next(), false)
})

test('a commit may be shorter than its claim but not longer', () => {
  const { writer, reader } = rig()
  const at = writer.claim(1, 100)
  fill(writer, at, 60, 1)
  assert.throws(() => writer.commit(101), RangeError)
  writer.commit(60)
  assert.throws(() => writer.commit(0), RangeError, 'there is no claim any more')
  writer.publish()
  reader.next()
  assert.deepEqual(taken(reader), { type: 1, length: 60 })
  assert.equal(readRingCounters(reader.bytes.buffer as unknown as SharedArrayBuffer).depthBytes, recordSpan(60))
})

test('lengths that are no lengths are refused', () => {
  const { writer } = rig()
  assert.throws(() => writer.claim(1, recordBytesMax(CAPACITY) + 1), RangeError)
  assert.throws(() => writer.claim(1, -1), RangeError)
  writer.claim(1, 8)
  assert.throws(() => writer.commit(-1), RangeError)
})

test('a capacity must be a power of two in range', () => {
  for (const capacity of [0, 1000, 512, 1025, 2 ** 31, -1024, 1536]) {
    assert.throws(() => ringBytes(capacity), RangeError)
  }
  assert.equal(ringBytes(1024), 1024 + HEADER_BYTES)
})

test('ends that are opened again continue where the ring stands', () => {
  const { memory, writer, reader } = rig(CAPACITY, 2 ** 32 - 16)
  put(writer, 1, 40)
  put(writer, 2, 40)
  writer.publish()
  reader.next()
  reader.release()
  const writerAgain = new RingWriter(memory)
  const readerAgain = new RingReader(memory)
  put(writerAgain, 3, 40)
  writerAgain.publish()
  const types: number[] = []
  while (readerAgain.next()) types.push(taken(readerAgain).type)
  assert.deepEqual(types, [2, 3])
})

test('a writer sees how far its reader has given records back, wherever the positions wrap around', () => {
  for (const origin of [0, 2 ** 32 - 64, 2 ** 31 - 64]) {
    const { writer, reader } = rig(CAPACITY, origin)
    for (let record = 0; record < 8; record++) {
      assert.ok(put(writer, 1, 24))
      const { position } = writer
      writer.publish()
      assert.equal(writer.hasReleased(position), false)
      assert.ok(reader.next())
      assert.equal(writer.hasReleased(position), false)
      reader.release()
      assert.equal(writer.hasReleased(position), true)
    }
  }
})
