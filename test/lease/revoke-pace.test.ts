/** However many leases end together, applying their revokes leaves others most of the time. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { REVOKE_COUNT_MAX, REVOKE_COUNT_MIN, RevokePace } from '../../src/lease/revoke-pace.js'

interface Storm {
  readonly lastedMs: number
  readonly busyMs: number
  /** The longest that one entry held up what came behind it, once the pace had settled. */
  readonly heldUpMs: number
}

/** Revokes `leases` where each takes `leaseMs` to apply, and any entry `lightMs` until it is committed. */
function storm(pace: RevokePace, leases: number, leaseMs: number, lightMs: number): Storm {
  pace.onLight(lightMs)
  let nowMs = 0
  let busyMs = 0
  let heldUpMs = 0
  for (let entry = 0, left = leases; left > 0; entry++) {
    nowMs = Math.max(nowMs, pace.restUntilMs)
    const count = Math.min(pace.count, left)
    left -= count
    busyMs += count * leaseMs
    if (entry >= 8) heldUpMs = Math.max(heldUpMs, count * leaseMs)
    nowMs += lightMs + count * leaseMs
    pace.onRevoked(count, lightMs + count * leaseMs, nowMs)
  }
  return { lastedMs: nowMs, busyMs, heldUpMs }
}

test('100,000 leases at once take no more than a third of the time, a few milliseconds each, and end soon', () => {
  for (const lightMs of [0.3, 10, 50]) {
    const { lastedMs, busyMs, heldUpMs } = storm(new RevokePace(), 100_000, 0.02, lightMs)
    assert.ok(busyMs <= lastedMs / 3 + 1, `busy for ${busyMs} of ${lastedMs} ms`)
    assert.ok(heldUpMs <= 3, `${heldUpMs} ms at once`)
    assert.ok(lastedMs < 15_000 + 2000 * lightMs, `${lastedMs} ms`)
  }
})

test('an entry grows only when it was full and cheap', () => {
  const pace = new RevokePace()
  pace.onRevoked(3, 0.1, 0)
  assert.equal(pace.count, REVOKE_COUNT_MIN)
  pace.onRevoked(REVOKE_COUNT_MIN, 0.1, 0)
  assert.equal(pace.count, 2 * REVOKE_COUNT_MIN)
})

test('what an entry takes anyway does not count as the cost of its leases', () => {
  const pace = new RevokePace()
  for (let i = 0; i < 20; i++) pace.onLight(50)
  pace.onRevoked(REVOKE_COUNT_MIN, 50, 1000)
  assert.equal(pace.restUntilMs, 1000)
  assert.equal(pace.count, 2 * REVOKE_COUNT_MIN)
})

test('the width of an entry stays within its bounds and a rest within a tenth of a second', () => {
  const outcome = fc.record({ count: fc.integer({ min: 1, max: REVOKE_COUNT_MAX }), tookMs: fc.nat({ max: 10_000 }) })
  fc.assert(fc.property(fc.array(outcome, { maxLength: 100 }), (outcomes) => {
    const pace = new RevokePace()
    for (const { count, tookMs } of outcomes) {
      pace.onRevoked(Math.min(count, pace.count), tookMs, 0)
      assert.ok(pace.count >= REVOKE_COUNT_MIN && pace.count <= REVOKE_COUNT_MAX)
      assert.ok(pace.restUntilMs >= 0 && pace.restUntilMs <= 100)
    }
  }))
})
