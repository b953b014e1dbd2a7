/**
 * Cursors inside a transaction that writes to what they go over: the same rows are shown wherever they are, in the file
 * or in memory, and when memory ends in the middle of it.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EMPTY_BYTES, utf8 } from '../../../src/base/bytes.js'
import { Slice } from '../../../src/base/slice.js'
import { SwitchingStore } from '../../../src/store/generations/switching-store.js'
import { openLmdbStore } from '../../../src/store/lmdb-store.js'
import { MemoryStore } from '../../../src/store/memory-store.js'
import { RecentMemory, allocateRecent } from '../../../src/store/recent/recent-memory.js'
import { TABLE, type Store, type WriteTransaction } from '../../../src/store/store.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { applyAll, valueOf, write, TABLES, KEYS, type Write } from './recent-store-rig.js'

/** Begins with rows in the file: it is settled before it is wrapped. */
function withRows(keys: string): SwitchingStore {
  const file = new MemoryStore()
  file.transact((transaction) => {
    for (const key of keys) put(transaction, key, '0')
  })
  return new SwitchingStore(file, new RecentMemory(allocateRecent(4096, 7)))
}

function put(transaction: WriteTransaction, key: string, value: string): void {
  transaction.put(TABLE.latest, utf8(key), 0, key.length, utf8(value), 0, value.length)
}

/** All rows from the first on; `visit` writes while the cursor stands at a key. */
function walk(transaction: WriteTransaction, visit: (key: string) => void): string[] {
  const seen: string[] = []
  const cursor = transaction.openCursor(TABLE.latest)
  for (let found = cursor.seek(EMPTY_BYTES, 0, 0); found; found = cursor.next()) {
    const key = Buffer.from(cursor.key.copy()).toString()
    seen.push(`${key}=${Buffer.from(cursor.value.copy()).toString().slice(0, 3)}`)
    visit(key)
  }
  cursor.close()
  return seen
}

test('a row of the file that is removed ahead of a cursor is not shown', () => {
  const store = withRows('bc')
  store.transact((transaction) => {
    put(transaction, 'a', '1')
    const seen = walk(transaction, (key) => {
      if (key === 'a') assert.ok(transaction.remove(TABLE.latest, utf8('b'), 0, 1))
    })
    assert.deepEqual(seen, ['a=1', 'c=0'])
  })
})

test('a row that is written anew ahead of a cursor when there is no memory any more is shown as it is', () => {
  const store = withRows('')
  store.transact((transaction) => {
    for (const key of ['a', 'b', 'c', 'd']) put(transaction, key, '1')
    const seen = walk(transaction, (key) => {
      if (key !== 'a') return
      put(transaction, 'x', 'x'.repeat(9000))
      put(transaction, 'b', '2')
      assert.ok(transaction.remove(TABLE.latest, utf8('c'), 0, 1))
      put(transaction, 'cc', '2')
    })
    assert.deepEqual(seen, ['a=1', 'b=2', 'cc=2', 'd=1', 'x=xxx'])
  })
})

test('every key of a range can be removed as it is shown, wherever its row is', () => {
  const store = withRows('ace')
  store.transact((transaction) => {
    for (const key of ['b', 'c', 'd', 'f']) put(transaction, key, '1')
  })
  store.transact((transaction) => {
    const seen = walk(transaction, (key) => assert.ok(transaction.remove(TABLE.latest, utf8(key), 0, 1)))
    assert.deepEqual(seen, ['a=0', 'b=1', 'c=1', 'd=1', 'e=0', 'f=1'])
    assert.equal(transaction.countRows(TABLE.latest, EMPTY_BYTES, EMPTY_BYTES), 0)
    assert.deepEqual(walk(transaction, () => undefined), [])
  })
})

interface Move {
  /** Null: to the next row. */
  readonly seek: number | null
  readonly cursor: number
  readonly writes: readonly Write[]
  /** A row that is read meanwhile: what cursors show must not lie where its value comes to lie. */
  readonly reads: number
}

const CURSORS = 3

const move: fc.Arbitrary<Move> = fc.record({
  seek: fc.option(fc.nat(KEYS.length - 1), { freq: 1 }),
  cursor: fc.nat(CURSORS - 1),
  writes: fc.oneof(fc.constant([]), fc.array(write, { maxLength: 5 })),
  reads: fc.nat(KEYS.length - 1),
})

/** What cursors show, each over a table of its own or without values, while rows change. */
function story(store: Store, moves: readonly Move[]): string[] {
  const seen: string[] = []
  const value = new Slice()
  store.transact((transaction) => {
    const cursors = Array.from({ length: CURSORS }, (_, i) => (
      transaction.openCursor(i === 1 ? TABLE.deleted : TABLE.latest, i === 2)
    ))
    const isPlaced = cursors.map(() => false)
    moves.forEach(({ seek, cursor: index, writes, reads }, i) => {
      const cursor = cursors[index] as (typeof cursors)[number]
      if (seek !== null || !isPlaced[index]) {
        const from = KEYS[seek ?? 0] as (typeof KEYS)[number]
        isPlaced[index] = cursor.seek(from, 0, from.length)
      } else {
        isPlaced[index] = cursor.next()
      }
      if (isPlaced[index]) {
        const value = index === 2 ? '' : Buffer.from(cursor.value.copy()).toString('hex').slice(0, 8)
        seen.push(`${index}: ${Buffer.from(cursor.key.copy()).toString('hex').slice(0, 40)}=${value}`)
      } else {
        seen.push(`${index}: end`)
      }
      seen.push(...applyAll(transaction, writes, i).map(String))
      const read = KEYS[reads] as (typeof KEYS)[number]
      seen.push(String(transaction.get(TABLE.latest, read, 0, read.length, value)))
    })
  })
  return seen
}

/** Rows that only the file has. */
function fill(store: Store): void {
  store.transact((transaction) => {
    for (const table of TABLES) {
      for (const [i, key] of KEYS.entries()) {
        if (i % 3 === 0) transaction.put(table, key, 0, key.length, valueOf(5, i), 0, 5)
      }
    }
  })
}

const stories = fc.array(fc.array(move, { minLength: 3, maxLength: 40 }), { minLength: 1, maxLength: 6 })

function checkStories(file: Store, all: readonly (readonly Move[])[]): void {
  const plain = new MemoryStore()
  for (const store of [plain, file]) fill(store)
  const store = new SwitchingStore(file, new RecentMemory(allocateRecent(4096, 7)))
  for (const moves of all) assert.deepEqual(story(store, moves), story(plain, moves))
  store.close()
}

test('cursors over recent rows go as those of a plain store, whatever is written between their steps', () => {
  fc.assert(fc.property(stories, (all) => checkStories(new MemoryStore(), all)), { numRuns: 150 })
})

test('cursors over recent rows and a file of lmdb, where values are overwritten by the next that is read', () => {
  const directory = temporaryDirectory()
  let count = 0
  fc.assert(fc.property(stories, (all) => {
    checkStories(openLmdbStore({ path: directory.path(`db-${count++}`), mapSizeBytes: 2 ** 30 }), all)
  }), { numRuns: 30 })
  directory.remove()
})
