/** Everything a client could ask the store, put beside what the model says. */

import assert from 'node:assert/strict'
import { keyRange } from '../../../src/keyspace/key-range.js'
import { KeyRecord } from '../../../src/keyspace/key-record.js'
import { type KeyspaceView, LATEST } from '../../../src/keyspace/keyspace-view.js'
import { choosePath, outcomeBits } from '../../../src/keyspace/txn-path.js'
import { TxnSnapshotView } from '../../../src/keyspace/txn-snapshot-view.js'
import { Word } from '../../../src/messages/shared-words.js'
import { etcdErrors } from '../../../src/proto/etcd-errors.js'
import { decodeTxnRequest, encodeTxnRequest } from '../../../src/proto/generated/etcdserverpb.js'
import type { EtcdModel, ModelChange, ModelOutcome } from './etcd-model.js'
import { textOf, type SeenEvent } from './event-reader.js'
import type { HeardMessage } from './mailbox.js'
import type { MvccRig } from './mvcc-rig.js'
import { bytesOf, txnOf, type TxnSpec } from './requests.js'

const LAST_SUB = 0xffff_ffff
const EVERYTHING = keyRange(bytesOf('\0'), bytesOf('\0'))

export function expectAnswer(answer: HeardMessage, expected: ModelOutcome): void {
  const error = expected.error === null ? 0 : etcdErrors[expected.error as keyof typeof etcdErrors].id
  assert.equal(answer['error'], error)
  assert.equal(answer['revision'], expected.revision)
  assert.equal(answer['flags'], expected.changed ? 1 : 0)
  if (expected.count > 0) assert.equal(answer['count'], expected.count)
  assert.equal(answer['outcomeLow'], outcomeBits(expected.path, 0))
  assert.equal(answer['outcomeHigh'], outcomeBits(expected.path, 32))
}

/**
 * A front that finds more nodes than the answer has bits chooses the path again, from the state before the
 * transaction.
 */
export function expectSamePathFromSnapshot(rig: MvccRig, txn: TxnSpec, outcome: ModelOutcome): void {
  const before = outcome.changed ? outcome.revision - 1 : outcome.revision
  const request = decodeTxnRequest(encodeTxnRequest(txnOf(txn)))
  rig.view((view) => {
    if (before < view.compactRevision) return
    assert.deepEqual(choosePath(new TxnSnapshotView(view, before), request), outcome.path)
  })
}

export function expectSameState(rig: MvccRig, model: EtcdModel): void {
  rig.view((view) => {
    assert.equal(view.currentRevision, model.revision)
    assert.equal(view.compactRevision, model.compactRevision)
    assert.equal(view.leaseClockMs, model.leaseClockMs)
    expectSameKeys(view, model, LATEST, model.revision)
    for (let at = Math.max(1, model.compactRevision); at <= model.revision; at++) {
      expectSameKeys(view, model, at, at)
    }
    expectSameChain(view, model)
    expectSameLeases(view, model)
  })
  assert.equal(rig.words.load(Word.currentRevision), model.revision)
  assert.equal(rig.words.load(Word.compactRevision), model.compactRevision)
  assert.equal(rig.words.load(Word.appliedIndex), rig.log.length)
}

/** The events of one life of the actor, which began when the store was at `from`. */
export function expectSameEvents(events: readonly (SeenEvent | number)[], model: EtcdModel, from: number): void {
  const seen = events.filter((event): event is SeenEvent => typeof event !== 'number')
  const expected = model.changes.filter((change) => change.main > from)
  assert.deepEqual(
    seen.map(({ main, sub, isLast, isTombstone, key, value, createRevision, version, leaseId }) => ({
      main, sub, isLast, isTombstone, key, value, createRevision, version, leaseId,
    })),
    expected.map((change, i) => ({
      main: change.main,
      sub: change.sub,
      isLast: expected[i + 1]?.main !== change.main,
      isTombstone: change.value === null,
      key: change.key,
      value: change.value ?? '',
      createRevision: change.createRevision,
      version: change.version,
      leaseId: change.lease,
    })),
  )
}

/** A read that began before the revision was compacted goes on as if it had not been. */
export function expectStillReadable(rig: MvccRig, model: EtcdModel, revision: number): void {
  rig.view((view) => expectSameKeys(view, model, revision, revision))
}

function expectSameKeys(view: KeyspaceView, model: EtcdModel, at: number, revision: number): void {
  const found: ReturnType<typeof describe>[] = []
  view.scan(EVERYTHING, at, LAST_SUB, (record) => found.push(describe(record)) > 0)
  const expected = model.range({ key: '\0', end: '\0' }, revision).map(describeChange)
  assert.deepEqual(found, expected, `keys at ${at}`)
  assert.equal(view.count(EVERYTHING, at, LAST_SUB), expected.length)
}

/** Every retained change is found by its revision, and leads to what it superseded. */
function expectSameChain(view: KeyspaceView, model: EtcdModel): void {
  const record = new KeyRecord()
  const previous = new KeyRecord()
  for (const change of model.changes) {
    if (change.main <= model.compactRevision) continue
    assert.ok(view.revision(change.main, change.sub, record), `revision ${change.main}.${change.sub}`)
    assert.equal(record.isTombstone, change.value === null)
    const before = model.range({ key: change.key }, change.main - 1)[0]
    if (before === undefined || before.main < model.compactRevision || change.sub > 0) continue
    assert.ok(view.previous(record, previous))
    assert.deepEqual(describe(previous), describeChange(before))
  }
}

function expectSameLeases(view: KeyspaceView, model: EtcdModel): void {
  const seen = new Map<bigint, { ttl: number; renewedMs: number; keys: string[] }>()
  view.leases((id, { ttlSeconds, renewedClockMs }) => {
    const keys: string[] = []
    view.leaseKeys(id, (key) => keys.push(textOf(key)) > 0)
    seen.set(id, { ttl: ttlSeconds, renewedMs: renewedClockMs, keys })
    return true
  })
  const ids = [...model.leases.keys()]
  assert.deepEqual(new Set(seen.keys()), new Set(ids))
  for (const [id, lease] of model.leases) {
    assert.deepEqual(seen.get(id), { ...lease, keys: model.keysOf(id) })
  }
}

function describe(record: KeyRecord): object {
  return {
    key: textOf(record.key),
    value: textOf(record.value),
    createRevision: record.createRevision,
    modRevision: record.modRevision,
    version: record.version,
    lease: record.leaseId(),
  }
}

function describeChange(change: ModelChange): object {
  return {
    key: change.key,
    value: change.value,
    createRevision: change.createRevision,
    modRevision: change.main,
    version: change.version,
    lease: change.lease,
  }
}
