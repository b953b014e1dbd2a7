/** What watchers are told, one promise at a time. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Word } from '../../src/messages/shared-words.js'
import { openLmdbStore } from '../../src/store/lmdb-store.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import type { Response } from './client-watch.js'
import { WatchRig } from './watch-rig.js'

const responses = (...list: [number, ...string[]][]): Response[] =>
  list.map(([revision, ...events]) => ({ revision, events }))

test('a watcher from now on gets what is committed after its creation, one response for each revision', () => {
  const rig = new WatchRig()
  rig.put('a', '1')
  const watch = rig.watch({ key: 'a' })
  rig.settle()
  assert.equal(watch.createdRevision, 2)
  rig.put('a', '2')
  rig.commit([{ key: 'b', value: 'x' }, { key: 'a', value: '3' }], [{ key: 'a', value: null }])
  rig.settle()
  assert.deepEqual(watch.responses, responses([3, '3 a=2'], [4, '4 a=3'], [5, '5 -a']))
})

test('a watcher from now on sees nothing that was committed before, even if the log is read later', () => {
  const rig = new WatchRig()
  rig.watch({ key: 'z' })
  rig.step()
  rig.put('a', '1')
  const watch = rig.watch({ key: 'a' })
  rig.put('a', '2')
  rig.settle()
  assert.deepEqual(watch.events, [])
  rig.put('a', '3')
  rig.settle()
  assert.deepEqual(watch.events, ['4 a=3'])
})

test('the events of one revision go out in one response, in the order of the transaction', () => {
  const rig = new WatchRig()
  const watch = rig.watch({ key: 'a', rangeEnd: 'd' })
  rig.settle()
  rig.commit([{ key: 'c', value: '1' }, { key: 'z', value: '1' }, { key: 'a', value: '1' }])
  rig.settle()
  assert.deepEqual(watch.responses, responses([2, '2 c=1', '2 a=1']))
})

test('watchers of one front that want the same events share a record, others get their own', () => {
  const rig = new WatchRig()
  const key = rig.watch({ key: 'a' })
  const range = rig.watch({ key: 'a', rangeEnd: 'c' })
  const all = rig.watch({ key: '\0', rangeEnd: '\0' })
  const prefixed = rig.watch({ key: 'b', rangeEnd: 'c' })
  rig.settle()
  rig.commit([{ key: 'a', value: '1' }, { key: 'b', value: '1' }, { key: 'd', value: '1' }])
  rig.settle()
  assert.deepEqual(key.events, ['2 a=1'])
  assert.deepEqual(range.events, ['2 a=1', '2 b=1'])
  assert.deepEqual(all.events, ['2 a=1', '2 b=1', '2 d=1'])
  assert.deepEqual(prefixed.events, ['2 b=1'])
})

test('a filtered watcher gets no response when nothing is left', () => {
  const rig = new WatchRig()
  const puts = rig.watch({ key: 'a', noDelete: true })
  const deletes = rig.watch({ key: 'a', noPut: true })
  const nothing = rig.watch({ key: 'a', noPut: true, noDelete: true })
  rig.settle()
  rig.put('a', '1')
  rig.commit([{ key: 'a', value: null }])
  rig.settle()
  assert.deepEqual(puts.events, ['2 a=1'])
  assert.deepEqual(deletes.events, ['3 -a'])
  assert.deepEqual(nothing.responses, [])
})

test('previous values come to those who asked for them', () => {
  const rig = new WatchRig()
  rig.put('a', '1')
  const live = rig.watch({ key: 'a', prevKv: true })
  const plain = rig.watch({ key: 'a' })
  rig.settle()
  rig.put('a', '2')
  rig.commit([{ key: 'a', value: null }], [{ key: 'a', value: '3' }])
  rig.settle()
  const past = rig.watch({ key: 'a', prevKv: true, startRevision: 1 })
  rig.settle()
  assert.deepEqual(live.events, ['3 a=2', '4 -a', '5 a=3'])
  assert.deepEqual(plain.events, live.events)
  assert.deepEqual(past.events, ['2 a=1', ...live.events])
})

test('a watcher from the past gets its history in one response and then what is new', () => {
  const rig = new WatchRig()
  for (const value of ['1', '2', '3', '4']) rig.put('a', value)
  const watch = rig.watch({ key: 'a', startRevision: 3 })
  rig.settle()
  rig.put('a', '5')
  rig.settle()
  assert.deepEqual(watch.responses, responses([5, '3 a=2', '4 a=3', '5 a=4'], [6, '6 a=5']))
})

test('the revision that a watcher starts at is part of its history', () => {
  const rig = new WatchRig()
  rig.watch({ key: 'z' })
  for (const value of ['1', '2']) rig.put('a', value)
  rig.settle()
  const watch = rig.watch({ key: 'a', startRevision: 3 })
  rig.settle()
  assert.deepEqual(watch.events, ['3 a=2'])
})

test('a slice of history that ends one revision before the log leaves that one to the next slice', () => {
  for (const count of [999, 1000, 1001, 1002]) {
    const rig = new WatchRig()
    rig.watch({ key: 'z' })
    rig.commit(...Array.from({ length: count }, () => [{ key: 'a', value: 'x' }]))
    rig.settle()
    const watch = rig.watch({ key: 'a', startRevision: 2 })
    rig.settle()
    assert.equal(watch.events.length, count)
  }
})

test('a previous value below the compaction is left out, as long as the store may still have it too', () => {
  const rig = new WatchRig()
  for (const value of ['1', '2', '3', '4']) rig.put('a', value)
  rig.compact(4)
  const watch = rig.watch({ key: 'a', startRevision: 4, prevKv: true })
  rig.settle()
  assert.deepEqual(watch.events, ['4 a=3', '5 a=4'])
  assert.deepEqual(watch.previous, [null, '3'])
})

test('a watcher from the future gets nothing before its revision', () => {
  const rig = new WatchRig()
  const watch = rig.watch({ key: 'a', startRevision: 5 })
  rig.settle()
  for (const value of ['1', '2', '3', '4', '5']) rig.put('a', value)
  rig.settle()
  assert.deepEqual(watch.responses, responses([5, '5 a=4'], [6, '6 a=5']))
})

test('history longer than a slice comes whole and in order, at most 1000 revisions to a response', () => {
  const rig = new WatchRig()
  for (let i = 0; i < 30; i++) rig.commit(...Array.from({ length: 100 }, () => [{ key: 'a', value: `${i}` }]))
  const watch = rig.watch({ key: 'a', startRevision: 1 })
  rig.settle()
  assert.equal(watch.events.length, 3000)
  assert.deepEqual(watch.responses.map(({ events }) => events.length <= 1000), [true, true, true])
})

test('a watcher below the compaction is created and then canceled with the compact revision', () => {
  const rig = new WatchRig()
  for (const value of ['1', '2', '3', '4']) rig.put('a', value)
  rig.compact(4)
  rig.compactPhysically()
  const below = rig.watch({ key: 'a', startRevision: 3 })
  const at = rig.watch({ key: 'a', startRevision: 4 })
  rig.settle()
  assert.equal(below.compactRevision, 4)
  assert.deepEqual(below.events, [])
  assert.deepEqual(at.events, ['4 a=3', '5 a=4'])
  assert.equal(rig.words.load(Word.watcherCount), 1)
})

test('a paused watcher that fell behind a compaction is canceled, one that has all is not', () => {
  const rig = new WatchRig()
  const behind = rig.watch({ key: 'a', stream: 1 })
  const idle = rig.watch({ key: 'b', stream: 1 })
  rig.settle()
  rig.pause(0, 1)
  rig.put('a', '1')
  rig.put('a', '2')
  rig.settle()
  rig.compact(3)
  rig.compactPhysically()
  rig.resume(0, 1)
  rig.put('b', '1')
  rig.settle()
  assert.equal(behind.compactRevision, 3)
  assert.deepEqual(idle.events, ['4 b=1'])
})

test('a paused stream gets nothing, and all of it afterwards', () => {
  const rig = new WatchRig()
  const paused = rig.watch({ key: 'a', stream: 1 })
  const other = rig.watch({ key: 'a', stream: 2 })
  rig.settle()
  rig.pause(0, 1)
  rig.put('a', '1')
  rig.put('a', '2')
  rig.settle()
  assert.deepEqual(paused.events, [])
  assert.deepEqual(other.events, ['2 a=1', '3 a=2'])
  rig.resume(0, 1)
  rig.settle()
  assert.deepEqual(paused.responses, responses([3, '2 a=1', '3 a=2']))
  rig.put('a', '3')
  rig.settle()
  assert.deepEqual(paused.responses.at(-1), { revision: 4, events: ['4 a=3'] })
})

test('a front whose ring is full gets everything later', () => {
  const rig = new WatchRig({ ringBytes: 4096, partBytesMax: 1024 })
  const watch = rig.watch({ key: 'a' })
  rig.settle()
  for (let i = 0; i < 500; i++) {
    rig.put('a', `${i}`)
    rig.step()
  }
  assert.deepEqual(watch.events, [])
  rig.settle()
  assert.equal(watch.events.length, 500)
  rig.assertComplete()
})

test('a worker that is slower than the log reads the store', () => {
  const rig = new WatchRig({ logBytes: 4096 })
  const watch = rig.watch({ key: 'a' })
  rig.settle()
  for (let i = 0; i < 500; i++) rig.put('a', `${i}`)
  rig.settle()
  assert.equal(watch.events.length, 500)
  rig.put('a', 'last')
  rig.settle()
  assert.deepEqual(watch.responses.at(-1), { revision: 502, events: ['502 a=last'] })
})

test('a revision that is too large for the log comes from the store, whole', () => {
  const rig = new WatchRig({ logBytes: 4096, partBytesMax: 1024 })
  const watch = rig.watch({ key: 'k', rangeEnd: 'l', prevKv: true })
  rig.settle()
  const changes = Array.from({ length: 300 }, (_, i) => ({ key: `k${i}`, value: 'v'.repeat(i) }))
  rig.commit(changes)
  rig.commit(changes)
  rig.settle()
  assert.deepEqual(watch.responses.map(({ events }) => events.length), [600])
})

test('a block of many parts survives a ring that takes a few at a time', () => {
  const rig = new WatchRig({ ringBytes: 4096, partBytesMax: 512 })
  const watch = rig.watch({ key: 'k', rangeEnd: 'l' })
  const small = rig.watch({ key: 'k1' })
  rig.settle()
  rig.commit(Array.from({ length: 200 }, (_, i) => ({ key: `k${i}`, value: 'v'.repeat(200) })))
  rig.put('k1', 'x')
  rig.settle()
  assert.equal(watch.events.length, 201)
  assert.equal(small.events.length, 2)
})

test('a canceled watcher is told so and gets nothing afterwards', () => {
  const rig = new WatchRig()
  const watch = rig.watch({ key: 'a' })
  rig.settle()
  rig.cancel(watch)
  rig.put('a', '1')
  rig.settle()
  assert.equal(watch.state, 'canceled')
  assert.deepEqual(watch.events, [])
  assert.equal(rig.words.load(Word.watcherCount), 0)
})

test('the watchers of a closed stream are gone without an answer', () => {
  const rig = new WatchRig()
  rig.watch({ key: 'a', stream: 1 })
  rig.watch({ key: 'b', rangeEnd: 'c', stream: 1 })
  const other = rig.watch({ key: 'a', stream: 2 })
  rig.settle()
  rig.closeStream(0, 1)
  rig.put('a', '1')
  rig.settle()
  assert.equal(rig.words.load(Word.watcherCount), 1)
  assert.deepEqual(other.events, ['2 a=1'])
})

test('progress is told for a stream that has everything', () => {
  const rig = new WatchRig()
  const watch = rig.watch({ key: 'a' })
  rig.settle()
  rig.put('b', '1')
  rig.put('a', '1')
  rig.askProgress(0, 1)
  rig.settle()
  assert.deepEqual(watch.events, ['3 a=1'])
  assert.deepEqual(rig.progress, [{ front: 0, stream: 1, revision: 3 }])
})

test('there is no progress for a stream with a watcher in the future, a paused one, or one without watchers', () => {
  const rig = new WatchRig()
  rig.watch({ key: 'a', stream: 1 })
  rig.watch({ key: 'a', stream: 1, startRevision: 100 })
  rig.watch({ key: 'a', stream: 2 })
  const gone = rig.watch({ key: 'a', stream: 3 })
  rig.settle()
  rig.pause(0, 2)
  rig.cancel(gone)
  rig.put('a', '1')
  for (const stream of [1, 2, 3, 4]) rig.askProgress(0, stream)
  rig.settle()
  assert.deepEqual(rig.progress, [])
})

test('a watcher that asked for notices gets one for each interval without events', () => {
  const rig = new WatchRig({ progressNotifyMs: 1000 })
  const watch = rig.watch({ key: 'a', progressNotify: true })
  const silent = rig.watch({ key: 'a' })
  rig.settle()
  rig.put('b', '1')
  rig.nowMs += 1000
  rig.settle()
  assert.deepEqual(watch.notices, [2])
  rig.put('a', '1')
  rig.settle()
  rig.nowMs += 1000
  rig.settle()
  assert.deepEqual(watch.notices, [2])
  rig.nowMs += 1000
  rig.settle()
  assert.deepEqual(watch.notices, [2, 3])
  assert.deepEqual(silent.notices, [])
})

test('a worker without watchers sleeps until told otherwise', () => {
  const rig = new WatchRig({ progressNotifyMs: 1000 })
  const watch = rig.watch({ key: 'a', progressNotify: true })
  rig.settle()
  assert.ok(rig.turn.wakeAtMs() < Infinity)
  rig.cancel(watch)
  rig.put('a', '1')
  rig.settle()
  assert.equal(rig.turn.wakeAtMs(), Infinity)
  assert.equal(rig.turn.hasWork(), false)
})

test('a worker that was idle takes up the log where the store stands', () => {
  const rig = new WatchRig()
  const first = rig.watch({ key: 'a' })
  rig.settle()
  rig.cancel(first)
  rig.put('a', '1')
  rig.settle()
  rig.put('a', '2')
  const second = rig.watch({ key: 'a' })
  const past = rig.watch({ key: 'a', startRevision: 2 })
  rig.settle()
  rig.put('a', '3')
  rig.settle()
  assert.deepEqual(second.events, ['4 a=3'])
  assert.deepEqual(past.events, ['2 a=1', '3 a=2', '4 a=3'])
})

test('history with previous values of every size is read from LMDB as it was written', () => {
  const directory = temporaryDirectory()
  const path = directory.path('store.mdb')
  const writer = openLmdbStore({ path, mapSizeBytes: 2 ** 30 })
  const rig = new WatchRig({ store: { writer, reader: () => openLmdbStore({ path, readOnly: true }) } })
  const sizes = [0, 1, 100, 1024, 1025, 20_000, 100_000]
  const live = rig.watch({ key: 'k', rangeEnd: 'l', prevKv: true })
  rig.settle()
  for (const size of sizes) {
    rig.commit([{ key: 'k1', value: 'a'.repeat(size) }, { key: 'k2', value: 'b'.repeat(size) }])
    rig.commit([{ key: 'k1', value: null }], [{ key: 'k1', value: 'c'.repeat(size) }])
  }
  rig.settle()
  const past = rig.watch({ key: 'k', rangeEnd: 'l', prevKv: true, startRevision: 2 })
  rig.settle()
  rig.assertComplete()
  assert.equal(live.events.length, 4 * sizes.length)
  assert.deepEqual(past.events, live.events)
  assert.deepEqual(past.previous, live.previous)
  rig.turn.close()
  writer.close()
  directory.remove()
})
