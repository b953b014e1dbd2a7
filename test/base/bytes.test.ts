/** Byte strings, slices and copies. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareBytes, concatBytes, copyBytes, equalBytes, hexId, text, utf8 } from '../../src/base/bytes.js'
import { copyInto, copyRange } from '../../src/base/copy-into.js'
import { Slice } from '../../src/base/slice.js'

const bytes = fc.uint8Array({ maxLength: 200 })
/** Few values, so that equal prefixes are common. */
const similar = fc.uint8Array({ maxLength: 12, max: 2 })

test('bytes sort as memory does, the shorter first', () => {
  fc.assert(
    fc.property(similar, similar, (a, b) => {
      assert.equal(Math.sign(compareBytes(a, b)), Buffer.compare(a, b))
      assert.equal(equalBytes(a, b), Buffer.compare(a, b) === 0)
    }),
  )
})

test('bytes above 127 sort after those below', () => {
  assert.ok(compareBytes(Uint8Array.of(0x80), Uint8Array.of(0x7f)) > 0)
})

test('joined bytes are the parts in order', () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 5 }), (parts) => {
      assert.deepEqual(Buffer.from(concatBytes(...parts)), Buffer.concat(parts))
    }),
  )
})

test('a copy has memory of its own', () => {
  fc.assert(
    fc.property(bytes, fc.nat(200), fc.nat(200), (source, a, b) => {
      const start = Math.min(a, b, source.length)
      const end = Math.min(Math.max(a, b), source.length)
      const copy = copyBytes(source, start, end)
      assert.deepEqual(Buffer.from(copy), Buffer.from(source.subarray(start, end)))
      assert.notEqual(copy.buffer, source.buffer)
      assert.equal(copy.buffer.byteLength, end - start)
    }),
  )
})

test('a copy of shared memory is not shared', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(100)).fill(7)
  assert.ok(copyBytes(shared).buffer instanceof ArrayBuffer)
  assert.ok(copyBytes(shared, 0, 10).buffer instanceof ArrayBuffer)
})

test('copying into a target writes exactly the range, from bytes or from a slice', () => {
  fc.assert(
    fc.property(bytes, fc.nat(20), (source, at) => {
      const expected = Buffer.alloc(260, 0xee)
      expected.set(source, at)
      const fromBytes = new Uint8Array(260).fill(0xee)
      assert.equal(copyInto(fromBytes, at, source), at + source.length)
      assert.deepEqual(Buffer.from(fromBytes), expected)
      const padded = concatBytes(Uint8Array.of(1, 2, 3), source, Uint8Array.of(4))
      const fromSlice = new Uint8Array(260).fill(0xee)
      const end = copyInto(fromSlice, at, new Slice().at(padded, 3, 3 + source.length))
      assert.equal(end, at + source.length)
      assert.deepEqual(Buffer.from(fromSlice), expected)
      const fromRange = new Uint8Array(260).fill(0xee)
      copyRange(fromRange, at, padded, 3, 3 + source.length)
      assert.deepEqual(Buffer.from(fromRange), expected)
    }),
  )
})

test('a slice shows its window until it is moved', () => {
  const slice = new Slice()
  assert.equal(slice.length, 0)
  const memory = Uint8Array.of(1, 2, 3, 4, 5)
  slice.at(memory, 1, 4)
  const copy = slice.copy()
  const view = slice.view()
  memory[2] = 99
  assert.deepEqual([...copy], [2, 3, 4])
  assert.deepEqual([...view], [2, 99, 4])
  slice.at(memory, 0, 1)
  assert.equal(slice.length, 1)
})

test('text goes to UTF-8 and back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (words) => {
      assert.equal(text(utf8(words)), words)
    }),
  )
  assert.equal(text(Uint8Array.of(0xff, 0x61)), '\ufffda')
})

test('ids print as unsigned hexadecimal', () => {
  assert.equal(hexId(0n), '0')
  assert.equal(hexId(-1n), 'ffffffffffffffff')
  assert.equal(hexId(0x8e9e05c52164694dn), '8e9e05c52164694d')
})
