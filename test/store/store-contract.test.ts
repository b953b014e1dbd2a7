/** What both stores promise: the same rows after the same writes, snapshots that stand still, whole transactions. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EMPTY_BYTES, compareBytes, utf8, type Bytes } from '../../src/base/bytes.js'
import { Slice } from '../../src/base/slice.js'
import { openLmdbStore } from '../../src/store/lmdb-store.js'
import { SwitchingStore } from '../../src/store/generations/switching-store.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { RecentMemory, allocateRecent } from '../../src/store/recent/recent-memory.js'
import {
  ROW_KEY_BYTES_MAX,
  TABLE,
  type Store,
  type StoreView,
  type Table,
  type WriteTransaction,
} from '../../src/store/store.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const TABLES = [TABLE.latest, TABLE.meta] as const

const STORES: readonly { readonly name: string; readonly make: (path: string) => Store }[] = [
  { name: 'memory', make: () => new MemoryStore() },
  { name: 'lmdb', make: (path) => openLmdbStore({ path, mapSizeBytes: 2 ** 30 }) },
  { name: 'memory with recent rows', make: () => withRecentRows(new MemoryStore()) },
  { name: 'lmdb with recent rows', make: (path) => withRecentRows(openLmdbStore({ path, mapSizeBytes: 2 ** 30 })) },
]

/** Slots so small that rows go to the file all the time, and now and then there is no room for a row at all. */
function withRecentRows(store: Store): Store {
  return new SwitchingStore(store, new RecentMemory(allocateRecent(4096, 7)))
}

/** Runs the test on each store, empty. */
function onEachStore(title: string, work: (store: Store) => void): void {
  for (const { name, make } of STORES) {
    test(`${name}: ${title}`, () => {
      const directory = temporaryDirectory()
      const store = make(directory.path('db'))
      work(store)
      store.close()
      directory.remove()
    })
  }
}

function put(transaction: WriteTransaction, key: string, value: string, table: Table = TABLE.latest): void {
  const keyBytes = utf8(key)
  const valueBytes = utf8(value)
  transaction.put(table, keyBytes, 0, keyBytes.length, valueBytes, 0, valueBytes.length)
}

function get(view: StoreView, key: string, table: Table = TABLE.latest): string | null {
  const keyBytes = utf8(key)
  const value = new Slice()
  return view.get(table, keyBytes, 0, keyBytes.length, value) ? Buffer.from(value.copy()).toString() : null
}

function keysFrom(view: StoreView, from: string, table: Table = TABLE.latest): string[] {
  const keys: string[] = []
  const cursor = view.openCursor(table, true)
  const start = utf8(from)
  for (let found = cursor.seek(start, 0, start.length); found; found = cursor.next()) {
    keys.push(Buffer.from(cursor.key.copy()).toString())
  }
  cursor.close()
  return keys
}

onEachStore('a snapshot stands still while the writer goes on', (store) => {
  store.transact((transaction) => put(transaction, 'a', '1'))
  const snapshot = store.beginRead()
  store.transact((transaction) => {
    put(transaction, 'a', '2')
    put(transaction, 'b', '2')
  })
  assert.deepEqual([get(snapshot, 'a'), get(snapshot, 'b')], ['1', null])
  snapshot.close()
  const later = store.beginRead()
  assert.deepEqual([get(later, 'a'), get(later, 'b')], ['2', '2'])
  later.close()
})

onEachStore('a transaction that throws changes nothing', (store) => {
  store.transact((transaction) => put(transaction, 'a', '1'))
  assert.throws(() => store.transact((transaction) => {
    put(transaction, 'a', '2')
    throw new RangeError('no')
  }), RangeError)
  const snapshot = store.beginRead()
  assert.equal(get(snapshot, 'a'), '1')
  snapshot.close()
})

onEachStore('a transaction must not be asynchronous', (store) => {
  const later = (async () => undefined) as unknown as () => void
  assert.throws(() => store.transact(later), /must not be async/)
  store.transact((transaction) => put(transaction, 'a', '1'))
})

onEachStore('one snapshot at a time', (store) => {
  const snapshot = store.beginRead()
  assert.throws(() => store.beginRead(), /one snapshot at a time/)
  snapshot.close()
  assert.throws(() => snapshot.close(), /closed twice/)
  assert.throws(() => get(snapshot, 'a'), /closed view/)
})

onEachStore('a transaction is dead when its work has returned', (store) => {
  let kept: WriteTransaction | undefined
  store.transact((transaction) => {
    kept = transaction
  })
  assert.throws(() => put(kept as WriteTransaction, 'a', '1'))
})

onEachStore('a cursor keeps its place while rows before, at and after it change', (store) => {
  store.transact((transaction) => {
    for (const key of ['a', 'b', 'c', 'd', 'e']) put(transaction, key, key)
    const cursor = transaction.openCursor(TABLE.latest)
    const seen: string[] = []
    for (let found = cursor.seek(EMPTY_BYTES, 0, 0); found; found = cursor.next()) {
      const key = Buffer.from(cursor.key.copy()).toString()
      seen.push(key)
      if (key === 'b') {
        for (const gone of ['a', 'b', 'c']) transaction.remove(TABLE.latest, utf8(gone), 0, 1)
        put(transaction, 'bb', 'new')
      }
    }
    assert.deepEqual(seen, ['a', 'b', 'bb', 'd', 'e'])
  })
})

