/**
 * Checkpoints on a real helper thread, with the mvcc thread asleep meanwhile; and what becomes of a helper that fails.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spawnThread } from '../../src/actor/threads/spawn.js'
import { Slice } from '../../src/base/slice.js'
import { systemClock } from '../../src/base/system-clock.js'
import { KeyspaceView } from '../../src/keyspace/keyspace-view.js'
import { KeyspaceWriter } from '../../src/keyspace/keyspace-writer.js'
import type { CheckpointSource, CheckpointTarget } from '../../src/mvcc/checkpoint/checkpointer.js'
import type { CheckpointThreadStart } from '../../src/mvcc/open-mvcc.js'
import { StoreCheckpointSource } from '../../src/mvcc/checkpoint/store-checkpoint.js'
import {
  ThreadCheckpointer,
  runCheckpointHelper,
  type CheckpointHelperStart,
} from '../../src/mvcc/checkpoint/thread-checkpointer.js'
import { allocateDoorbell } from '../../src/ring/doorbell.js'
import type { LmdbStore } from '../../src/store/lmdb-store.js'
import { restoreStore, type RestoredStore } from '../../src/store/restore-store.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { bytesOf } from './support/requests.js'

const MAP_BYTES = 1024 ** 3
const nowMs = (): number => systemClock.nowMs()

function open(dir: string): RestoredStore {
  const restored = restoreStore(dir, { mapSizeBytes: MAP_BYTES })
  assert.ok(restored.ok)
  return restored
}

function put(store: LmdbStore, writer: KeyspaceWriter, index: number): void {
  store.transact((transaction) => {
    writer.begin(transaction)
    const key = bytesOf(`key ${index}`)
    const value = new Uint8Array(1000).fill(index)
    writer.put(new Slice().at(key, 0, key.length), new Slice().at(value, 0, value.length), 0n, index + 1, 0)
    writer.setCurrentRevision(index + 1)
    writer.setApplied(index, 2)
    writer.finish()
  })
}

function appliedIndexOf(store: LmdbStore): number {
  const snapshot = store.beginRead()
  const { appliedIndex } = new KeyspaceView(snapshot)
  snapshot.close()
  return appliedIndex
}

test('a helper thread makes one checkpoint after another, and a start begins at the newest', async () => {
  const directory = temporaryDirectory()
  const { store, generation } = open(directory.root)
  const writer = new KeyspaceWriter()
  const exits: Promise<number>[] = []
  const source = new StoreCheckpointSource(store, generation)
  const spawn = (helper: CheckpointHelperStart): void => {
    const data: CheckpointThreadStart = { ...helper, dir: directory.root, noFsync: false }
    const thread = spawnThread('checkpoint', 'checkpoint', data)
    exits.push(new Promise((resolve) => thread.on('exit', resolve)))
  }
  const checkpointer = new ThreadCheckpointer({ mvccDoorbell: allocateDoorbell(), nowMs, spawn })
  for (let index = 1; index <= 30; index++) {
    put(store, writer, index)
    if (index % 3 === 0) checkpointer.syncAhead(source)
    if (index % 10 !== 0) continue
    checkpointer.begin(source, index, 2)
    put(store, writer, index + 1)
    checkpointer.waitForOutcome()
    assert.deepEqual(checkpointer.takeOutcome(), { ok: true, appliedIndex: index, appliedTerm: 2 })
    index++
  }
  const last = appliedIndexOf(store)
  checkpointer.begin(source, last, 2)
  put(store, writer, last + 1)
  checkpointer.waitForOutcome()
  assert.equal(checkpointer.takeOutcome().ok, true)
  put(store, writer, last + 2)
  checkpointer.syncAhead(source)
  const { ordered } = checkpointer
  checkpointer.close()
  assert.ok(checkpointer.isDone(ordered), 'an end waits for what was ordered')
  assert.equal(await exits[0], 0)
  store.close()
  const again = open(directory.root)
  assert.equal(again.appliedIndex, last)
  assert.equal(appliedIndexOf(again.store), last)
  again.store.close()
  directory.remove()
})

const SOURCE: CheckpointSource = {
  file: bytesOf('file'),
  begin: () => bytesOf('what the store says'),
  adopt: () => undefined,
  giveUp: () => undefined,
}

function failing(what: 'sync' | 'write' | 'open'): (helper: CheckpointHelperStart) => void {
  const fail = (): never => {
    throw new Error(`the disk failed at ${what}`)
  }
  const target: CheckpointTarget = {
    sync: () => (what === 'sync' ? fail() : undefined),
    write: () => (what === 'write' ? fail() : undefined),
    remove: () => undefined, place: () => undefined,
    close: () => undefined,
  }
  return (helper) => runCheckpointHelper(helper, () => (what === 'open' ? fail() : target))
}

for (const what of ['sync', 'write', 'open'] as const) {
  test(`a disk that fails at ${what} ends the process at the next look`, () => {
    const helpers: CheckpointHelperStart[] = []
    const checkpointer = new ThreadCheckpointer({
      mvccDoorbell: allocateDoorbell(),
      nowMs,
      spawn: (helper) => helpers.push(helper),
    })
    checkpointer.syncAhead(SOURCE)
    checkpointer.begin(SOURCE, 1, 1)
    failing(what)(helpers[0] as CheckpointHelperStart)
    assert.equal(checkpointer.hasOutcome(), true)
    assert.throws(() => checkpointer.takeOutcome(), new RegExp(`the disk failed at ${what}`))
  })
}

test('a sync that fails at the end ends the process as well', () => {
  const helpers: CheckpointHelperStart[] = []
  const spawn = (helper: CheckpointHelperStart): unknown => helpers.push(helper)
  const checkpointer = new ThreadCheckpointer({ mvccDoorbell: allocateDoorbell(), nowMs, spawn })
  checkpointer.syncAhead(SOURCE)
  failing('sync')(helpers[0] as CheckpointHelperStart)
  assert.equal(checkpointer.isDone(checkpointer.ordered), false)
  assert.throws(() => checkpointer.close(), /the disk failed at sync/)
})

test('a helper that never answers is waited for two minutes and no longer', () => {
  let ms = 0
  const checkpointer = new ThreadCheckpointer({
    mvccDoorbell: allocateDoorbell(),
    nowMs: () => (ms += 120_000),
    spawn: () => undefined,
  })
  checkpointer.begin(SOURCE, 1, 1)
  assert.throws(() => checkpointer.waitForOutcome(), /does not answer/)
})
