/** Frames survive every way of cutting a stream, and no changed bit gets through. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Slice } from '../../../src/base/slice.js'
import { FRAME_HEADER_BYTES, FrameKind, FrameReader, frameOf } from '../../../src/peer/streams/frames.js'
import { SendBuffer } from '../../../src/peer/streams/send-buffer.js'

const BODY_BYTES_MAX = 5000

const bodies = fc.array(fc.uint8Array({ maxLength: BODY_BYTES_MAX }), { minLength: 1, maxLength: 12 })
/** Lengths of the chunks in which a stream arrives, taken round and round. */
const cuts = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 8 })

function chunksOf(stream: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0, i = 0; at < stream.length; i++) {
    const length = lengths[i % lengths.length] as number
    chunks.push(Buffer.from(stream.subarray(at, at + length)))
    at += length
  }
  return chunks
}

/** All bodies found, or what was wrong. `patience`: how often a frame is found before it is taken. */
function readAll(reader: FrameReader, chunks: readonly Buffer[], patience = 1): Buffer[] | string {
  const found: Buffer[] = []
  for (const chunk of chunks) {
    reader.push(chunk)
    for (;;) {
      let result = reader.next()
      for (let again = 1; again < patience && result === true; again++) result = reader.next()
      if (typeof result === 'string') return result
      if (!result) break
      assert.equal(reader.kind, FrameKind.message)
      found.push(Buffer.from(reader.bytes.subarray(reader.start, reader.end)))
      reader.take()
    }
  }
  return found
}

test('what is sent is read, however the stream is cut', () => {
  fc.assert(fc.property(bodies, cuts, fc.integer({ min: 1, max: 3 }), (sent, lengths, patience) => {
    const buffer = new SendBuffer(1024 * 1024)
    for (const body of sent) assert.ok(buffer.add(FrameKind.message, new Slice().at(body, 0, body.length)))
    const reader = new FrameReader(BODY_BYTES_MAX)
    const found = readAll(reader, chunksOf(buffer.take(), lengths), patience)
    assert.deepEqual(found, sent.map((body) => Buffer.from(body)))
    assert.equal(reader.heldBytes, 0)
  }))
})

test('a stream that ends inside a frame gives the frames before it and nothing else', () => {
  fc.assert(fc.property(bodies, cuts, fc.integer({ min: 1, max: 100 }), (sent, lengths, torn) => {
    const stream = Buffer.concat(sent.map((body) => frameOf(FrameKind.message, body)))
    const found = readAll(new FrameReader(BODY_BYTES_MAX), chunksOf(stream.subarray(0, -torn), lengths))
    assert.ok(Array.isArray(found) && found.length < sent.length)
    assert.deepEqual(found, sent.slice(0, found.length).map((body) => Buffer.from(body)))
  }))
})

test('a changed bit is noticed at the frame that it is in, or the frame never ends', () => {
  fc.assert(fc.property(bodies, fc.nat(), fc.integer({ min: 0, max: 7 }), (sent, where, bit) => {
    const frames = sent.map((body) => frameOf(FrameKind.message, body))
    const stream = Buffer.concat(frames)
    const at = where % stream.length
    stream[at] = (stream[at] as number) ^ (1 << bit)
    let hit = 0
    for (let end = 0; end <= at; hit++) end += (frames[hit] as Buffer).length
    const reader = new FrameReader(BODY_BYTES_MAX)
    const found: Buffer[] = []
    reader.push(stream)
    let result = reader.next()
    for (; result === true; result = reader.next()) {
      found.push(Buffer.from(reader.bytes.subarray(reader.start, reader.end)))
      reader.take()
    }
    assert.deepEqual(found, sent.slice(0, hit - 1).map((body) => Buffer.from(body)))
    assert.ok(result !== false || reader.heldBytes > 0)
  }))
})

test('random bytes are refused or waited on, never read past', () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (chunks) => {
    const reader = new FrameReader(BODY_BYTES_MAX)
    for (const chunk of chunks) {
      reader.push(Buffer.from(chunk))
      const result = reader.next()
      assert.notEqual(result, true)
      if (result !== false) return
    }
    assert.ok(reader.heldBytes <= BODY_BYTES_MAX + FRAME_HEADER_BYTES)
  }))
})

test('a length above the limit is refused before any memory is taken for it', () => {
  const header = Buffer.alloc(FRAME_HEADER_BYTES)
  header.writeUInt32LE(0xffff_fff0)
  const reader = new FrameReader(BODY_BYTES_MAX)
  reader.push(header.subarray(0, 5))
  assert.equal(reader.next(), false)
  reader.push(header.subarray(5))
  assert.match(String(reader.next()), /a frame of 4294967280 bytes, more than 5000/)
})

test('a send buffer refuses what passes its bound, bytes under way included', () => {
  const body = Buffer.alloc(1000 - FRAME_HEADER_BYTES)
  const buffer = new SendBuffer(3000)
  assert.ok(buffer.add(FrameKind.message, body))
  assert.ok(buffer.add(FrameKind.message, body))
  const taken = buffer.take()
  assert.equal(taken.length, 2000)
  assert.ok(buffer.isEmpty)
  assert.ok(buffer.add(FrameKind.message, body))
  assert.equal(buffer.add(FrameKind.message, Buffer.alloc(0)), false)
  buffer.onWritten(taken)
  assert.equal(buffer.bytes, 1000)
  assert.ok(buffer.add(FrameKind.message, body))
  buffer.clear()
  assert.equal(buffer.bytes, 0)
})
