/**
 * A key space on some store beside its model: what happens to one happens to the other, and every answer is compared.
 */

import assert from 'node:assert/strict'
import { equalBytes, utf8, type Bytes } from '../../src/base/bytes.js'
import { Slice } from '../../src/base/slice.js'
import { ALL_KEYS, type KeyRange } from '../../src/keyspace/key-range.js'
import { KeyRecord } from '../../src/keyspace/key-record.js'
import { KeyspaceView, LATEST } from '../../src/keyspace/keyspace-view.js'
import { KeyspaceWriter } from '../../src/keyspace/keyspace-writer.js'
import { encodeKeyValue } from '../../src/proto/generated/mvccpb.js'
import { TABLE, type ReadSnapshot, type Store, type StoreView } from '../../src/store/store.js'
import { KeyspaceModel, type ModelRevision } from './keyspace-model.js'

export interface Change {
  readonly key: number
  /** Null: a deletion. */
  readonly value: number | null
  readonly lease: number
}

const LAST_SUB = 0xffff_ffff

/** Keys around every boundary of rows, segments and escapes; values around every boundary of forms. */
export const POOL = {
  keys: [
    ...['a', 'a\0', 'a\0\0', 'ab', 'b'].map((text) => Uint8Array.from(utf8(text))),
    Uint8Array.of(0), Uint8Array.of(0xff), Uint8Array.of(0xff, 0xff),
    ...[1969, 1970, 1971, 1977, 1978, 1979, 3939, 3940, 3941, 5910].map((size) => new Uint8Array(size).fill(0x61)),
    twisted(1978, 1977), twisted(1979, 1978), twisted(3940, 3939), twisted(3940, 1969),
    twisted(6000, 1971), twisted(6000, 5999),
    new Uint8Array(4000).fill(0xff), new Uint8Array(2000),
  ] as readonly Bytes[],
  values: [0, 1, 200, 1024, 1025, 16_384, 16_385, 70_000].map(
    (size) => new Uint8Array(size).fill(size & 0xff),
  ) as readonly Bytes[],
  leases: [0n, 1n, -1n, 0x7fff_ffff_ffff_ffffn, 0x1234n] as readonly bigint[],
}

/** All 'a' but for one byte. */
function twisted(size: number, at: number): Bytes {
  const key = new Uint8Array(size).fill(0x61)
  key[at] = 0x62
  return key
}

export class KeyspaceRig {
  readonly model = new KeyspaceModel()
  readonly writer = new KeyspaceWriter()
  /** Rows read of `revisions` by key, by all reads so far. */
  lookUps = 0
  readonly #store: Store
  readonly #record = new KeyRecord()
  #index = 0

  constructor(store: Store) {
    this.#store = store
    store.transact((transaction) => {
      this.writer.begin(transaction)
      for (const id of POOL.leases) {
        if (id !== 0n) this.writer.grantLease(id, { ttlSeconds: 60, grantedClockMs: 1, renewedClockMs: 1 })
      }
      this.writer.finish()
    })
  }

  /** Changes go to new main revisions, so many to each as `mains` says in turn. */
  batch(changes: readonly Change[], mains: readonly number[]): void {
    const { model, writer } = this
    const committed = this.#store.transact((transaction) => {
      writer.begin(transaction)
      let sub = 0
      let turn = 0
      let main = model.currentRevision + 1
      for (const change of changes) {
        if (this.#apply(change, main, sub)) sub++
        if (sub < (mains[turn % mains.length] as number)) continue
        model.currentRevision = main++
        sub = 0
        turn++
      }
      if (sub > 0) model.currentRevision = main
      writer.setCurrentRevision(model.currentRevision)
      writer.setApplied(++this.#index, 1)
      this.checkScan(writer.view, ALL_KEYS, LATEST, 0)
      writer.finish()
    })
    assert.deepEqual(committed, { ok: true })
  }

