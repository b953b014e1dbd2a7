/** The store on LMDB: the traps of its package, other threads, a full disk, checkpoints and restores. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { utf8 } from '../../src/base/bytes.js'
import { Slice } from '../../src/base/slice.js'
import { KeyRecord } from '../../src/keyspace/key-record.js'
import { KeyspaceView } from '../../src/keyspace/keyspace-view.js'
import { KeyspaceWriter } from '../../src/keyspace/keyspace-writer.js'
import {
  adoptCheckpoint,
  beginCheckpoint,
  dropCheckpoint,
  finishCheckpoint,
  syncStoreFile,
} from '../../src/store/checkpoint.js'
import { openLmdbStore, type LmdbStore } from '../../src/store/lmdb-store.js'
import { restoreStore, storePath } from '../../src/store/restore-store.js'
import { TABLE, type Store, type StoreView } from '../../src/store/store.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const VISIBILITY_WRITER = new URL('./visibility-writer.js', import.meta.url)
const FULL_DISK_PROCESS = fileURLToPath(new URL('./full-disk-process.js', import.meta.url))

function shared(text: string): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(text.length + 8)).subarray(4, 4 + text.length)
  bytes.set(utf8(text))
  return bytes
}

function putText(store: Store, key: string, value: string): void {
  store.transact((transaction) => transaction.put(TABLE.latest, utf8(key), 0, key.length, utf8(value), 0, value.length))
}

function textOf(view: StoreView, key: string): string | null {
  const value = new Slice()
  return view.get(TABLE.latest, utf8(key), 0, key.length, value) ? Buffer.from(value.copy()).toString() : null
}

function readText(store: Store, key: string): string | null {
  const snapshot = store.beginRead()
  const value = textOf(snapshot, key)
  snapshot.close()
  return value
}

test('keys and values in shared memory are stored as they are', () => {
  const directory = temporaryDirectory()
  const store = openLmdbStore({ path: directory.path('db') })
  const key = shared('a key in shared memory')
  const value = shared('a value in shared memory, '.repeat(100))
  const writer = new KeyspaceWriter()
  store.transact((transaction) => {
    transaction.put(TABLE.auth, key, 0, key.length, value, 0, value.length)
    writer.begin(transaction)
    writer.put(new Slice().at(key, 0, key.length), new Slice().at(value, 0, value.length), 0n, 2, 0)
    writer.setCurrentRevision(2)
    writer.finish()
  })
  key.fill(0)
  const expected = Buffer.from(value)
  value.fill(0)
  const snapshot = store.beginRead()
  const plainKey = utf8('a key in shared memory')
  const found = new Slice()
  assert.ok(snapshot.get(TABLE.auth, plainKey, 0, plainKey.length, found))
  assert.ok(expected.equals(found.copy()))
  const record = new KeyRecord()
  assert.ok(new KeyspaceView(snapshot).get(plainKey, 0, plainKey.length, record))
  assert.ok(expected.equals(record.value.copy()))
  snapshot.close()
  store.close()
  directory.remove()
})

test('a reader on another thread never sees less than a published commit, and never half of one', async () => {
  const directory = temporaryDirectory()
  const path = directory.path('db')
  const published = new Int32Array(new SharedArrayBuffer(8))
  const writer = new Worker(VISIBILITY_WRITER, { workerData: { path, published, commits: 20_000 } })
  await once(writer, 'message')
  const store = openLmdbStore({ path, readOnly: true })
  const ended = once(writer, 'exit')
  const value = new Slice()
  const keys = Array.from({ length: 20 }, (_, i) => utf8(`key-${i}`))
  writer.postMessage('go')
  let seen = 0
  while (Atomics.load(published, 1) === 0) {
    const least = Atomics.load(published, 0)
    const snapshot = store.beginRead()
    const commits = keys.map((key) => {
      if (!snapshot.get(TABLE.latest, key, 0, key.length, value)) return 0
      return new DataView(value.copy().buffer).getUint32(0, true)
    })
    snapshot.close()
    const commit = commits[0] as number
    assert.ok(commit >= least, `snapshot shows commit ${commit}, but ${least} was published`)
    assert.ok(commits.every((it) => it === commit), 'a snapshot shows half a commit')
    if (commit > seen) seen = commit
  }
  assert.ok(seen > 0)
  store.close()
  await ended
  directory.remove()
})

test('on a full disk a batch changes nothing, and goes in when there is room again', () => {
  const directory = temporaryDirectory()
  const limit = 4 * 1024 * 1024
  const words = [`--fsize=${limit}:`, process.execPath, FULL_DISK_PROCESS, directory.root, String(limit)]
  const result = spawnSync('prlimit', words, { encoding: 'utf8' })
  assert.equal(result.status, 0, result.stderr)
  const { committed, checkpoint } = JSON.parse(result.stdout)
  assert.ok(committed > 25, `${committed} batches were committed`)
  assert.equal(checkpoint, 'no-space')
  directory.remove()
})

test('a batch that removes most of a store takes no more room than the store has pages', () => {
  const directory = temporaryDirectory()
  const store = openLmdbStore({ path: directory.path('1.mdb') })
  const keys = Array.from({ length: 5000 }, (_, i) => utf8(`key ${String(i).padStart(6, '0')}`))
  store.transact((transaction) => {
    for (const key of keys) transaction.put(TABLE.latest, key, 0, key.length, key, 0, key.length)
  })
  const before = store.stats()
  store.transact((transaction) => {
    for (const key of keys) transaction.remove(TABLE.latest, key, 0, key.length)
  })
  const { sizeBytes, aheadBytes } = store.stats()
  assert.ok(sizeBytes <= before.sizeBytes + before.usedBytes + 1024 * 1024, `${before.sizeBytes} grew to ${sizeBytes}`)
  assert.ok(aheadBytes <= 16 * 1024 * 1024)
  store.close()
  directory.remove()
})

test('a transaction that fails with a cursor open leaves nothing behind and the store usable', () => {
  const directory = temporaryDirectory()
  const store = openLmdbStore({ path: directory.path('1.mdb') })
  putText(store, 'a', '1')
  for (let i = 0; i < 200; i++) {
    assert.throws(
      () =>
        store.transact((transaction) => {
          const cursor = transaction.openCursor(TABLE.latest)
          assert.ok(cursor.seek(utf8(''), 0, 0))
          transaction.put(TABLE.latest, utf8('b'), 0, 1, utf8('2'), 0, 1)
          throw new Error('given up')
        }),
      /given up/,
    )
  }
  assert.deepEqual([readText(store, 'a'), readText(store, 'b')], ['1', null])
  putText(store, 'b', '3')
  assert.equal(readText(store, 'b'), '3')
  store.close()
  directory.remove()
})

function checkpointed(dir: string): void {
  const restored = restoreStore(dir)
  assert.ok(restored.ok)
  const { store, generation } = restored
  putText(store, 'a', 'checkpointed')
  const ticket = beginCheckpoint(store, { generation, appliedIndex: 7, appliedTerm: 2 })
  putText(store, 'a', 'later')
  syncStoreFile(ticket.dataFd)
  assert.deepEqual(finishCheckpoint(dir, ticket), { ok: true })
  adoptCheckpoint(store)
  putText(store, 'b', 'later')
  store.close()
}

function restored(dir: string): { store: LmdbStore; appliedIndex: number; appliedTerm: number } {
  const result = restoreStore(dir)
  assert.ok(result.ok)
  return result
}

test('a start goes back to the newest checkpoint, whatever was written since', () => {
  const directory = temporaryDirectory()
  checkpointed(directory.root)
  const { store, appliedIndex, appliedTerm } = restored(directory.root)
  assert.deepEqual([appliedIndex, appliedTerm], [7, 2])
  assert.deepEqual([readText(store, 'a'), readText(store, 'b')], ['checkpointed', null])
  store.close()
  directory.remove()
})

test('a start without a checkpoint begins empty, and what a crash left half-made goes', () => {
  const directory = temporaryDirectory()
  const first = restored(directory.root)
  putText(first.store, 'a', 'lost')
  first.store.close()
  writeFileSync(directory.path('checkpoint.tmp'), 'half')
  writeFileSync(directory.path('9.mdb'), 'half a generation')
  const { store, appliedIndex } = restored(directory.root)
  assert.deepEqual([appliedIndex, readText(store, 'a')], [0, null])
  assert.deepEqual(readdirSync(directory.root).toSorted(), ['1.mdb', '1.mdb-lock'])
  store.close()
  directory.remove()
})

test('a dropped checkpoint leaves the one before', () => {
  const directory = temporaryDirectory()
  checkpointed(directory.root)
  const { store } = restored(directory.root)
  putText(store, 'a', 'not kept')
  const applied = { generation: 1, appliedIndex: 9, appliedTerm: 2 }
  beginCheckpoint(store, applied)
  assert.throws(() => beginCheckpoint(store, applied), /one checkpoint at a time/)
  dropCheckpoint(store)
  store.close()
  const again = restored(directory.root)
  assert.equal(readText(again.store, 'a'), 'checkpointed')
  again.store.close()
  directory.remove()
})

test('a damaged checkpoint, a missing store file and a short one are refused', () => {
  const directory = temporaryDirectory()
  checkpointed(directory.root)
  const checkpoint = readFileSync(directory.path('checkpoint'))
  for (const at of [0, 9, 13, 20, checkpoint.length - 1]) {
    const damaged = Buffer.from(checkpoint)
    damaged[at] = (damaged[at] as number) ^ 1
    writeFileSync(directory.path('checkpoint'), damaged)
    const result = restoreStore(directory.root)
    assert.ok(!result.ok && /damaged/.test(result.message), `byte ${at}`)
  }
  writeFileSync(directory.path('checkpoint'), checkpoint)
  copyFileSync(storePath(directory.root, 1), directory.path('copy'))
  truncateSync(storePath(directory.root, 1), 4096 * 3)
  const short = restoreStore(directory.root)
  assert.ok(!short.ok && /12288 bytes/.test(short.message))
  directory.remove()
  const missing = temporaryDirectory()
  writeFileSync(missing.path('checkpoint'), checkpoint)
  const result = restoreStore(missing.root)
  assert.ok(!result.ok && /does not exist/.test(result.message))
  missing.remove()
})

test('a store opened by a reader first is refused to a writer', () => {
  const directory = temporaryDirectory()
  const path = directory.path('db')
  openLmdbStore({ path }).close()
  const reader = openLmdbStore({ path, readOnly: true })
  assert.throws(() => openLmdbStore({ path }))
  assert.throws(() => putText(reader, 'a', 'b'), /read-only/)
  reader.close()
  directory.remove()
})

test('sizes and bytes written grow with what is written', () => {
  const directory = temporaryDirectory()
  const store = openLmdbStore({ path: directory.path('db') })
  const before = store.stats()
  const writtenBefore = store.bytesWritten()
  putText(store, 'a', 'x'.repeat(1_000_000))
  const after = store.stats()
  assert.ok(after.usedBytes - before.usedBytes > 1_000_000)
  assert.ok(after.sizeBytes >= after.usedBytes)
  assert.ok(store.bytesWritten() - writtenBefore > 1_000_000)
  store.close()
  directory.remove()
})
