/** The table of requests that wait for answers: ids, slots and floors. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NO_FLOOR } from '../../src/front/requests/pending-request.js'
import { RequestTable } from '../../src/front/requests/request-table.js'
import { originOf, prefixOf } from '../../src/messages/request-id.js'

function table(capacity: number, firstSequence = 0): RequestTable {
  return new RequestTable({ capacity, prefix: 0xbeef, origin: 3, firstSequence })
}

test('an admitted request is found by its id until it is released', () => {
  const requests = table(4)
  const pending = requests.admit(NO_FLOOR)
  assert.equal(prefixOf(pending.high), 0xbeef)
  assert.equal(originOf(pending.high), 3)
  assert.equal(requests.find(pending.high, pending.low), pending)
  const { high, low } = pending
  requests.release(pending)
  assert.equal(requests.find(high, low), null)
})

test('an answer to an earlier request in the same slot finds nothing', () => {
  const requests = table(1)
  const { high, low } = requests.admit(NO_FLOOR)
  const first = requests.find(high, low)
  assert.ok(first !== null)
  requests.release(first)
  requests.admit(NO_FLOOR)
  assert.equal(requests.find(high, low), null)
})

test('a slot that is still taken is passed over', () => {
  const requests = table(2)
  const slow = requests.admit(NO_FLOOR)
  const { high, low } = slow
  for (let i = 0; i < 10; i++) requests.release(requests.admit(NO_FLOOR))
  assert.equal(requests.find(high, low), slow)
  assert.equal(requests.count, 1)
})

test('sequences wrap at 40 bits without losing a request', () => {
  const requests = table(8, 2 ** 40 - 3)
  const ids = Array.from({ length: 6 }, () => {
    const { high, low } = requests.admit(NO_FLOOR)
    return { high, low }
  })
  for (const { high, low } of ids) assert.ok(requests.find(high, low) !== null)
  assert.equal(new Set(ids.map(({ high, low }) => `${high}:${low}`)).size, 6)
})

test('the lowest floor is that of the outstanding requests, whatever order they are answered in', () => {
  const step = fc.record({ admit: fc.boolean(), floor: fc.option(fc.integer({ min: 0, max: 50 })), pick: fc.nat() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const requests = table(16)
      const outstanding: { high: number; low: number; floor: number }[] = []
      for (const { admit, floor, pick } of steps) {
        if (admit && !requests.isFull) {
          const wanted = floor ?? NO_FLOOR
          const { high, low } = requests.admit(wanted)
          outstanding.push({ high, low, floor: wanted })
        } else if (outstanding.length > 0) {
          const [gone] = outstanding.splice(pick % outstanding.length, 1)
          assert.ok(gone !== undefined)
          const pending = requests.find(gone.high, gone.low)
          assert.ok(pending !== null)
          requests.release(pending)
        }
        const expected = Math.min(NO_FLOOR, ...outstanding.map((request) => request.floor))
        assert.equal(requests.lowestFloor(), expected)
        assert.equal(requests.count, outstanding.length)
      }
    }),
  )
})