  /** Writes that never happen. */
  abort(changes: readonly Change[]): void {
    const main = this.model.currentRevision + 1
    assert.throws(() => this.#store.transact((transaction) => {
      this.writer.begin(transaction)
      changes.forEach(({ key, value, lease }, sub) => this.#write(POOL.keys[key] as Bytes, value, lease, main, sub))
      throw new Error('stop here')
    }), /stop here/)
  }

  putBytes(keys: readonly Bytes[], main: number, value = utf8('v')): void {
    this.#store.transact((transaction) => {
      this.writer.begin(transaction)
      keys.forEach((key, sub) => this.writer.put(sliceOf(key), sliceOf(value), 0n, main, sub))
      this.writer.setCurrentRevision(main)
      this.writer.finish()
    })
  }

  removeWhileScanning(range: KeyRange): void {
    const { model, writer } = this
    this.#store.transact((transaction) => {
      writer.begin(transaction)
      const main = model.currentRevision + 1
      let sub = 0
      writer.view.scan(range, LATEST, 0, ({ key }) => {
        model.remove(key.copy(), main, sub)
        assert.ok(writer.remove(key, main, sub++) !== null)
        return true
      })
      model.currentRevision = main
      writer.setCurrentRevision(main)
      writer.finish()
    })
  }

  /** As a put with ignore_value does: key and value come from the view itself. */
  rewriteWhileScanning(range: KeyRange): void {
    const { model, writer } = this
    this.#store.transact((transaction) => {
      writer.begin(transaction)
      const main = model.currentRevision + 1
      let sub = 0
      writer.view.scan(range, LATEST, 0, ({ key, value }) => {
        model.put(key.copy(), value.copy(), 0n, main, sub)
        writer.put(key, value, 0n, main, sub++)
        return true
      })
      model.currentRevision = main
      writer.setCurrentRevision(main)
      writer.finish()
    })
  }

  compact(back: number): void {
    const { model, writer } = this
    const main = model.currentRevision - back
    if (main <= model.compactRevision) return
    this.#store.transact((transaction) => {
      writer.begin(transaction)
      writer.setCompactRevision(main)
      writer.finish()
    })
    model.compactRevision = main
  }

  /** One slice of physical compaction; true when all is done. */
  slice(rows: number, floor: number): boolean {
    let done = false
    this.#store.transact((transaction) => {
      this.writer.begin(transaction)
      done = this.writer.compactSlice(this.model.compactRevision, rows, floor).done
      this.writer.finish()
    })
    return done
  }

  read(work: (view: KeyspaceView) => void): void {
    const snapshot = this.#store.beginRead()
    work(new KeyspaceView(this.#counting(snapshot)))
    snapshot.close()
  }

  checkAt(main: number): void {
    this.read((view) => this.checkScan(view, ALL_KEYS, main, LAST_SUB))
  }

  /** Everything, at every retained revision; physical compaction must be complete. */
  checkAll(): void {
    const { model } = this
    this.read((view) => {
      assert.equal(view.currentRevision, model.currentRevision)
      assert.equal(view.compactRevision, model.compactRevision)
      for (let main = Math.max(1, model.compactRevision); main <= model.currentRevision; main++) {
        this.checkScan(view, ALL_KEYS, main, LAST_SUB)
        for (const key of POOL.keys) this.checkGet(view, key, main, LAST_SUB)
      }
      this.#checkRevisions(view)
      for (const lease of POOL.leases) this.#checkLease(view, lease)
    })
  }

  checkScan(view: KeyspaceView, range: KeyRange, main: number, sub: number): void {
    const expected = this.model.scan(range, main, main === LATEST ? LAST_SUB : sub)
    const seen: ModelRevision[] = []
    view.scan(range, main, sub, (record) => {
      const it = expected[seen.length]
      assert.ok(it !== undefined, `scan at ${main}.${sub} shows too many keys`)
      checkRecord(record, it)
      seen.push(it)
      return true
    })
    assert.equal(seen.length, expected.length, `scan at ${main}.${sub} shows too few keys`)
    assert.equal(view.count(range, main, sub), expected.length, `count at ${main}.${sub}`)
    let keys = 0
    view.scan(range, main, sub, (record) => {
      assert.ok(equalBytes(record.key.view(), (expected[keys++] as ModelRevision).key))
      return true
    }, true)
  }

  checkGet(view: KeyspaceView, key: Bytes, main: number, sub: number): void {
    const expected = this.model.newest(key, main, sub)
    const live = expected !== undefined && expected.value !== null
    const found = view.getAt(key, 0, key.length, main, sub, this.#record)
    assert.equal(found, live, `key of ${key.length} bytes at ${main}.${sub}`)
    if (found) checkRecord(this.#record, expected as ModelRevision)
  }

  #checkRevisions(view: KeyspaceView): void {
    const retained = this.model.retained()
    const seen: ModelRevision[] = []
    view.scanRevisions(0, 0, (record) => {
      const it = retained[seen.length]
      assert.ok(it !== undefined, 'a revision is kept that should be gone')
      checkRecord(record, it)
      seen.push(it)
      return true
    })
    assert.equal(seen.length, retained.length, 'a revision is gone that should be kept')
    for (const it of retained) {
      assert.ok(view.revision(it.main, it.sub, this.#record))
      const previous = this.model.previous(it)
      assert.equal(this.#record.hasPrevious, previous !== undefined)
      const isKept = previous !== undefined && retained.includes(previous)
      assert.equal(view.previous(this.#record, this.#record), isKept)
      if (isKept) checkRecord(this.#record, previous)
    }
  }

  #checkLease(view: KeyspaceView, lease: bigint): void {
    if (lease === 0n) return
    const keys: Bytes[] = []
    view.leaseKeys(lease, (key) => {
      keys.push(key.copy())
      return true
    })
    assert.deepEqual(keys, this.model.leaseKeys(lease))
  }

  #apply({ key, value, lease }: Change, main: number, sub: number): boolean {
    const bytes = POOL.keys[key] as Bytes
    const expected = value === null
      ? this.model.remove(bytes, main, sub)
      : this.model.put(bytes, POOL.values[value] as Bytes, POOL.leases[lease] as bigint, main, sub)
    const record = this.#write(bytes, value, lease, main, sub)
    assert.equal(record !== null, expected !== undefined)
    if (record === null || expected === undefined) return false
    checkRecord(new KeyRecord().readEvent(record, main, sub), expected)
    return true
  }

  #write(key: Bytes, value: number | null, lease: number, main: number, sub: number): Slice | null {
    if (value === null) return this.writer.remove(sliceOf(key), main, sub)
    return this.writer.put(sliceOf(key), sliceOf(POOL.values[value] as Bytes), POOL.leases[lease] as bigint, main, sub)
  }

  #counting(view: ReadSnapshot): StoreView {
    return {
      valueMemory: view.valueMemory,
      get: (table, key, start, end, value) => {
        if (table === TABLE.revisions) this.lookUps++
        return view.get(table, key, start, end, value)
      },
      openCursor: (table, keysOnly) => view.openCursor(table, keysOnly),
      countRows: (table, from, to) => view.countRows(table, from, to),
    }
  }
}

function checkRecord(record: KeyRecord, expected: ModelRevision): void {
  const isTombstone = expected.value === null
  assert.equal(record.isTombstone, isTombstone)
  assert.equal(record.modRevision, expected.main)
  assert.equal(record.modSub, expected.sub)
  assert.equal(record.leaseId(), expected.lease)
  const encoded = encodeKeyValue({
    key: expected.key,
    create_revision: expected.createRevision,
    mod_revision: expected.main,
    version: expected.version,
    value: expected.value ?? new Uint8Array(0),
    lease: expected.lease,
  })
  assert.ok(Buffer.from(encoded).equals(Buffer.from(record.kv.view())), `KeyValue at ${expected.main}.${expected.sub}`)
  assert.equal(record.value.length, expected.value?.length ?? 0)
}

function sliceOf(bytes: Bytes): Slice {
  return new Slice().at(bytes, 0, bytes.length)
}
