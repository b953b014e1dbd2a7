/** The event log: order, revision ends, wrap, gaps, overrun. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Prng } from '../../src/base/prng.js'
import { allocateEventLog } from '../../src/keyspace/event-log-layout.js'
import { EventLogReader } from '../../src/keyspace/event-log-reader.js'
import { EventLogWriter } from '../../src/keyspace/event-log-writer.js'
import { SharedWords, Word, allocateWords } from '../../src/messages/shared-words.js'

interface Rig {
  readonly words: SharedWords
  readonly writer: EventLogWriter
  reader(): EventLogReader
}

function rig(bytes: number): Rig {
  const words = new SharedWords(allocateWords())
  const log = allocateEventLog(bytes)
  const writer = new EventLogWriter(log, words)
  return { words, writer, reader: () => new EventLogReader(log, words) }
}

/** A payload whose bytes follow from its revision, so that any mix-up shows. */
function payload(main: number, sub: number, length: number): Uint8Array {
  return new Uint8Array(length).fill((main * 31 + sub * 7) & 0xff)
}

function append(writer: EventLogWriter, main: number, sub: number, length: number): void {
  writer.append(main, sub, payload(main, sub, length), 0, length)
}

/** All that the reader can see now, as one line per record. */
function drain(reader: EventLogReader): string[] {
  const seen: string[] = []
  for (;;) {
    const state = reader.fill()
    if (state === 'overrun') seen.push('overrun')
    if (state !== 'records') return seen
    while (reader.next()) seen.push(describe(reader))
  }
}

function describe(reader: EventLogReader): string {
  if (reader.isGap) return `gap ${reader.main}`
  const bytes = reader.bytes.subarray(reader.start, reader.end)
  const expected = payload(reader.main, reader.sub, bytes.length)
  assert.deepEqual(Buffer.from(bytes), Buffer.from(expected))
  return `${reader.main}.${reader.sub}${reader.isLastOfRevision ? '!' : ''} ${bytes.length}`
}

test('an open batch is invisible until it is published', () => {
  const { writer, reader } = rig(4096)
  const cursor = reader()
  append(writer, 2, 0, 10)
  assert.deepEqual(drain(cursor), [])
  writer.publish()
  assert.deepEqual(drain(cursor), ['2.0! 10'])
})

test('the last change of every revision is marked', () => {
  const { writer, reader } = rig(4096)
  const cursor = reader()
  append(writer, 2, 0, 1)
  append(writer, 2, 1, 2)
  append(writer, 3, 0, 3)
  append(writer, 4, 0, 0)
  append(writer, 4, 1, 5)
  writer.publish()
  assert.deepEqual(drain(cursor), ['2.0 1', '2.1! 2', '3.0! 3', '4.0 0', '4.1! 5'])
})

test('an aborted batch leaves no trace', () => {
  const { writer, reader } = rig(4096)
  const cursor = reader()
  append(writer, 2, 0, 100)
  writer.abort()
  append(writer, 2, 0, 7)
  writer.publish()
  assert.deepEqual(drain(cursor), ['2.0! 7'])
})

test('a change longer than a quarter of the log leaves a gap up to the batch', () => {
  const { writer, reader } = rig(4096)
  const cursor = reader()
  append(writer, 2, 0, 10)
  append(writer, 3, 0, 1000)
  append(writer, 4, 0, 10)
  writer.publish()
  append(writer, 5, 0, 1)
  writer.publish()
  assert.deepEqual(drain(cursor), ['gap 4', '5.0! 1'])
  assert.equal(writer.gaps, 1)
})

test('a batch longer than half of the log leaves a gap', () => {
  const { writer, reader } = rig(4096)
  const cursor = reader()
  for (let sub = 0; sub < 70; sub++) append(writer, 9, sub, 1)
  writer.publish()
  assert.deepEqual(drain(cursor), ['gap 9'])
})

test('a gap can be published by itself', () => {
  const { writer, reader } = rig(4096)
  const cursor = reader()
  writer.publishGap(77)
  assert.deepEqual(drain(cursor), ['gap 77'])
})

test('a reader that the writer has lapped is told so and can go on from the tail', () => {
  const { writer, reader } = rig(4096)
  const cursor = reader()
  for (let main = 2; main < 200; main++) {
    append(writer, main, 0, 40)
    writer.publish()
  }
  assert.deepEqual(drain(cursor), ['overrun'])
  cursor.seekToTail()
  append(writer, 200, 0, 1)
  writer.publish()
  assert.deepEqual(drain(cursor), ['200.0! 1'])
})

test('a copy that the writer reaches before the second look is thrown away', () => {
  const { words, writer, reader } = rig(4096)
  const cursor = reader()
  append(writer, 2, 0, 40)
  writer.publish()
  const floors = [0, 1]
  const load = words.load.bind(words)
  // Between the reader's two looks at the floor the writer announces one byte more.
  words.load = (word) => (word === Word.eventLogFloor ? floors.shift() ?? 0 : load(word))
  assert.equal(cursor.fill(), 'overrun')
  assert.equal(cursor.next(), false)
})

test('a reader that keeps up sees everything in order through many wraps', () => {
  fc.assert(fc.property(fc.integer(), fc.constantFrom(4096, 16384), (seed, bytes) => {
    const prng = new Prng(seed)
    const { writer, reader } = rig(bytes)
    const cursor = reader()
    let main = 2
    for (let batch = 0; batch < 200; batch++) {
      const expected: string[] = []
      let room = bytes / 2
      for (let n = prng.between(1, 5); n > 0; n--) {
        const subs = prng.between(1, 3)
        for (let sub = 0; sub < subs; sub++) {
          const length = prng.between(0, 150)
          room -= 32 * (1 + Math.ceil(length / 32))
          append(writer, main, sub, length)
          expected.push(`${main}.${sub}${sub === subs - 1 ? '!' : ''} ${length}`)
        }
        main++
      }
      const gapsBefore = writer.gaps
      writer.publish()
      const isGap = writer.gaps > gapsBefore
      // Padding at the wrap, up to the longest record of this batch, counts as well.
      if (isGap) assert.ok(room < 192)
      else assert.ok(room >= 0)
      assert.deepEqual(drain(cursor), isGap ? [`gap ${main - 1}`] : expected)
    }
  }), { numRuns: 30 })
})

test('the floor never stands above the tail', () => {
  const { words, writer } = rig(4096)
  for (let main = 2; main < 500; main++) {
    append(writer, main, 0, main % 900)
    writer.publish()
    assert.ok(words.load(Word.eventLogFloor) <= words.load(Word.eventLogTail))
    assert.ok(words.load(Word.eventLogTail) - words.load(Word.eventLogFloor) <= 4096)
  }
})

test('a batch that nobody watches leaves a gap and no events, and the next one is not touched by it', () => {
  const { writer, reader } = rig(4096)
  const cursor = reader()
  writer.expectReaders(false)
  append(writer, 2, 0, 10)
  append(writer, 3, 0, 10)
  writer.publish()
  writer.expectReaders(false)
  writer.publish()
  writer.expectReaders(true)
  append(writer, 4, 0, 10)
  writer.publish()
  assert.deepEqual(drain(cursor), ['gap 3', '4.0! 10'])
})
