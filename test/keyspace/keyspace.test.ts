/**
 * The key space against a plain model: any order of puts, deletions and compactions, read at every retained revision.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8, type Bytes } from '../../src/base/bytes.js'
import { Prng } from '../../src/base/prng.js'
import { ALL_KEYS, KEY_BYTES_MAX, keyRange, type KeyRange } from '../../src/keyspace/key-range.js'
import { KeyRecord } from '../../src/keyspace/key-record.js'
import { LATEST, type KeyspaceView } from '../../src/keyspace/keyspace-view.js'
import { checkPutRequest } from '../../src/keyspace/txn-checks.js'
import { etcdErrors } from '../../src/proto/etcd-errors.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { openLmdbStore } from '../../src/store/lmdb-store.js'
import { TABLE, type Store } from '../../src/store/store.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { KeyspaceRig, POOL, type Change } from './keyspace-rig.js'

type Step =
  | { readonly kind: 'batch'; readonly changes: readonly Change[]; readonly mains: readonly number[] }
  | { readonly kind: 'abort'; readonly changes: readonly Change[] }
  | { readonly kind: 'compact'; readonly back: number }
  | { readonly kind: 'slice'; readonly rows: number; readonly floorBack: number | null }
  | { readonly kind: 'read'; readonly seed: number }

const change: fc.Arbitrary<Change> = fc.record({
  key: fc.nat(POOL.keys.length - 1),
  value: fc.option(fc.nat(POOL.values.length - 1), { freq: 3 }),
  lease: fc.nat(POOL.leases.length - 1),
})

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({
    kind: fc.constant('batch' as const),
    changes: fc.array(change, { minLength: 1, maxLength: 30 }),
    mains: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
  }) },
  { weight: 1, arbitrary: fc.record({
    kind: fc.constant('abort' as const),
    changes: fc.array(change, { maxLength: 5 }),
  }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('compact' as const), back: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({
    kind: fc.constant('slice' as const),
    rows: fc.integer({ min: 1, max: 40 }),
    floorBack: fc.option(fc.nat(30), { freq: 1 }),
  }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('read' as const), seed: fc.nat() }) },
)

function run(store: Store, steps: readonly Step[]): void {
  const rig = new KeyspaceRig(store)
  for (const it of steps) take(rig, it)
  while (!rig.slice(7, LATEST)) rig.checkAt(rig.model.currentRevision)
  rig.checkAll()
  store.close()
}

function take(rig: KeyspaceRig, it: Step): void {
  if (it.kind === 'batch') rig.batch(it.changes, it.mains)
  else if (it.kind === 'abort') rig.abort(it.changes)
  else if (it.kind === 'compact') rig.compact(it.back)
  else if (it.kind === 'read') readSomewhere(rig, new Prng(it.seed))
  else rig.slice(it.rows, it.floorBack === null ? LATEST : rig.model.currentRevision - it.floorBack)
}

/** One revision, one range, one key: what the real key space answers must be what the model answers. */
function readSomewhere(rig: KeyspaceRig, prng: Prng): void {
  const { model } = rig
  const main = prng.between(Math.max(1, model.compactRevision), model.currentRevision)
  // Of the compact revision only its end is kept.
  const sub = main === model.compactRevision || prng.chance(0.5) ? 0xffff_ffff : prng.between(0, 3)
  const range = randomRange(prng)
  rig.read((view) => {
    rig.checkScan(view, range, main, sub)
    rig.checkScan(view, range, LATEST, 0)
    rig.checkGet(view, prng.pick(POOL.keys), main, sub)
  })
}

function randomRange(prng: Prng): KeyRange {
  const from: Bytes = prng.pick(POOL.keys)
  const kind = prng.between(0, 3)
  if (kind === 0) return keyRange(from, new Uint8Array(0))
  if (kind === 1) return keyRange(from, Uint8Array.of(0))
  const to = Uint8Array.of(...prng.pick(POOL.keys), ...prng.bytes(prng.between(0, 1)))
  return keyRange(prng.chance(0.3) ? from.subarray(0, 1) : from, to)
}

test('the key space in memory answers as the model does', () => {
  const story = fc.array(step, { minLength: 5, maxLength: 40 })
  fc.assert(fc.property(story, (steps) => run(new MemoryStore(), steps)), { numRuns: 60 })
})

test('the key space on lmdb answers as the model does', () => {
  const directory = temporaryDirectory()
  let count = 0
  fc.assert(fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
    run(openLmdbStore({ path: directory.path(`db-${count++}`), mapSizeBytes: 2 ** 30 }), steps)
  }), { numRuns: 25 })
  directory.remove()
})

test('a key with thousands of revisions is found at each of them by a few look-ups', () => {
  const rig = new KeyspaceRig(new MemoryStore())
  const revisions = 3000
  for (let i = 0; i < revisions / 10; i++) {
    rig.batch(Array.from({ length: 10 }, () => ({ key: 0, value: 1, lease: 0 })), Array.from({ length: 10 }, () => 1))
  }
  rig.read((view) => {
    let most = 0
    for (let main = 2; main <= revisions + 1; main++) {
      const before = rig.lookUps
      rig.checkGet(view, POOL.keys[0] as Bytes, main, 0)
      most = Math.max(most, rig.lookUps - before)
    }
    assert.ok(most < 60, `${most} look-ups for one read`)
  })
})

