/**
 * What a process that ended leaves in its file is made whole by `settleRecent`: row for row what a store without recent
 * rows holds after the same operations, whenever it ends and whatever was compacted.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareBytes, type Bytes } from '../../../src/base/bytes.js'
import { Prng } from '../../../src/base/prng.js'
import { KeyspaceView, LATEST } from '../../../src/keyspace/keyspace-view.js'
import { settleRecent } from '../../../src/keyspace/tables/settle-recent.js'
import { RecordingTransaction } from '../../../src/store/generations/recording-transaction.js'
import { SwitchingStore } from '../../../src/store/generations/switching-store.js'
import { MemoryStore, type StoreImage } from '../../../src/store/memory-store.js'
import { RecentMemory, allocateRecent } from '../../../src/store/recent/recent-memory.js'
import { RecentState } from '../../../src/store/recent/recent-state.js'
import {
  TABLE, type CommitResult, type MayCommit, type ReadSnapshot, type Store, type StoreStats, type StoreView, type Table,
  type WriteTransaction,
} from '../../../src/store/store.js'
import { KeyspaceRig, POOL, type Change } from '../../keyspace/keyspace-rig.js'
import { compareStores } from '../compare-stores.js'
import { RefusingStore } from './recent-store-rig.js'

function revisionOf(store: Store): number {
  const snapshot = store.beginRead()
  const { currentRevision } = new KeyspaceView(snapshot)
  snapshot.close()
  return currentRevision
}

function recentStateOf(view: StoreView): RecentState {
  const state = new RecentState()
  state.read(view)
  return state
}

/** A store of a process that may end at any time between two transactions, and begins again with what its file has. */
class CrashingStore implements Store {
  readonly #slotBytes: number
  file = new MemoryStore()
  switching: SwitchingStore

  constructor(slotBytes: number) {
    this.#slotBytes = slotBytes
    this.switching = this.#wrap()
  }

  /** Memory is gone. */
  crash(): void {
    this.file = new MemoryStore({ image: this.file.image })
    assert.deepEqual(settleRecent(this.file), { ok: true })
    this.switching = this.#wrap()
  }

  transact(work: (transaction: WriteTransaction) => void, mayCommit?: MayCommit): CommitResult {
    const result = this.switching.transact(work, mayCommit)
    if (result.ok) this.switching.setRevision(revisionOf(this.switching))
    return result
  }

  beginRead(): ReadSnapshot {
    return this.switching.beginRead()
  }

  bytesWritten(): number {
    return this.switching.bytesWritten()
  }

  stats(): StoreStats {
    return this.switching.stats()
  }

  close(): void {
    this.switching.close()
  }

