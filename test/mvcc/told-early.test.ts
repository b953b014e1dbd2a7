/** What mvcc applies while the log syncs it: answered before it is committed, and not visible before it is durable. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Word } from '../../src/messages/shared-words.js'
import { TOLD_EARLY, toldIndex, toldRevision } from '../../src/messages/told-early.js'
import { MvccRig } from './support/mvcc-rig.js'

const PUT = { kind: 'put', put: { key: 'a', value: '1' } } as const

/** A rig whose wal syncs entries that mvcc may apply meanwhile. */
function syncingRig(entries: number): MvccRig {
  const rig = new MvccRig({ fronts: 2 })
  rig.node.words.store(Word.commitsWhenDurable, entries)
  rig.node.words.store(Word.applyWhileSyncing, entries)
  return rig
}

/** Indices of the answers that have come and may not be sent before their entry is durable. */
function toldIn(rig: MvccRig): unknown[] {
  const answers = rig.node.fronts[0]?.take() ?? []
  return answers.filter(({ flags }) => (Number(flags) & TOLD_EARLY) !== 0).map(({ index }) => index)
}

function syncedUpTo(rig: MvccRig, index: number): void {
  rig.node.words.store(Word.durableIndex, index)
}

test('what may be applied while it is synced is answered before, committed after, and told to those who look', () => {
  const rig = syncingRig(2)
  const { words, fronts } = rig.node
  const early: unknown[] = []
  const before = words.load(Word.currentRevision)
  rig.node.awaitDurable = (index) => {
    for (const { index: at, flags, revision } of fronts[1]?.take() ?? []) early.push([at, flags, revision])
    early.push([words.load(Word.answeredEarly), words.load(Word.answeredEarly + 1)])
    early.push([toldIndex(words), toldRevision(words), rig.view(({ currentRevision }) => currentRevision)])
    syncedUpTo(rig, index)
    early.push([toldIndex(words), toldRevision(words), rig.node.appliedIndex()])
    return true
  }
  rig.send(PUT, 1)
  rig.send(PUT, 1)
  rig.run()
  assert.deepEqual(early, [
    [1, 5, before + 1], [2, 5, before + 2],
    [0, 2],
    [0, before, before],
    [2, before + 2, 0],
  ])
  assert.deepEqual([rig.node.appliedIndex(), words.load(Word.currentRevision)], [2, before + 2])
  assert.deepEqual([fronts[0]?.take(), fronts[1]?.take()], [[], []], 'nobody is answered twice')
  assert.equal(rig.node.rungFronts, 0, 'wal does that')
  rig.close()
})

test('entries of two syncs are never told early together: the first would be known before its revision is', () => {
  const rig = syncingRig(1)
  const { words } = rig.node
  const early: unknown[] = []
  rig.node.awaitDurable = (index) => {
    early.push(...toldIn(rig))
    syncedUpTo(rig, index)
    return true
  }
  words.store(Word.commitsWhenDurable, 3)
  for (let i = 0; i < 3; i++) rig.send(PUT)
  let looks = 0
  const { load } = words
  words.load = (word) => {
    // mvcc has taken the first entry. It is synced now, and wal begins with the others.
    if (word === Word.applyWhileSyncing && ++looks === 2) {
      words.store(Word.durableIndex, 1)
      words.store(Word.applyWhileSyncing, 3)
    }
    return load.call(words, word)
  }
  rig.run()
  assert.ok(looks > 2)
  assert.deepEqual([early, rig.node.appliedIndex()], [[2, 3], 3])
  rig.close()
})

test('a log that was synced before mvcc was done has woken nobody, so mvcc does', () => {
  const rig = syncingRig(1)
  rig.node.awaitDurable = () => assert.fail('there is nothing to wait for')
  const { transact } = rig.node.switching
  rig.node.switching.transact = (work, mayCommit) => transact.call(rig.node.switching, work, () => {
    const store = rig.node.words.store.bind(rig.node.words)
    rig.node.words.store = (word, value) => {
      store(word, value)
      if (word === Word.answeredEarly) store(Word.durableIndex, 1)
    }
    return mayCommit?.() ?? true
  })
  rig.node.awaitDurable = () => true
  rig.send(PUT)
  rig.run()
  assert.equal(rig.node.rungFronts, 1)
  assert.equal(rig.node.appliedIndex(), 1)
  rig.close()
})

test('on a disk that stalls the batch is undone, applied again when it is durable, and answered once', () => {
  const rig = syncingRig(1)
  const front = rig.node.fronts[0]
  const before = rig.node.words.load(Word.currentRevision)
  const low = rig.send(PUT)
  rig.run()
  assert.deepEqual(front?.take().map(({ requestLow }) => requestLow), [low])
  assert.equal(rig.view(({ currentRevision }) => currentRevision), before)
  assert.deepEqual([rig.node.appliedIndex(), rig.node.turn.hasWork()], [0, false])
  assert.ok(rig.node.turn.wakeAtMs() > rig.clock.nowMs(), 'it sleeps until wal rings')
  rig.node.words.store(Word.commitsWhenDurable, 2)
  rig.send(PUT)
  rig.run()
  assert.equal(rig.node.appliedIndex(), 0, 'what follows waits behind it')
  syncedUpTo(rig, 1)
  assert.ok(rig.node.turn.hasWork())
  rig.run()
  assert.deepEqual([rig.node.appliedIndex(), front?.take()], [1, []])
  syncedUpTo(rig, 2)
  rig.run()
  assert.deepEqual([rig.node.appliedIndex(), front?.take().length], [2, 1])
  assert.equal(rig.view(({ currentRevision }) => currentRevision), before + 2)
  rig.close()
})

test('what is answered from the store, and what follows it, is answered after the commit', () => {
  const rig = syncingRig(3)
  const early: unknown[] = []
  rig.node.awaitDurable = (index) => {
    early.push(...toldIn(rig))
    syncedUpTo(rig, index)
    early.push([toldIndex(rig.node.words), toldRevision(rig.node.words)])
    return true
  }
  rig.send(PUT)
  const success = [{ kind: 'put', put: { key: 'b', value: '2' } }] as const
  rig.send({ kind: 'txn', txn: { compare: [], success, failure: [] } })
  rig.send(PUT)
  rig.run()
  assert.deepEqual(early, [1, [1, 2]], 'as far as anybody was told')
  const later = rig.node.fronts[0]?.take().map(({ index, flags }) => [index, Number(flags) & TOLD_EARLY])
  assert.deepEqual(later, [[2, 0], [3, 0]])
  rig.close()
})

test('what others have to hear first is not answered early: leases, users, compactions, alarms', () => {
  const rig = syncingRig(1)
  let heard = 0
  rig.node.awaitDurable = (index) => {
    heard += toldIn(rig).length
    syncedUpTo(rig, index)
    return true
  }
  const next = (spec: Parameters<MvccRig['send']>[0]): void => {
    const index = rig.log.length + 1
    rig.node.words.store(Word.commitsWhenDurable, index)
    rig.node.words.store(Word.applyWhileSyncing, index)
    rig.send(spec)
    rig.run()
    assert.equal(rig.node.appliedIndex(), index)
  }
  next(PUT)
  assert.equal(heard, 1)
  heard = 0
  next({ kind: 'grant', lease: 7n, ttl: 60 })
  next({ kind: 'compact', revision: 2 })
  next({ kind: 'revoke', lease: 7n })
  assert.equal(heard, 0)
  next(PUT)
  assert.equal(heard, 1)
  rig.close()
})
