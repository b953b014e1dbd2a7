/** Alarms and the quota where entries are applied. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AlarmBit } from '../../src/keyspace/tables/alarm-table.js'
import { Word } from '../../src/messages/shared-words.js'
import { etcdErrors } from '../../src/proto/etcd-errors.js'
import { MvccRig } from './support/mvcc-rig.js'
import type { RequestSpec } from './support/requests.js'

const CHANGED = 1
const CROSSED = 2

function put(key: string, bytes: number): RequestSpec {
  return { kind: 'put', put: { key, value: 'v'.repeat(bytes) } }
}

function alarm(action: number): RequestSpec {
  return { kind: 'other', request: { alarm: { action, memberID: 5n, alarm: 1 } } }
}

test('the put that crosses the quota is applied, and its caller told that there is no space', () => {
  const rig = new MvccRig({ quotaBytes: 10_000 })
  assert.equal(rig.ask(put('a', 1000))['error'], 0)
  const crossing = rig.ask(put('b', 9000))
  assert.deepEqual([crossing['error'], crossing['flags']], [etcdErrors.noSpace.id, CHANGED | CROSSED])
  assert.equal(crossing['revision'], 3)
  assert.equal(rig.view((view) => view.currentRevision), 3)
  rig.close()
})

test('a request that fails anyway does not cross the quota', () => {
  const rig = new MvccRig({ quotaBytes: 10_000 })
  const answer = rig.ask({ kind: 'put', put: { key: 'a', value: 'v'.repeat(20_000), lease: 77n } })
  assert.deepEqual([answer['error'], answer['flags']], [etcdErrors.leaseNotFound.id, 0])
  rig.close()
})

test('an active alarm refuses puts without applying them, and survives a restart', () => {
  const rig = new MvccRig()
  rig.ask(put('a', 10))
  assert.equal(rig.ask(alarm(1))['count'], 1)
  assert.equal(rig.words.load(Word.alarms), AlarmBit.noSpace)
  assert.equal(rig.ask(put('a', 10))['error'], etcdErrors.noSpace.id)
  rig.restart()
  assert.equal(rig.words.load(Word.alarms), AlarmBit.noSpace)
  assert.equal(rig.ask(put('a', 10))['error'], etcdErrors.noSpace.id)
  assert.equal(rig.ask({ kind: 'delete', range: { key: 'a' } })['error'], 0)
  assert.equal(rig.ask(alarm(2))['count'], 1)
  assert.equal(rig.ask(alarm(2))['count'], 0)
  assert.equal(rig.words.load(Word.alarms), 0)
  assert.equal(rig.ask(put('a', 10))['error'], 0)
  rig.close()
})

test('an alarm and the put behind it in one batch: the put is refused', () => {
  const rig = new MvccRig()
  rig.send(alarm(1))
  const low = rig.send(put('a', 10))
  rig.run()
  const answer = rig.node.fronts[0]?.take().find((message) => message['requestLow'] === low)
  assert.equal(answer?.['error'], etcdErrors.noSpace.id)
  rig.close()
})

test('what is deleted and compacted away counts no more', () => {
  const rig = new MvccRig({ quotaBytes: 60_000 })
  for (let i = 0; i < 8; i++) rig.ask(put(`k${i}`, 4000))
  assert.equal(rig.ask(put('more', 30_000))['error'], etcdErrors.noSpace.id)
  rig.ask({ kind: 'delete', range: { key: 'k', end: 'z' } })
  rig.ask({ kind: 'compact', revision: rig.words.load(Word.currentRevision) })
  rig.pass(10_000)
  assert.equal(rig.ask(put('more', 1000))['error'], 0)
  rig.close()
})
