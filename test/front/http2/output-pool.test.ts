/** Buffers that come back, and how many are kept for how long. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OutputPool, PIECE_BYTES } from '../../../src/front/http2/session/output-pool.js'
import { SendQueue } from '../../../src/front/http2/session/send-queue.js'

const MIB = 1024 * 1024

test('a buffer that was given back is taken again', () => {
  const pool = new OutputPool()
  const first = pool.take(PIECE_BYTES)
  pool.give(first)
  assert.equal(pool.take(PIECE_BYTES), first)
})

test('what is kept is bounded, and odd sizes are not kept at all', () => {
  const pool = new OutputPool()
  for (let i = 0; i < 10_000; i++) pool.give(Buffer.alloc(PIECE_BYTES))
  for (let i = 0; i < 10; i++) pool.give(Buffer.alloc(MIB))
  assert.equal(pool.freeBytes, 64 * MIB)
})

test('what nobody needs is let go by halves, down to what an idle front keeps', () => {
  const pool = new OutputPool()
  const taken = Array.from({ length: 1024 }, () => pool.take(PIECE_BYTES))
  for (const buffer of taken) pool.give(buffer)
  pool.trim()
  assert.equal(pool.freeBytes, 32 * MIB)
  pool.trim()
  assert.equal(pool.freeBytes, 16 * MIB)
  for (let i = 0; i < 10; i++) pool.trim()
  assert.equal(pool.freeBytes, 4 * MIB)
  assert.equal(pool.isSwollen, false)
})

test('a busy pool keeps what its takers need', () => {
  const pool = new OutputPool()
  const turn = (): void => {
    const taken = Array.from({ length: 1024 }, () => pool.take(PIECE_BYTES))
    for (const buffer of taken) pool.give(buffer)
  }
  turn()
  for (let i = 0; i < 5; i++) {
    turn()
    pool.trim()
  }
  assert.equal(pool.freeBytes, 32 * MIB)
})

test('a queue gives its pieces back, read or dropped, and keeps the order of its bytes', () => {
  const pool = new OutputPool()
  const source = Buffer.from(Array.from({ length: 5 * PIECE_BYTES + 7 }, (_, i) => i % 251))
  const queue = new SendQueue(pool)
  queue.push(source, 0, 10)
  queue.push(source, 10, source.length)
  const read = Buffer.alloc(3 * PIECE_BYTES)
  for (let at = 0; at < read.length; at += PIECE_BYTES / 2) queue.moveTo(read, at, PIECE_BYTES / 2)
  assert.deepEqual(read, source.subarray(0, read.length))
  assert.equal(queue.bytes, source.length - read.length)
  queue.drop()
  assert.equal(queue.bytes, 0)
  assert.equal(pool.freeBytes, 5 * PIECE_BYTES)
})
