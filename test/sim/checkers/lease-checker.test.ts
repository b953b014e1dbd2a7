/** Leases that end when they should, too early and too late. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkLease, Disturbances, type LeaseLife } from '../../../src/sim/checkers/lease-checker.js'

function life(endedMs: number | null, rest: Partial<LeaseLife> = {}): LeaseLife {
  return {
    name: 'l', leaseId: 7n, ttlMs: 3000, grantSentMs: 1000, grantAckMs: 1010, renewals: [], renewedMs: null,
    revokeSentMs: null, endedMs, ...rest,
  }
}

function verdict(it: LeaseLife, disturbed: readonly (readonly [number, number])[] = [], nowMs = 60_000): string | null {
  const disturbances = new Disturbances()
  for (const [from, until] of disturbed) disturbances.add(from, until)
  return checkLease(it, { electionTimeoutMs: 1000, disturbances, nowMs })
}

test('a lease that ends at its time is right', () => {
  assert.equal(verdict(life(4005)), null)
  assert.equal(verdict(life(6000)), null)
})

test('a lease that ends too early is found', () => {
  assert.match(verdict(life(3900)) ?? 'nothing', /100.0 ms too early/)
})

test('an acknowledged renewal counts from when it was sent, one without an answer does not', () => {
  assert.match(verdict(life(4005, { renewals: [{ sentMs: 2000, ackMs: 2010 }] })) ?? 'nothing', /too early/)
  assert.equal(verdict(life(4005, { renewals: [{ sentMs: 2000, ackMs: null }] })), null)
})

test('a lease that a client has ended may go at any time', () => {
  assert.equal(verdict(life(2000, { revokeSentMs: 1990 })), null)
})

test('a lease that is renewed after its end is found, whoever ended it; a refused renewal is none', () => {
  const renewals = [{ sentMs: 2100, ackMs: 2110 }]
  assert.equal(verdict(life(2000, { revokeSentMs: 1990, renewals })), 'l was renewed at 2100.0 and had ended at 2000.0')
  assert.match(verdict(life(4005, { renewals: [{ sentMs: 4100, ackMs: 4101 }] })) ?? 'nothing', /had ended at 4005/)
  assert.equal(verdict(life(2000, { revokeSentMs: 1990, renewals: [{ sentMs: 2100, ackMs: null }] })), null)
})

test('a lease that ends too late, or never, is found', () => {
  assert.match(verdict(life(6100)) ?? 'nothing', /90.0 ms too late/)
  assert.match(verdict(life(null)) ?? 'nothing', /is still there/)
})

test('a renewal without an answer counts from when it was applied, and not at all if it never was', () => {
  const renewals = [{ sentMs: 2000, ackMs: null }]
  assert.match(verdict(life(7000, { renewals })) ?? 'nothing', /990.0 ms too late: it was last renewed at 1010.0/)
  // Its member has lost its leader, and could propose it only two seconds later.
  assert.equal(verdict(life(9000, { renewals, renewedMs: 4000 })), null)
  assert.match(verdict(life(9100, { renewals, renewedMs: 4000 })) ?? 'nothing', /100.0 ms too late/)
})

test('an outage is added to its time', () => {
  assert.equal(verdict(life(9000), [[2000, 6000]]), null)
  assert.match(verdict(life(11_000), [[2000, 6000]]) ?? 'nothing', /too late/)
})

test('disturbances that overlap count once', () => {
  const it = new Disturbances()
  it.add(0, 10)
  it.add(5, 20)
  it.add(30, 40)
  assert.equal(it.between(0, 100), 30)
  assert.equal(it.between(8, 35), 17)
})
