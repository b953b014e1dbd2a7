/** The ledger must refuse stores that lie: each history here is wrong in one way. */

import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import type { Change } from './answers.js'
import { Journal, type Outcome } from './journal.js'
import { Ledger } from './ledger.js'
import { ModelStore, type Answer, type ModelEvent } from './model-store.js'
import type { KvOp, Operation, PutOp, RangeOp, TxnOp } from './operation.js'

const put = (key: string, value: string): PutOp => ({
  kind: 'put',
  key,
  value,
  lease: 0n,
  prevKv: true,
})
const get = (key: string): RangeOp => ({ kind: 'range', key, to: '', limit: 0 })
const both: TxnOp = { kind: 'txn', compares: [], success: [put('a', '1'), put('b', '2')], failure: [] }

/** A store that does as it is told, and a journal of what it said. */
class Story {
  readonly journal = new Journal()
  readonly store = new ModelStore()
  readonly changes: Change[] = []

  tell(op: KvOp): void {
    const entry = this.journal.invoke(0, op)
    this.journal.settle(entry, this.#perform(op))
  }

  /** The operation takes effect, but its answer never arrives. */
  cutOff(op: KvOp): void {
    const entry = this.journal.invoke(0, op)
    this.#perform(op)
    this.journal.settle(entry, { kind: 'unknown', error: 'cut off' })
  }

  note(op: Operation, outcome: Outcome): void {
    this.journal.settle(this.journal.invoke(0, op), outcome)
  }

  happen(events: readonly ModelEvent[]): void {
    const revision = this.store.revision + 1
    this.store.apply(revision, events)
    this.changes.push({ revision, events })
  }

  settle(changes: readonly Change[] = this.changes): Ledger {
    const ledger = new Ledger()
    const revision = changes.at(-1)?.revision ?? 1
    ledger.settle(this.journal.entries, { changes, revision })
    return ledger
  }

  #perform(op: KvOp): Outcome {
    const { events, answer } = this.store.draft(op)
    if (events.length > 0) this.happen(events)
    return { kind: 'answered', revision: this.store.revision, answer }
  }
}

function story(...ops: readonly KvOp[]): Story {
  const told = new Story()
  for (const op of ops) told.tell(op)
  return told
}

test('an honest store passes', () => {
  const told = story(put('a', '1'), get('a'), both, get('b'), put('a', '3'))
  const ledger = told.settle()
  assert.deepEqual([ledger.settledWrites, ledger.settledReads], [3, 2])
})

test('a cut-off write may be there', () => {
  const told = story(put('a', '1'))
  told.cutOff(both)
  assert.equal(told.settle().survivedCutOff, 1)
})

test('a cut-off write may be missing', () => {
  const told = story(put('a', '1'))
  told.note(both, { kind: 'unknown', error: 'cut off' })
  assert.equal(told.settle().survivedCutOff, 0)
})

test('an acknowledged write that is gone is found', () => {
  const told = story(put('a', '1'), put('a', '2'))
  assert.throws(() => told.settle(told.changes.slice(0, 1)), /acknowledged at 3/u)
})

test('half a transaction is found', () => {
  const told = story(put('a', '0'))
  told.cutOff(both)
  const half = told.changes.map((change) => ({ ...change, events: change.events.slice(0, 1) }))
  assert.throws(() => told.settle(half), /revision 3 is no one's/u)
})

test('a gap in the revisions is found', () => {
  const told = story(put('a', '1'), put('a', '2'), put('a', '3'))
  const holed = told.changes.filter((change) => change.revision !== 3)
  assert.throws(() => told.settle(holed), /continuous/u)
})

test('a write of nobody is found', () => {
  const told = story(put('a', '1'))
  const record = { key: 'x', value: 'y', create: 3, mod: 3, version: 1, lease: 0n }
  told.happen([{ key: 'x', record }])
  assert.throws(() => told.settle(), /revision 3 is no one's/u)
})

test('a cut-off write that took effect twice is found', () => {
  const told = story(put('a', '1'))
  told.cutOff(put('a', '2'))
  const record = { key: 'a', value: '2', create: 2, mod: 4, version: 3, lease: 0n }
  told.happen([{ key: 'a', record }])
  assert.throws(() => told.settle(), /revision 4 is no one's/u)
})

test('a wrong version or create revision is found', () => {
  const told = story(put('a', '1'), put('a', '2'))
  const wrong = told.changes.map((change) => ({
    ...change,
    events: change.events.map((event) => ({
      key: event.key,
      record: event.record === undefined ? undefined : { ...event.record, version: 1 },
    })),
  }))
  assert.throws(() => told.settle(wrong), /is no one's/u)
})

test('a stale read is found', () => {
  const told = story(put('a', '1'), put('a', '2'))
  const kvs = ['a=1 c2 m2 v1 l0']
  const answer: Answer = { kind: 'range', kvs, count: 1, more: false }
  told.note(get('a'), { kind: 'answered', revision: 2, answer })
  assert.throws(() => told.settle(), /back in time/u)
})

test('a read that does not fit its revision is found', () => {
  const told = story(put('a', '1'), put('a', '2'))
  const kvs = ['a=1 c2 m2 v1 l0']
  const answer: Answer = { kind: 'range', kvs, count: 1, more: false }
  told.note(get('a'), { kind: 'answered', revision: 3, answer })
  assert.throws(() => told.settle(), /the answer of/u)
})

test('a wrong previous value is found', () => {
  const told = story(put('a', '1'))
  const entry = told.journal.invoke(0, put('a', '2'))
  told.happen(told.store.draft(put('a', '2')).events)
  const answer: Answer = { kind: 'put', previous: '' }
  told.journal.settle(entry, { kind: 'answered', revision: 3, answer })
  assert.throws(() => told.settle(), /the answer of/u)
})

test('keys may go with a lease that was revoked, all of them or none', () => {
  const withLease = (key: string): PutOp => ({ ...put(key, '1'), lease: 7n })
  const lease = (): Story => {
    const told = new Story()
    const answered = { kind: 'answered', revision: 1, answer: undefined } as const
    told.note({ kind: 'grant', id: 7n, ttl: 3600 }, answered)
    told.tell(withLease('a'))
    told.tell(withLease('b'))
    return told
  }
  const gone = (key: string): ModelEvent => ({ key, record: undefined })
  const revoked = lease()
  revoked.note({ kind: 'revoke', id: 7n }, { kind: 'unknown', error: 'cut off' })
  revoked.happen([gone('a'), gone('b')])
  revoked.settle()
  const half = lease()
  half.note({ kind: 'revoke', id: 7n }, { kind: 'unknown', error: 'cut off' })
  half.happen([gone('a')])
  assert.throws(() => half.settle(), /is no one's/u)
  const early = lease()
  early.happen([gone('a'), gone('b')])
  assert.throws(() => early.settle(), /is no one's/u)
})

test('a cut-off operation explains nothing that was over before it was asked for', () => {
  const story = new Story()
  story.tell(put('a', '1'))
  story.happen(story.store.draft({ kind: 'delete', key: 'a', to: '', prevKv: false }).events)
  story.tell(put('b', '2'))
  story.note({ kind: 'delete', key: 'a', to: '', prevKv: false }, { kind: 'unknown', error: 'cut off' })
  assert.throws(() => story.settle(), /revision 3 is no one's/u)
})
