/** The expiry queue against a sorted list. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ExpiryQueue } from '../../src/lease/expiry-queue.js'
import { Lease } from '../../src/lease/lease.js'

const step = fc.record({
  lease: fc.nat(30),
  action: fc.constantFrom('schedule', 'schedule', 'remove', 'pop'),
  dueMs: fc.integer({ min: 0, max: 50 }),
})

test('the first of an expiry queue is always one of the soonest due', () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const queue = new ExpiryQueue()
    const leases = Array.from({ length: 31 }, (_, i) => new Lease(BigInt(i), 1, 0))
    const model = new Map<Lease, number>()
    for (const { lease: index, action, dueMs } of steps) {
      const lease = action === 'pop' ? queue.first : leases[index] as Lease
      if (action === 'schedule' && lease !== undefined) {
        queue.schedule(lease, dueMs)
        model.set(lease, dueMs)
      } else if (lease !== undefined) {
        queue.remove(lease)
        model.delete(lease)
      }
      assert.equal(queue.size, model.size)
      assert.equal(queue.first?.dueMs ?? Infinity, Math.min(Infinity, ...model.values()))
      for (const each of leases) assert.equal(queue.has(each), model.has(each))
    }
  }))
})

test('a cleared queue knows none of its leases', () => {
  const queue = new ExpiryQueue()
  const lease = new Lease(1n, 1, 0)
  queue.schedule(lease, 5)
  queue.clear()
  assert.equal(queue.has(lease), false)
  assert.equal(queue.first, undefined)
})
