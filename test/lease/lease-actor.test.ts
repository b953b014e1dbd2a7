/** What the lease actor proposes and answers, one promise at a time. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REVOKE_COUNT_MIN } from '../../src/lease/revoke-pace.js'
import { etcdErrors } from '../../src/proto/etcd-errors.js'
import { LeaseRig, REQUEST_TIMEOUT_MS, SAFETY_MS, clockOffset, rigWithLease } from './lease-rig.js'

test('a lease is revoked when its TTL is over, not before', () => {
  const rig = rigWithLease()
  rig.passApplying(9990)
  assert.deepEqual(rig.expired, [])
  rig.passApplying(20 + SAFETY_MS)
  assert.deepEqual(rig.expired, [1n])
})

test('without leases nothing is proposed', () => {
  const rig = new LeaseRig()
  rig.lead()
  rig.pass(60_000)
  assert.deepEqual(rig.log, [])
})

test('a member that does not lead proposes nothing', () => {
  const rig = new LeaseRig()
  rig.grant(1n, 2)
  rig.pass(60_000)
  assert.deepEqual(rig.log, [])
})

test('the clock is told at least twice a second while there is a lease, and stands still without one', () => {
  const rig = rigWithLease()
  const before = rig.clockMs
  rig.passApplying(3000)
  assert.ok(rig.clockMs - before > 2500, `the clock moved by ${rig.clockMs - before} ms in 3 s`)
  assert.notEqual(clockOffset(rig), 0)
  rig.revoke(1n)
  rig.passApplying(1)
  const after = rig.clockMs
  rig.passApplying(60_000)
  assert.equal(rig.clockMs, after)
  assert.equal(clockOffset(rig), 0)
})

test('time without leases takes nothing from the first lease after it', () => {
  const rig = rigWithLease()
  rig.revoke(1n)
  rig.passApplying(600_000)
  rig.grant(2n, 5)
  rig.passApplying(450)
  rig.restart()
  rig.lead()
  rig.passApplying(4500)
  assert.deepEqual(rig.expired, [])
  rig.passApplying(SAFETY_MS + 500)
  assert.deepEqual(rig.expired, [2n])
})

test('a keep-alive is answered with the TTL once it is applied', () => {
  const rig = rigWithLease()
  const question = rig.keepAlive(1n)
  rig.run()
  assert.deepEqual(rig.log[0]?.extension.renew, { ids: [1n] })
  assert.equal(rig.answers.has(question), false)
  rig.applyNext()
  rig.run()
  assert.deepEqual(rig.answer(question), { kind: 'kept', ttlSeconds: 10, error: 0 })
})

test('keep-alives that come while two are under way share the next entry', () => {
  const rig = rigWithLease()
  rig.grant(2n, 10)
  for (let i = 0; i < 2; i++) {
    rig.keepAlive(1n)
    rig.run()
  }
  for (const leaseId of [1n, 2n, 1n, 2n]) rig.keepAlive(leaseId)
  rig.pass(20)
  assert.equal(rig.log.length, 2)
  rig.pass(40)
  assert.deepEqual(rig.log[2]?.extension.renew?.ids, [1n, 2n])
  for (let i = 0; i < 3; i++) rig.applyNext()
  rig.run()
  assert.equal(rig.answers.size, 6)
})

test('the outcome of a renewal frees the next at once', () => {
  const rig = rigWithLease()
  for (let i = 0; i < 3; i++) {
    rig.keepAlive(1n)
    rig.run()
  }
  assert.equal(rig.log.length, 2)
  rig.applyNext()
  rig.run()
  assert.equal(rig.log.length, 2)
})

test('a keep-alive of an unknown lease is answered with 0 and costs no entry', () => {
  const rig = rigWithLease()
  const question = rig.keepAlive(7n)
  rig.run()
  assert.deepEqual(rig.answer(question), { kind: 'kept', ttlSeconds: 0, error: 0 })
  assert.deepEqual(rig.log, [])
})

test('a keep-alive finds a grant that became known in the same turn', () => {
  const rig = rigWithLease()
  const question = rig.keepAlive(2n)
  rig.grant(2n, 30)
  rig.passApplying(1)
  assert.deepEqual(rig.answer(question), { kind: 'kept', ttlSeconds: 30, error: 0 })
})

test('a kept lease lives for its whole TTL again', () => {
  const rig = rigWithLease()
  for (let i = 0; i < 5; i++) {
    rig.passApplying(9000)
    rig.keepAlive(1n)
    rig.passApplying(1)
  }
  assert.deepEqual(rig.expired, [])
  rig.passApplying(9990)
  assert.deepEqual(rig.expired, [])
  rig.passApplying(600)
  assert.deepEqual(rig.expired, [1n])
})

test('a lease whose renewal is under way is not revoked', () => {
  const rig = rigWithLease()
  rig.passApplying(9900)
  const question = rig.keepAlive(1n)
  rig.pass(2000)
  assert.ok(rig.log.every(({ extension }) => extension.revoke === undefined))
  rig.passApplying(1)
  assert.deepEqual(rig.answer(question), { kind: 'kept', ttlSeconds: 10, error: 0 })
  rig.passApplying(9900)
  assert.deepEqual(rig.expired, [])
  rig.passApplying(700)
  assert.deepEqual(rig.expired, [1n])
})

test('a keep-alive after the revoke was proposed waits for its outcome', () => {
  const rig = rigWithLease()
  rig.passApplying(9900)
  rig.pass(1000)
  assert.ok(rig.log.some(({ extension }) => extension.revoke !== undefined), 'no revoke was proposed')
  const question = rig.keepAlive(1n)
  rig.pass(100)
  assert.equal(rig.answers.has(question), false)
  assert.ok(rig.log.every(({ extension }) => extension.renew === undefined), 'a renewal was proposed')
  rig.passApplying(1)
  assert.deepEqual(rig.answer(question), { kind: 'kept', ttlSeconds: 0, error: 0 })
})

test('a refused revoke lets the keep-alive that waited for it renew the lease', () => {
  const rig = rigWithLease()
  rig.passApplying(9900)
  rig.pass(600)
  const question = rig.keepAlive(1n)
  rig.run()
  while (rig.refuseNext(etcdErrors.requestTooManyRequests.id)) continue
  rig.passApplying(100)
  assert.deepEqual(rig.answer(question), { kind: 'kept', ttlSeconds: 10, error: 0 })
  assert.deepEqual(rig.expired, [])
})

test('leases that expire together are proposed one entry at a time', () => {
  const rig = new LeaseRig()
  rig.lead()
  for (let id = 1; id <= 18_000; id++) {
    rig.grant(BigInt(id), 2)
    if (id % 500 === 0) rig.run()
  }
  while (rig.applyNext()) rig.run()
  rig.passApplying(1500)
  rig.pass(2000)
  const sizes = rig.log.map(({ extension }) => extension.revoke?.ids.length ?? 0).filter((size) => size > 0)
  assert.deepEqual(sizes, [REVOKE_COUNT_MIN])
  rig.passApplying(1000)
  assert.equal(rig.expired.length, 18_000)
})

test('a refusal that may pass is tried again, with pauses that grow to half a second', () => {
  const rig = rigWithLease()
  const question = rig.keepAlive(1n)
  let refusals = 0
  const untilMs = rig.nowMs + 5000
  while (rig.nowMs < untilMs) {
    rig.pass(1)
    if (rig.refuseNext(etcdErrors.requestTooManyRequests.id)) refusals++
  }
  assert.ok(refusals >= 10 && refusals <= 25, `${refusals} refusals in 5 s`)
  rig.passApplying(500)
  assert.deepEqual(rig.answer(question), { kind: 'kept', ttlSeconds: 10, error: 0 })
})

test('a keep-alive that is refused for want of disk space is answered with that', () => {
  const rig = rigWithLease()
  const question = rig.keepAlive(1n)
  rig.run()
  rig.refuseNext(etcdErrors.noSpace.id)
  rig.run()
  assert.deepEqual(rig.answer(question), { kind: 'kept', ttlSeconds: 0, error: etcdErrors.noSpace.id })
})

test('a renewal without an outcome is an error after the time of a request', () => {
  const rig = rigWithLease()
  const question = rig.keepAlive(1n)
  rig.run()
  rig.log.length = 0
  rig.pass(REQUEST_TIMEOUT_MS + 1)
  assert.deepEqual(rig.answer(question), { kind: 'kept', ttlSeconds: 0, error: etcdErrors.timeout.id })
})

test('a revoke without an outcome is proposed again', () => {
  const rig = rigWithLease()
  rig.passApplying(9900)
  rig.pass(600)
  rig.log.length = 0
  rig.pass(REQUEST_TIMEOUT_MS + 1000)
  rig.passApplying(600)
  assert.deepEqual(rig.expired, [1n])
})

for (const replay of [false, true]) {
  test(`a restart ${replay ? 'that replays the log' : 'from a checkpoint'} keeps the time that is left`, () => {
    const rig = rigWithLease()
    rig.passApplying(7000)
    rig.restart(replay)
    rig.lead()
    rig.passApplying(2900)
    assert.deepEqual(rig.expired, [])
    rig.passApplying(2 * SAFETY_MS)
    assert.deepEqual(rig.expired, [1n])
  })
}

test('time without a leader takes nothing from a lease', () => {
  const rig = rigWithLease()
  rig.passApplying(3000)
  rig.follow()
  rig.pass(100_000)
  rig.lead()
  rig.passApplying(6900)
  assert.deepEqual(rig.expired, [])
  rig.passApplying(2 * SAFETY_MS)
  assert.deepEqual(rig.expired, [1n])
})

test('a new leader judges nothing before an entry of its own is applied', () => {
  const rig = rigWithLease()
  rig.passApplying(9900)
  rig.follow()
  rig.lead()
  rig.pass(5000)
  assert.deepEqual(rig.log.map(({ extension }) => extension.revoke), [undefined])
})

test('what was proposed in an earlier term shows a new leader nothing', () => {
  const rig = rigWithLease()
  rig.passApplying(9900)
  rig.follow()
  rig.lead()
  rig.lead()
  assert.equal(rig.log.length, 2)
  rig.applyNext()
  rig.pass(5000)
  assert.ok(rig.log.every(({ extension }) => extension.revoke === undefined))
  rig.passApplying(2 * SAFETY_MS)
  assert.deepEqual(rig.expired, [1n])
})

test('an entry that came into the log under another leader shows nothing', () => {
  const rig = new LeaseRig()
  rig.lead()
  rig.grant(1n, 2)
  rig.run()
  rig.term++
  rig.passApplying(1)
  rig.pass(5000)
  assert.ok(rig.log.every(({ extension }) => extension.revoke === undefined))
})

test('a question that overtakes many grants is answered when all of them are known', () => {
  const rig = new LeaseRig()
  rig.lead()
  rig.grant(1n, 30)
  rig.passApplying(1)
  for (let id = 2; id <= 10_000; id++) rig.grant(BigInt(id), 30)
  const times = rig.timeToLive(10_000n)
  const kept = rig.keepAlive(9999n)
  rig.passApplying(1)
  assert.deepEqual(rig.answer(times), { kind: 'times', remaining: 30, granted: 30, error: 0 })
  assert.deepEqual(rig.answer(kept), { kind: 'kept', ttlSeconds: 30, error: 0 })
})

test('a grant while the log stands still lives no shorter after a change of leader', () => {
  const rig = rigWithLease()
  rig.pass(3000)
  rig.grant(2n, 2)
  rig.passApplying(1)
  rig.restart()
  rig.lead()
  rig.passApplying(1900)
  assert.deepEqual(rig.expired, [])
})

test('while the log stands still the clock does too, and leases live longer by that', () => {
  const rig = rigWithLease()
  rig.passApplying(5000)
  rig.pass(20_000)
  rig.passApplying(4000)
  assert.deepEqual(rig.expired, [])
  rig.passApplying(1000)
  assert.deepEqual(rig.expired, [1n])
})

test('the remaining time is told in whole seconds towards zero', () => {
  const rig = rigWithLease()
  rig.passApplying(2500)
  const question = rig.timeToLive(1n)
  rig.run()
  assert.deepEqual(rig.answer(question), { kind: 'times', remaining: 7, granted: 10, error: 0 })
})

test('the remaining time of an unknown lease is -1', () => {
  const rig = rigWithLease()
  const question = rig.timeToLive(9n)
  rig.run()
  assert.deepEqual(rig.answer(question), { kind: 'times', remaining: -1, granted: 0, error: 0 })
})

test('a question about time right after the start waits until this member knows all leases', () => {
  const rig = rigWithLease()
  rig.passApplying(2000)
  rig.restart()
  const known = rig.timeToLive(1n)
  const unknown = rig.timeToLive(2n)
  rig.run()
  assert.equal(rig.answers.size, 0)
  rig.lead()
  rig.passApplying(1)
  assert.deepEqual(rig.answer(known), { kind: 'times', remaining: 9, granted: 10, error: 0 })
  assert.deepEqual(rig.answer(unknown), { kind: 'times', remaining: -1, granted: 0, error: 0 })
})

test('leases are listed soonest to expire first, in as many parts as they need', () => {
  const rig = new LeaseRig()
  rig.lead()
  const count = 10_000
  for (let id = 1; id <= count; id++) {
    rig.grant(BigInt(id), 20_000 - id)
    if (id % 500 === 0) rig.run()
  }
  rig.passApplying(1)
  const question = rig.list()
  rig.run()
  const answer = rig.answer(question)
  assert.ok(answer.kind === 'list')
  assert.deepEqual(answer.ids, Array.from({ length: count }, (_, i) => BigInt(count - i)))
})

test('no leases are a list without ids', () => {
  const rig = new LeaseRig()
  const question = rig.list()
  rig.run()
  assert.deepEqual(rig.answer(question), { kind: 'list', ids: [] })
})