test('keys of one and a half mebibytes keep byte order', () => {
  const rig = new KeyspaceRig(new MemoryStore())
  const size = 1.5 * 1024 * 1024
  const a = new Uint8Array(size).fill(7)
  const b = a.slice()
  b[size - 1] = 8
  const c = a.slice(0, size - 5000)
  rig.putBytes([b, a, c, a.subarray(0, 5)], 2)
  rig.read((view) => {
    assert.equal(view.count(ALL_KEYS, LATEST, 0), 4)
    const seen: number[] = []
    view.scan(keyRange(a.subarray(0, 6), Uint8Array.of(0)), LATEST, 0, (record) => {
      seen.push(record.key.length, record.key.bytes[record.key.end - 1] as number)
      return true
    })
    assert.deepEqual(seen, [size - 5000, 7, size, 7, size, 8])
  })
})

test('a put of a key that no row can take is refused', () => {
  const put = { key: new Uint8Array(KEY_BYTES_MAX + 1), value: utf8('v'), lease: 0n, prev_kv: false }
  const request = { ...put, ignore_value: false, ignore_lease: false }
  assert.equal(checkPutRequest(request), etcdErrors.requestTooLarge.id)
  assert.equal(checkPutRequest({ ...request, key: request.key.subarray(1) }), 0)
  const rig = new KeyspaceRig(openLmdbStore({ path: temporaryDirectory().path('db') }))
  rig.putBytes([request.key.subarray(1)], 2)
  rig.read((view) => assert.equal(view.count(ALL_KEYS, LATEST, 0), 1))
})

test('values of many mebibytes are whole at every revision, and compaction removes all of them', () => {
  const directory = temporaryDirectory()
  const store = openLmdbStore({ path: directory.path('db') })
  const rig = new KeyspaceRig(store)
  const sizes = [8, 17, 40].map((mebibytes) => mebibytes * 1024 * 1024 - 40)
  sizes.forEach((size, i) => rig.putBytes([utf8('large')], 2 + i, new Uint8Array(size).fill(i + 1)))
  rig.read((view) => {
    const record = new KeyRecord()
    sizes.forEach((size, i) => {
      assert.ok(view.getAt(utf8('large'), 0, 5, 2 + i, 0, record))
      assert.deepEqual([record.value.length, record.value.bytes[record.value.end - 1]], [size, i + 1])
    })
  })
  rig.model.currentRevision = 4
  rig.compact(0)
  while (!rig.slice(10, LATEST));
  const snapshot = store.beginRead()
  assert.equal(snapshot.countRows(TABLE.values, new Uint8Array(0), new Uint8Array(0)), 5)
  snapshot.close()
  store.close()
  directory.remove()
})

test('a visit may remove the key that it is shown', () => {
  const rig = new KeyspaceRig(new MemoryStore())
  rig.batch(POOL.keys.map((_, key) => ({ key, value: 1, lease: 1 })), [POOL.keys.length])
  rig.removeWhileScanning(ALL_KEYS)
  rig.checkAll()
  rig.read((view) => assert.equal(view.count(ALL_KEYS, LATEST, 0), 0))
})

test('deletions of the compact revision itself are kept, and go with the next compaction', () => {
  for (const floorBack of [0, 1]) {
    const rig = new KeyspaceRig(new MemoryStore())
    const put = (key: number): Change => ({ key, value: 1, lease: 0 })
    const remove = (key: number): Change => ({ key, value: null, lease: 0 })
    rig.batch([put(0), put(1), put(2)], [3])
    rig.batch([remove(0), remove(1), put(2)], [3])
    rig.compact(0)
    // Once complete before the next, once overtaken by it in the middle of its last revision.
    if (floorBack === 0) while (!rig.slice(1, LATEST));
    else for (let i = 0; i < 5; i++) assert.equal(rig.slice(1, LATEST), false)
    rig.batch([put(3)], [1])
    rig.compact(0)
    while (!rig.slice(1, LATEST));
    rig.checkAll()
  }
})

test('what a view shows may be written back', () => {
  const directory = temporaryDirectory()
  const store = openLmdbStore({ path: directory.path('db') })
  const rig = new KeyspaceRig(store)
  rig.batch(POOL.keys.map((_, key) => ({ key, value: key % POOL.values.length, lease: 0 })), [100])
  rig.rewriteWhileScanning(ALL_KEYS)
  rig.checkAll()
  store.close()
  directory.remove()
})

test('a read behind the compaction knows that rows may be missing', () => {
  const rig = new KeyspaceRig(new MemoryStore())
  for (let i = 0; i < 20; i++) rig.batch([{ key: 0, value: 1, lease: 0 }], [1])
  rig.compact(5)
  assert.equal(rig.slice(1000, 10), false)
  rig.read((view: KeyspaceView) => {
    assert.equal(view.compactRevision, 16)
    assert.equal(view.removedBelow, 10)
    rig.checkGet(view, POOL.keys[0] as Bytes, 10, 0)
  })
  assert.equal(rig.slice(1000, LATEST), true)
})