  #wrap(): SwitchingStore {
    const switching = new SwitchingStore(this.file, new RecentMemory(allocateRecent(this.#slotBytes, 7)))
    switching.setRevision(revisionOf(this.file))
    return switching
  }
}

type Step =
  | { readonly kind: 'batch'; readonly changes: readonly Change[]; readonly mains: readonly number[] }
  | { readonly kind: 'abort'; readonly changes: readonly Change[] }
  | { readonly kind: 'compact'; readonly back: number }
  | { readonly kind: 'slice'; readonly rows: number }
  | { readonly kind: 'settle'; readonly rows: number }
  | { readonly kind: 'read'; readonly seed: number }
  | { readonly kind: 'crash' }

/** Most changes are of a few keys, so that these are deleted and made again all the time. */
const change: fc.Arbitrary<Change> = fc.record({
  key: fc.oneof({ weight: 2, arbitrary: fc.nat(5) }, { weight: 1, arbitrary: fc.nat(POOL.keys.length - 1) }),
  value: fc.option(
    fc.oneof({ weight: 2, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(POOL.values.length - 1) }),
    { freq: 2 },
  ),
  lease: fc.nat(POOL.leases.length - 1),
})

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({
    kind: fc.constant('batch' as const),
    changes: fc.array(change, { minLength: 1, maxLength: 20 }),
    mains: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
  }) },
  { weight: 1, arbitrary: fc.record({
    kind: fc.constant('abort' as const), changes: fc.array(change, { maxLength: 5 }),
  }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('compact' as const), back: fc.nat(10) }) },
  { weight: 3, arbitrary: fc.record({
    kind: fc.constant('slice' as const), rows: fc.integer({ min: 1, max: 40 }),
  }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('settle' as const), rows: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('read' as const), seed: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
)

/** Of both stores, after the same operations. */
interface Instant {
  readonly file: StoreImage
  readonly plain: StoreImage
}

/** Crashes come and go with the one; the other has no recent rows and never ends. */
class SettleRig {
  readonly store: CrashingStore
  readonly plain = new MemoryStore()
  readonly rig: KeyspaceRig
  readonly #plainRig: KeyspaceRig
  readonly #instants: Instant[] = []

  constructor(slotBytes: number) {
    this.store = new CrashingStore(slotBytes)
    this.rig = new KeyspaceRig(this.store)
    this.#plainRig = new KeyspaceRig(this.plain)
  }

  take(it: Step): void {
    if (it.kind === 'batch') this.batch(it.changes, it.mains)
    else if (it.kind === 'abort') this.rig.abort(it.changes)
    else if (it.kind === 'compact') this.compact(it.back)
    else if (it.kind === 'slice') this.slice(it.rows)
    else if (it.kind === 'settle') assert.ok(this.store.switching.settleSome(it.rows).ok)
    else if (it.kind === 'crash') this.crash()
    else this.read(new Prng(it.seed))
    this.#instants.push({ file: this.store.file.image, plain: this.plain.image })
  }

  batch(changes: readonly Change[], mains: readonly number[]): void {
    this.rig.batch(changes, mains)
    this.#plainRig.batch(changes, mains)
  }

  /** All of one revision. */
  putMany(keys: readonly Bytes[]): void {
    const main = ++this.rig.model.currentRevision
    this.rig.putBytes(keys, main)
    this.#plainRig.putBytes(keys, main)
  }

  compact(back: number): void {
    this.rig.compact(back)
    this.#plainRig.compact(back)
  }

  /** As compactor.ts: what is to be compacted must be in the file before. True when all is done. */
  slice(rows: number): boolean {
    const { switching } = this.store
    for (let turn = 0; switching.settledRevision < this.rig.model.compactRevision; turn++) {
      assert.ok(turn < 10, 'compaction waits for ever for recent rows')
      assert.ok(switching.settleSome(1000).ok)
    }
    const done = this.rig.slice(rows, LATEST)
    assert.equal(this.#plainRig.slice(rows, LATEST), done)
    return done
  }

  crash(): void {
    this.store.crash()
    compareStores(this.store.file, this.plain)
    compareStores(this.store, this.plain)
  }

  read(prng: Prng): void {
    const { model } = this.rig
    compareStores(this.store, this.plain)
    this.rig.checkAt(prng.between(Math.max(1, model.compactRevision), model.currentRevision))
    this.rig.read((view) => {
      assert.equal(view.liveKeys, model.scan({ from: new Uint8Array(0), to: null, single: false }, LATEST, 0).length)
      this.rig.checkGet(view, prng.pick(POOL.keys) as Bytes, LATEST, 0xffff_ffff)
    })
  }

  /** A checkpoint may be of any commit: each must become what the plain store was then. */
  checkInstants(): void {
    for (const { file, plain } of this.#instants) {
      const store = new MemoryStore({ image: file })
      assert.deepEqual(settleRecent(store), { ok: true })
      compareStores(store, new MemoryStore({ image: plain }))
      const snapshot = store.beginRead()
      assert.equal(recentStateOf(snapshot).slot, 0)
      snapshot.close()
    }
  }
}

test('a file is made whole after a crash at any time, row for row', () => {
  const slotBytes = fc.constantFrom(4096, 16_384, 262_144)
  fc.assert(fc.property(slotBytes, fc.array(step, { minLength: 5, maxLength: 40 }), (size, steps) => {
    const rig = new SettleRig(size)
    for (const it of steps) rig.take(it)
    while (!rig.slice(7));
    rig.rig.checkAll()
    rig.crash()
    rig.rig.checkAll()
    rig.checkInstants()
  }), { numRuns: 50 })
})

const put = (key: number, value: number): Change => ({ key, value, lease: 0 })
const remove = (key: number): Change => ({ key, value: null, lease: 0 })

test('deletions, keys made again and values of every form come back from revisions alone', () => {
  const all = POOL.keys.map((_, key) => key)
  const rig = new SettleRig(1024 * 1024)
  rig.batch(all.map((key) => put(key, key % POOL.values.length)), [3])
  rig.batch(all.filter((key) => key % 2 === 0).map(remove), [2])
  rig.batch(all.filter((key) => key % 4 === 0).map((key) => put(key, (key + 3) % POOL.values.length)), [1])
  // Nothing of it is in the file's tables of newest rows before.
  const before = rig.store.file.beginRead()
  assert.ok(recentStateOf(before).slot > 0)
  before.close()
  rig.crash()
  rig.rig.checkAll()
  rig.batch(all.map((key) => put(key, 1)), [5])
  rig.compact(0)
  while (!rig.slice(5));
  rig.crash()
  rig.rig.checkAll()
})

test('a tombstone that was compacted does not come back, nor does the key that it deleted', () => {
  const rig = new SettleRig(4096)
  rig.batch([put(0, 1), put(1, 1)], [1])
  rig.batch([remove(0)], [1])
  rig.batch([put(2, 1)], [1])
  rig.compact(0)
  while (!rig.slice(3));
  rig.crash()
  rig.rig.checkAll()
  rig.batch([put(0, 1)], [1])
  rig.batch([remove(0), remove(1)], [1])
  rig.crash()
  rig.rig.checkAll()
})

test('a compaction goes on when the newest revisions are of keys that are not in memory', () => {
  const long = POOL.keys.findIndex((key) => key.length > 5000)
  const rig = new SettleRig(4096)
  rig.batch([put(0, 1)], [1])
  rig.crash()
  for (let i = 0; i < 3; i++) rig.batch([put(long, 1)], [1])
  rig.compact(0)
  while (!rig.slice(100));
  rig.rig.checkAll()
})

test('rows are put into the file in key order, each once, whatever the order of the revisions', () => {
  const rig = new SettleRig(1024 * 1024)
  const keys = Array.from({ length: 700 }, (_, i) => Uint8Array.of(0x63, (i * 37) % 251, i % 7))
  rig.putMany(keys)
  rig.putMany(keys)
  const file = new MemoryStore({ image: rig.store.file.image })
  const touched: Bytes[] = []
  const touch = (table: Table, key: Bytes, start: number, end: number): void => {
    if (table === TABLE.latest) touched.push(key.slice(start, end))
  }
  const watching: Store = {
    transact: (work) => file.transact((transaction) => work(new RecordingTransaction(transaction, touch))),
    beginRead: () => file.beginRead(),
    bytesWritten: () => 0,
    stats: () => file.stats(),
    close: () => undefined,
  }
  assert.ok(settleRecent(watching).ok)
  assert.deepEqual(touched, [...touched].sort(compareBytes))
  assert.equal(new Set(touched.map((key) => Buffer.from(key).toString('hex'))).size, keys.length)
  assert.equal(touched.length, keys.length)
  compareStores(file, rig.plain)
})

test('more revisions than one transaction takes are settled, in several goes when some are refused', () => {
  const rig = new SettleRig(4 * 1024 * 1024)
  // Every row counts: no key is written twice.
  rig.putMany(Array.from({ length: 2700 }, (_, i) => Uint8Array.of(0x63, i >>> 8, i & 0xff)))
  rig.putMany(Array.from({ length: 1200 }, (_, i) => Uint8Array.of(0x64, i >>> 8, i & 0xff)))
  const store = new RefusingStore(new MemoryStore({ image: rig.store.file.image }))
  const first = store.beginRead()
  const { slot } = recentStateOf(first)
  first.close()
  assert.ok(slot > 0)
  let transactions = 0
  let isFull = true
  const counting: Store = {
    transact: (work) => {
      // The first has room, so that it is not all or nothing.
      store.refuses = isFull && ++transactions > 1 ? 'after' : 'never'
      return store.transact(work)
    },
    beginRead: () => store.beginRead(),
    bytesWritten: () => 0,
    stats: () => store.stats(),
    close: () => undefined,
  }
  assert.equal(settleRecent(counting).ok, false)
  assert.equal(settleRecent(counting).ok, false)
  // Until it is done the file says that it is not.
  const middle = store.beginRead()
  assert.equal(recentStateOf(middle).slot, slot)
  middle.close()
  isFull = false
  assert.equal(settleRecent(counting).ok, true)
  compareStores(store, rig.plain)
  const { image } = store.inner
  assert.equal(settleRecent(counting).ok, true)
  assert.equal(store.inner.image, image, 'a store that is settled is left alone')
})
