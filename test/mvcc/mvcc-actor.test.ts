/** Whom the actor tells what, and in which order, beyond what a request does to the store. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOTHING_WANTED, Word } from '../../src/messages/shared-words.js'
import { etcdErrors } from '../../src/proto/etcd-errors.js'
import { encodeInternalRaftRequest } from '../../src/proto/generated/etcdserverpb.js'
import { MEMBER_ID, MvccRig } from './support/mvcc-rig.js'
import { bytesOf } from './support/requests.js'

const PUT = { kind: 'put', put: { key: 'a', value: '1' } } as const

test('a put is answered with its own revision, its index and the times of its way', () => {
  const rig = new MvccRig()
  const { requestHigh, requestLow, ...answer } = rig.ask(PUT)
  assert.ok(Number(requestHigh) > 0 && Number(requestLow) > 0)
  assert.deepEqual(answer, {
    message: 'applied',
    error: 0,
    flags: 1,
    outcomeLow: 0,
    outcomeHigh: 0,
    revision: 2,
    count: 0,
    index: 1,
    orderedMs: 1,
    proposedMs: 1,
    writeStartMs: 2,
    writtenMs: 3,
    syncedMs: 4,
    quorumMs: 4,
    committedMs: 5,
    applyStartMs: 1000,
    appliedMs: 1000,
  })
  rig.close()
})

test('an entry given before it is on disk is applied when it is, and others are not held up by the word', () => {
  const rig = new MvccRig()
  rig.node.words.store(Word.commitsWhenDurable, 2)
  for (let i = 0; i < 3; i++) rig.send(PUT)
  rig.run()
  assert.equal(rig.node.appliedIndex(), 0)
  rig.node.words.store(Word.durableIndex, 1)
  rig.run()
  assert.equal(rig.node.appliedIndex(), 1)
  rig.node.words.store(Word.durableIndex, 2)
  rig.run()
  assert.equal(rig.node.appliedIndex(), 3)
  rig.close()
})

test('every front hears the answers to its own requests and no others', () => {
  const rig = new MvccRig({ fronts: 3 })
  const asked = [0, 1, 2, 2, 1, 0, 2].map((front) => ({ front, low: rig.send(PUT, front) }))
  rig.run()
  rig.node.fronts.forEach((mailbox, front) => {
    const heard = mailbox.take().map((message) => message['requestLow'])
    assert.deepEqual(heard, asked.filter((request) => request.front === front).map(({ low }) => low))
  })
  rig.close()
})

test('what another member proposed, a former life, or nobody, is applied and answered to nobody', () => {
  const rig = new MvccRig()
  const put = { put: { key: bytesOf('k'), value: bytesOf('v') } }
  const ownPrefix = (MEMBER_ID & 0xffffn) << 48n
  const data = [0n, 1n, (ownPrefix ^ (1n << 50n)) | 1n, ownPrefix | (150n << 40n) | 1n].map((ID) =>
    encodeInternalRaftRequest({ ...put, header: { ID } }),
  )
  for (const bytes of data) rig.append(0, bytes)
  const former = encodeInternalRaftRequest({ ...put, header: { ID: ownPrefix | 1n } })
  rig.appendReplayed(0, former)
  rig.run()
  assert.deepEqual(rig.node.fronts[0]?.take(), [])
  assert.equal(rig.view((view) => view.currentRevision), 6)
  rig.close()
})

test('an empty entry, rubbish, and requests of later versions move the applied index and change nothing', () => {
  const rig = new MvccRig()
  rig.append(0, new Uint8Array(0))
  for (const rubbish of [[0xff], [0x22, 0x05, 1], [0x22, 0x02, 0x0a, 0x09], [0x32, 0x01, 0x08], [9, 9, 9, 9]]) {
    rig.append(0, Uint8Array.from(rubbish))
    rig.append(1, Uint8Array.from(rubbish))
    rig.append(2, Uint8Array.from(rubbish))
  }
  rig.run()
  const answer = rig.ask({ kind: 'other', request: { downgrade_version_test: {} } })
  assert.equal(answer['error'], etcdErrors.unknownMethod.id)
  assert.equal(rig.node.appliedIndex(), 17)
  assert.equal(rig.view((view) => view.currentRevision), 1)
  assert.equal(rig.ask(PUT)['revision'], 2)
  rig.close()
})

test('entries at or below the applied index are passed over', () => {
  const rig = new MvccRig()
  rig.ask(PUT)
  rig.ask(PUT)
  rig.restart()
  assert.deepEqual(rig.node.raft.take()[0]?.['appliedIndex'], 2)
  assert.equal(rig.view((view) => view.currentRevision), 3)
  assert.equal(rig.ask(PUT)['revision'], 4)
  rig.close()
})

test('a front that takes its answers slowly gets all of them, in order', () => {
  const rig = new MvccRig({ frontRingBytes: 1024, limits: { batchEntriesMax: 4 } })
  const asked = Array.from({ length: 50 }, () => rig.send(PUT))
  const heard: unknown[] = []
  while (heard.length < asked.length) {
    rig.run()
    const answers = rig.node.fronts[0]?.take() ?? []
    assert.ok(answers.length > 0, 'the ring is filled as far as it goes')
    heard.push(...answers.map((answer) => answer['requestLow']))
  }
  assert.deepEqual(heard, asked)
  assert.equal(rig.node.appliedIndex(), 50)
  rig.close()
})

test('while lease takes no facts the applied index stands still, and then nothing is missing', () => {
  const rig = new MvccRig({ leaseRingBytes: 1024 })
  rig.run()
  rig.node.lease.take()
  for (let lease = 1n; lease <= 100n; lease++) rig.send({ kind: 'grant', lease, ttl: 9 })
  rig.run()
  assert.equal(rig.node.appliedIndex(), 0)
  assert.equal(rig.view((view) => view.appliedIndex), 100)
  const granted: unknown[] = []
  let told = 0
  while (told < 100) {
    for (const fact of rig.node.lease.take()) {
      if (fact.message === 'granted') granted.push(fact['leaseId'])
      if (fact.message === 'toldUpTo') told = Number(fact['index'])
    }
    rig.run()
  }
  assert.deepEqual(granted, Array.from({ length: 100 }, (_, i) => BigInt(i + 1)))
  assert.equal(rig.node.appliedIndex(), 100)
  assert.equal(rig.node.fronts[0]?.take().length, 100)
  rig.close()
})

test('at a start every lease is told before any entry is taken, however small the ring', () => {
  const rig = new MvccRig({ leaseRingBytes: 1024 })
  for (let lease = 1n; lease <= 100n; lease++) {
    rig.send({ kind: 'grant', lease, ttl: 9 })
    rig.run()
    rig.node.lease.take()
  }
  rig.send({ kind: 'extension', extension: { lease_clock_ms: 77 } })
  rig.run()
  rig.node.close()
  rig.startAgain()
  const facts: unknown[] = []
  for (;;) {
    const heard = rig.node.lease.take()
    facts.push(...heard.map((fact) => fact.message))
    if (heard.at(-1)?.message === 'restored') {
      assert.equal(heard.at(-1)?.['clockMs'], 77)
      break
    }
    rig.run()
  }
  assert.deepEqual(facts, [...new Array(100).fill('granted'), 'restored'])
  rig.close()
})

test('lease hears the outcome of its own proposals after the facts that they caused', () => {
  const rig = new MvccRig()
  rig.ask({ kind: 'grant', lease: 5n, ttl: 9 })
  rig.node.lease.take()
  const ids = [5n]
  const low = rig.sendFromLease({ kind: 'extension', extension: { lease_clock_ms: 9000, revoke: { ids, epoch: 2 } } })
  const late = rig.sendFromLease({ kind: 'extension', extension: { revoke: { ids, epoch: 1 } } })
  rig.run()
  const heard = rig.node.lease.take()
  const facts = heard.map((fact) => [fact.message, fact['requestLow'] ?? fact['leaseId'], fact['error']])
  assert.deepEqual(facts, [
    ['revoked', 5n, undefined],
    ['applied', low, 0],
    ['applied', late, etcdErrors.leaderChanged.id],
    ['toldUpTo', undefined, undefined],
  ])
  rig.close()
})

test('a wide renewal is told in parts that fit a ring', () => {
  const rig = new MvccRig({ leaseRingBytes: 256 * 1024 })
  const ids = Array.from({ length: 5000 }, (_, i) => BigInt(i + 1))
  for (const lease of ids) rig.send({ kind: 'grant', lease, ttl: 9 })
  while (rig.node.appliedIndex() < 5000) {
    rig.run()
    rig.node.lease.take()
    rig.node.fronts[0]?.take()
  }
  rig.send({ kind: 'extension', extension: { lease_clock_ms: 50, renew: { ids } } })
  rig.run()
  const parts = rig.node.lease.take().filter((fact) => fact.message === 'renewed')
  assert.deepEqual(parts.map((part) => (part['leases'] as Uint8Array).length / 8), [4096, 904])
  rig.close()
})

test('the event log is whole before the revision shows, and the applied index shows last', () => {
  const rig = new MvccRig()
  rig.run()
  const { words } = rig
  const stored: number[] = []
  const store = words.store.bind(words)
  words.store = (word, value) => {
    stored.push(word)
    store(word, value)
  }
  rig.ask(PUT)
  assert.deepEqual(stored, [Word.eventLogTail, Word.currentRevision, Word.appliedIndex])
  stored.length = 0
  rig.ask({ kind: 'compact', revision: 2 })
  assert.deepEqual(stored, [
    Word.currentRevision, Word.compactions + 2, Word.compactionsMade, Word.compactRevision, Word.appliedIndex,
    Word.compactedPhysically,
  ])
  rig.close()
})

test('those who wait for an applied index are woken when it comes, watch workers when there are watchers', () => {
  const rig = new MvccRig({ fronts: 2 })
  rig.words.store(Word.watcherCount, 0)
  rig.words.store(Word.appliedWanted + 1, 2)
  rig.ask(PUT)
  assert.deepEqual([rig.node.rungFronts, rig.node.rungWatchers], [0, 0])
  rig.words.add(Word.watcherCount, 1)
  rig.ask(PUT)
  assert.deepEqual([rig.node.rungFronts, rig.node.rungWatchers], [1, 1])
  rig.ask({ kind: 'delete', range: { key: 'nobody' } })
  assert.deepEqual([rig.node.rungFronts, rig.node.rungWatchers], [2, 1])
  rig.close()
})

test('physical compaction goes in slices with pauses, and wakes who waits for its end', () => {
  const rig = new MvccRig({ compactionBatchMax: 4 })
  for (let i = 0; i < 40; i++) rig.ask({ kind: 'put', put: { key: 'a', value: String(i) } })
  rig.words.store(Word.compactedWanted, 41)
  rig.ask({ kind: 'compact', revision: 41 })
  // The first front is to hash it.
  assert.equal(rig.node.rungFronts, 1)
  assert.notEqual(rig.words.load(Word.compactedPhysically), 41)
  rig.pass(10)
  assert.equal(rig.ask({ kind: 'put', put: { key: 'b', value: 'between slices' } })['revision'], 42)
  rig.pass(1000)
  assert.equal(rig.words.load(Word.compactedPhysically), 41)
  assert.equal(rig.node.rungFronts, 2)
  rig.close()
})

test('a compaction that a restart interrupts goes on', () => {
  const rig = new MvccRig({ compactionBatchMax: 1 })
  for (let i = 0; i < 20; i++) rig.ask({ kind: 'put', put: { key: 'a', value: String(i) } })
  rig.ask({ kind: 'compact', revision: 21 })
  rig.pass(30)
  assert.notEqual(rig.words.load(Word.compactedPhysically), 21)
  rig.restart()
  rig.pass(1000)
  assert.equal(rig.words.load(Word.compactedPhysically), 21)
  rig.close()
})

test('revisions that supersede nothing do not slow a compaction down, a reader who holds it does', () => {
  const rig = new MvccRig({ compactionBatchMax: 10 })
  for (let i = 0; i < 100; i++) rig.ask({ kind: 'put', put: { key: `k${i}`, value: '1' } })
  for (let i = 0; i < 100; i++) rig.ask({ kind: 'put', put: { key: `k${i}`, value: '2' } })
  rig.ask({ kind: 'compact', revision: 201 })
  rig.pass(25 * 10)
  assert.equal(rig.words.load(Word.compactedPhysically), 201)
  for (let i = 0; i < 10; i++) rig.ask({ kind: 'put', put: { key: 'k', value: '3' } })
  rig.words.store(Word.readFloor, 205)
  rig.ask({ kind: 'compact', revision: 211 })
  rig.pass(1000)
  assert.equal(rig.words.load(Word.compactedPhysically), 201)
  rig.words.store(Word.readFloor, NOTHING_WANTED)
  rig.pass(110)
  assert.equal(rig.words.load(Word.compactedPhysically), 211)
  rig.close()
})
