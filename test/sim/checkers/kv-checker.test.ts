/** Answers about keys that are right, and each way in which they can be wrong. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  checkKv,
  type KvAction,
  type KvAnswered,
  type KvOperation,
  type SeenKey,
} from '../../../src/sim/checkers/kv-checker.js'
import { Truth, type Change } from '../../../src/sim/checkers/truth.js'

function change(key: string, value: string | null, modRevision: number, rest: Partial<Change> = {}): Change {
  return { key, value, modRevision, createRevision: modRevision, version: 1, leaseId: 0n, ...rest }
}

/** a=1 at 2, b=2 at 3, a=3 at 4, a deleted at 5. */
function truth(): Truth {
  const it = new Truth()
  const revisions: Change[] = [
    change('a', 'v1', 2), change('b', 'v2', 3), change('a', 'v3', 4, { createRevision: 2, version: 2 }),
    change('a', null, 5),
  ]
  for (const one of revisions) assert.equal(it.onRevision('m1', one.modRevision, [one], one.modRevision), null)
  return it
}

const put = (key: string, value: string): KvAction => ({ kind: 'put', key, value, leaseId: 0n })
const read = (key: string): KvAction => ({ kind: 'range', range: { key, end: '' }, revision: 0 })
const remove = (key: string): KvAction => ({ kind: 'delete', range: { key, end: '' } })

function seen(key: string, value: string, modRevision: number, rest: Partial<SeenKey> = {}): SeenKey {
  return { key, value, modRevision, createRevision: modRevision, version: 1, leaseId: 0n, ...rest }
}

function operation(action: KvAction, at: readonly [number, number], outcome: KvOperation['outcome']): KvOperation {
  const request = { compares: [], success: [action], failure: [], isSerializable: false }
  return { client: 'c', request, invokedAt: at[0], returnedAt: at[1], outcome }
}

const wrote = (revision: number): KvAnswered =>
  ({ revision, succeeded: true, answers: [{ kind: 'put', previous: undefined }] })
const deleted = (revision: number, count: number): KvAnswered =>
  ({ revision, succeeded: true, answers: [{ kind: 'delete', deleted: count, previous: [] }] })
const saw = (revision: number, ...keys: SeenKey[]): KvAnswered =>
  ({ revision, succeeded: true, answers: [{ kind: 'range', keys, count: keys.length }] })

const WRITES: readonly KvOperation[] = [
  operation(put('a', 'v1'), [0, 1], wrote(2)),
  operation(put('b', 'v2'), [2, 3], wrote(3)),
  operation(put('a', 'v3'), [4, 5], wrote(4)),
  operation(remove('a'), [6, 7], deleted(5, 1)),
]

function verdict(...others: KvOperation[]): string | null {
  return checkKv([...WRITES, ...others], truth())
}

test('answers that fit their revisions and their times are right', () => {
  assert.equal(verdict(
    operation(read('a'), [2, 3], saw(2, seen('a', 'v1', 2))),
    operation(read('a'), [8, 9], saw(5)),
    operation(read('b'), [8, 9], saw(5, seen('b', 'v2', 3))),
  ), null)
})

test('an operation without an answer may have happened or not', () => {
  const writes = WRITES.map((it) => ({ ...it, outcome: 'unknown' as const, returnedAt: Infinity }))
  assert.equal(checkKv([...writes, operation(put('z', 'v9'), [0, Infinity], 'unknown')], truth()), null)
})

const WRONG: readonly (readonly [string, RegExp, readonly KvOperation[]])[] = [
  ['a stale read', /before it began had returned/, [operation(read('a'), [8, 9], saw(2, seen('a', 'v1', 2)))]],
  ['a value that is not there', /counted 1, where 0 were/, [operation(read('a'), [8, 9], saw(5, seen('a', 'v1', 2)))]],
  ['a missing key', /answered \[\], where it was/, [operation(read('b'), [8, 9], { ...saw(5), answers: [
    { kind: 'range', keys: [], count: 1 }] })]],
  ['a wrong count', /counted 2/, [operation(read('b'), [8, 9], { ...saw(5), answers: [
    { kind: 'range', keys: [seen('b', 'v2', 3)], count: 2 }] })]],
  ['a wrong version', /v7/, [operation(read('b'), [8, 9], saw(5, seen('b', 'v2', 3, { version: 7 })))]],
  ['an acknowledged put that is lost', /revision 6 does not exist/, [operation(put('c', 'v5'), [8, 9], wrote(6))]],
  ['a put with the revision of another', /has no c=v5/, [operation(put('c', 'v5'), [8, 9], wrote(4))]],
  ['a delete that counts wrong', /deleted 2, where 1 were/, [
    operation(remove('a'), [6, 7], deleted(5, 2))]],
]

for (const [what, message, operations] of WRONG) {
  test(`${what} is found`, () => {
    assert.match(verdict(...operations) ?? 'nothing', message)
  })
}

test('a value that nobody wrote is found', () => {
  assert.match(checkKv(WRITES.slice(1), truth()) ?? 'nothing', /written by nobody/)
})

test('a refused request that happened is found', () => {
  const [first, ...rest] = WRITES as [KvOperation, ...KvOperation[]]
  assert.match(checkKv([{ ...first, outcome: 'refused' }, ...rest], truth()) ?? 'nothing', /refused/)
})

test('a request that happened twice is found', () => {
  const it = truth()
  assert.equal(it.onRevision('m1', 6, [change('b', 'v2', 6, { createRevision: 3, version: 2 })], 6), null)
  assert.match(checkKv(WRITES, it) ?? 'nothing', /b=v2 was written at 3 and at 6/)
})

test('a comparison that was answered wrongly is found', () => {
  const txn: KvOperation = {
    client: 'c',
    request: {
      compares: [{ key: 'b', target: 'mod', number: 3 }], success: [read('b')], failure: [read('b')],
      isSerializable: false,
    },
    invokedAt: 8,
    returnedAt: 9,
    outcome: { ...saw(5, seen('b', 'v2', 3)), succeeded: false },
  }
  assert.match(verdict(txn) ?? 'nothing', /comparison is true/)
})

test('a member with another entry, another revision or a gap is found', () => {
  const it = truth()
  assert.equal(it.onEntry('m1', 7, { term: 2, type: 0, digest: 1 }), null)
  assert.equal(it.onEntry('m2', 7, { term: 2, type: 0, digest: 1 }), null)
  assert.match(it.onEntry('m2', 7, { term: 3, type: 0, digest: 2 }) ?? 'nothing', /another entry at index 7/)
  assert.match(it.onRevision('m2', 3, [change('b', 'v8', 3)], 0) ?? 'nothing', /where it was b=v2/)
  assert.match(it.onRevision('m2', 9, [change('b', 'v8', 9)], 0) ?? 'nothing', /goes to revision 9 after 5/)
})