onEachStore('the last row is found, and rows are counted between bounds of any length', (store) => {
  const longest = new Uint8Array(ROW_KEY_BYTES_MAX).fill(0x62)
  store.transact((transaction) => {
    for (const key of ['a', 'b', 'c']) put(transaction, key, '')
    transaction.put(TABLE.latest, longest, 0, longest.length, EMPTY_BYTES, 0, 0)
    const cursor = transaction.openCursor(TABLE.latest, true)
    assert.ok(cursor.seekLast())
    assert.equal(Buffer.from(cursor.key.copy()).toString(), 'c')
    const behindLongest = Uint8Array.of(...longest, 0)
    assert.equal(transaction.countRows(TABLE.latest, EMPTY_BYTES, EMPTY_BYTES), 4)
    assert.equal(transaction.countRows(TABLE.latest, utf8('b'), utf8('c')), 2)
    assert.equal(transaction.countRows(TABLE.latest, behindLongest, EMPTY_BYTES), 1)
    assert.equal(transaction.countRows(TABLE.latest, EMPTY_BYTES, behindLongest), 3)
    assert.equal(transaction.countRows(TABLE.latest, utf8('c'), utf8('b')), 0)
  })
})

onEachStore('an appended row must be the last', (store) => {
  const append = (transaction: WriteTransaction, key: string): void => {
    transaction.append(TABLE.revisions, utf8(key), 0, key.length, utf8('v'), 0, 1)
  }
  store.transact((transaction) => {
    append(transaction, 'b')
    append(transaction, 'c')
  })
  assert.throws(() => store.transact((transaction) => append(transaction, 'a')), /not the last/)
})

onEachStore('a built value outlives what is read and written before it is stored', (store) => {
  store.transact((transaction) => {
    put(transaction, 'other', 'x')
    const built = transaction.valueBuffer(5)
    built.set(utf8('built'))
    put(transaction, 'another', 'yyyyyyy')
    assert.equal(get(transaction, 'other'), 'x')
    transaction.putBuffer(TABLE.latest, utf8('key'), 0, 3, 1, 5)
    assert.equal(get(transaction, 'key'), 'uilt')
  })
})

interface Write {
  readonly table: 0 | 1
  readonly key: Bytes
  /** Null: remove. */
  readonly value: Bytes | null
}

const write: fc.Arbitrary<Write> = fc.record({
  table: fc.constantFrom(0 as const, 1 as const),
  key: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 3, max: 4 }),
    fc.integer({ min: ROW_KEY_BYTES_MAX - 2, max: ROW_KEY_BYTES_MAX }).map((size) => new Uint8Array(size)),
  ),
  value: fc.option(fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.constant(new Uint8Array(9000).fill(3)))),
})

function apply(store: Store, writes: readonly Write[]): boolean[] {
  const removed: boolean[] = []
  store.transact((transaction) => {
    for (const { table, key, value } of writes) {
      if (value !== null) transaction.put(TABLES[table], key, 0, key.length, value, 0, value.length)
      else removed.push(transaction.remove(TABLES[table], key, 0, key.length))
    }
  })
  return removed
}

function dump(store: Store): [Bytes, Bytes][][] {
  const snapshot = store.beginRead()
  const rows = TABLES.map((table) => {
    const found: [Bytes, Bytes][] = []
    const cursor = snapshot.openCursor(table)
    for (let has = cursor.seek(EMPTY_BYTES, 0, 0); has; has = cursor.next()) {
      found.push([cursor.key.copy(), cursor.value.copy()])
    }
    cursor.close()
    return found
  })
  snapshot.close()
  return rows
}

onEachStore('a commit that may not be leaves nothing behind, and the same may be tried again', (store) => {
  const seen: unknown[] = []
  const write = (mayCommit: boolean): void => {
    const result = store.transact((transaction) => {
      put(transaction, 'a', 'new')
      seen.push('work')
    }, () => {
      const reader = store.beginRead()
      seen.push(get(reader, 'a'))
      reader.close()
      return mayCommit
    })
    seen.push(result.ok ? 'ok' : result.code)
  }
  store.transact((transaction) => put(transaction, 'a', 'old'))
  write(false)
  write(true)
  assert.deepEqual(seen, ['work', 'old', 'withheld', 'work', 'old', 'ok'])
  const snapshot = store.beginRead()
  assert.equal(get(snapshot, 'a'), 'new')
  snapshot.close()
})

test('both stores hold the same rows after the same writes', () => {
  const directory = temporaryDirectory()
  let count = 0
  fc.assert(fc.property(fc.array(fc.array(write, { maxLength: 30 }), { maxLength: 10 }), (transactions) => {
    const memory = new MemoryStore()
    const lmdb = openLmdbStore({ path: directory.path(`db-${count++}`), mapSizeBytes: 2 ** 30 })
    for (const writes of transactions) assert.deepEqual(apply(lmdb, writes), apply(memory, writes))
    const rows = dump(memory)
    assert.deepEqual(dump(lmdb), rows)
    for (const table of rows) {
      assert.ok(table.every(([key], i) => i === 0 || compareBytes((table[i - 1] as [Bytes, Bytes])[0], key) < 0))
    }
    lmdb.close()
  }), { numRuns: 40 })
  directory.remove()
})

test('the store in memory has no more space than it was given, and an image outlives it', () => {
  const store = new MemoryStore({ bytesMax: 10 })
  assert.deepEqual(store.transact((transaction) => put(transaction, 'key', '1234567')), { ok: true })
  const refused = store.transact((transaction) => put(transaction, 'k', '1'))
  assert.ok(!refused.ok && refused.code === 'no-space')
  store.transact((transaction) => void transaction.remove(TABLE.latest, utf8('key'), 0, 3))
  assert.deepEqual(store.transact((transaction) => put(transaction, 'k', '1')), { ok: true })
  const { image } = store
  store.close()
  const next = new MemoryStore({ image })
  const snapshot = next.beginRead()
  assert.deepEqual(keysFrom(snapshot, ''), ['k'])
  snapshot.close()
})
