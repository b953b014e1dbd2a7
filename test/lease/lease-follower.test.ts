/** What a lease actor does while its member does not lead, and when it begins to. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { etcdErrors } from '../../src/proto/etcd-errors.js'
import type { Extension } from '../../src/proto/generated/raftringpb.js'
import { REQUEST_TIMEOUT_MS, rigWithLease } from './lease-rig.js'

test('a keep-alive that finds no leader waits for one, for as long as a request may take', () => {
  const rig = rigWithLease()
  rig.follow()
  const early = rig.keepAlive(1n)
  rig.pass(REQUEST_TIMEOUT_MS + 200)
  assert.deepEqual(rig.answer(early), { kind: 'kept', ttlSeconds: 0, error: etcdErrors.noLeader.id })
  const late = rig.keepAlive(1n)
  rig.pass(1000)
  rig.lead()
  rig.passApplying(1)
  assert.deepEqual(rig.answer(late), { kind: 'kept', ttlSeconds: 10, error: 0 })
})

test('a renewal that was decided in an earlier term is repeated in the new one', () => {
  const rig = rigWithLease()
  const question = rig.keepAlive(1n)
  rig.run()
  rig.lead()
  rig.passApplying(1)
  assert.deepEqual(rig.answer(question), { kind: 'kept', ttlSeconds: 10, error: 0 })
})

test('a follower proposes renewals without a time, and nothing else', () => {
  const rig = rigWithLease()
  rig.followAnother()
  rig.keepAlive(1n)
  rig.pass(60)
  rig.pass(20_000)
  const { extension } = rig.log[0] as { extension: Extension }
  assert.deepEqual(extension, { lease_clock_ms: 0, clock_epoch: 0, renew: { ids: [1n] }, revoke: undefined })
  assert.ok(rig.log.every(({ extension: { revoke, clock_epoch } }) => revoke === undefined && clock_epoch === 0))
})

test('a follower tells the time that is left by the clock of its leader', () => {
  const rig = rigWithLease()
  rig.followAnother()
  for (let clockMs = 500; clockMs <= 4000; clockMs += 500) {
    rig.pass(500)
    rig.tickOfAnother(clockMs)
  }
  const question = rig.timeToLive(1n)
  rig.passApplying(1)
  assert.deepEqual(rig.answer(question), { kind: 'times', remaining: 5, granted: 10, error: 0 })
})

test('a store that is replaced brings its own leases', () => {
  const rig = rigWithLease()
  rig.followAnother()
  rig.replaceStore([[2n, 7]], 90_000)
  const gone = rig.timeToLive(1n)
  const there = rig.timeToLive(2n)
  rig.passApplying(1)
  assert.deepEqual(rig.answer(gone), { kind: 'times', remaining: -1, granted: 0, error: 0 })
  assert.deepEqual(rig.answer(there), { kind: 'times', remaining: 7, granted: 7, error: 0 })
})
