/** Frames come out whole and in order, however the octets were cut on the way. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameReader, FrameStep } from '../../../src/front/http2/frame-reader.js'
import { frame } from './support/frames.js'

const frames = fc.array(
  fc.record({
    type: fc.integer({ min: 0, max: 255 }),
    flags: fc.integer({ min: 0, max: 255 }),
    streamId: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    payload: fc.uint8Array({ maxLength: 300 }),
  }, { noNullPrototype: true }),
  { maxLength: 12 },
)

test('any stream of frames, cut anywhere, is read as it was written', () => {
  fc.assert(
    fc.property(frames, fc.infiniteStream(fc.integer({ min: 1, max: 60 })), (list, cuts) => {
      const bytes = Buffer.concat(list.map((f) => frame(f.type, f.flags, f.streamId, f.payload)))
      const reader = new FrameReader()
      const read: typeof list = []
      for (let at = 0; at < bytes.length; ) {
        const size = Math.min(cuts.next().value as number, bytes.length - at)
        // A copy, overwritten afterwards: the reader must not look back into a chunk that it has used up.
        const chunk = Buffer.from(bytes.subarray(at, at + size))
        reader.feed(chunk, 0)
        while (reader.next() === FrameStep.frame) {
          const { type, flags, streamId, bytes: source, start, end } = reader
          read.push({ type, flags, streamId, payload: Uint8Array.from(source.subarray(start, end)) })
        }
        chunk.fill(0xee)
        at += size
      }
      assert.deepEqual(read, list)
      assert.equal(reader.isMidFrame, false)
    }),
  )
})

test('the reserved bit of a stream number is ignored', () => {
  const reader = new FrameReader()
  const bytes = frame(0, 0, 5)
  bytes[5] = 0x80
  reader.feed(bytes, 0)
  assert.equal(reader.next(), FrameStep.frame)
  assert.equal(reader.streamId, 5)
})

test('a frame above the limit is refused from its header alone, whole or cut', () => {
  const header = frame(0, 0, 1, Buffer.alloc(101)).subarray(0, 9)
  for (const cut of [9, 2]) {
    const reader = new FrameReader(100)
    reader.feed(header.subarray(0, cut), 0)
    if (cut < 9) {
      assert.equal(reader.next(), FrameStep.needMore)
      reader.feed(header.subarray(cut), 0)
    }
    assert.equal(reader.next(), FrameStep.tooLarge)
  }
})
