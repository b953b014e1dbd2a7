/** A store that is copied while it changes, and a copy that takes its place. */

import assert from 'node:assert/strict'
import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { utf8 } from '../../../src/base/bytes.js'
import { Prng } from '../../../src/base/prng.js'
import { SwitchingStore } from '../../../src/store/generations/switching-store.js'
import { openLmdbStore } from '../../../src/store/lmdb-store.js'
import { MemoryStore } from '../../../src/store/memory-store.js'
import { TABLE, TABLE_NAMES, type Store, type Table, type WriteTransaction } from '../../../src/store/store.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { compareStores } from '../compare-stores.js'

const SLICE = { rowsMax: 7, bytesMax: 4096 }
const MAP = { mapSizeBytes: 2 ** 30 }

/** Random puts and removals in every table, the same in both stores. */
class Changes {
  readonly #prng: Prng
  readonly #model: Store

  constructor(seed: number, model: Store) {
    this.#prng = new Prng(seed)
    this.#model = model
  }

  apply(store: Store, count: number): void {
    const changes = Array.from({ length: count }, () => this.#change())
    for (const target of [store, this.#model]) {
      const committed = target.transact((transaction) => changes.forEach((change) => change(transaction)))
      assert.equal(committed.ok, true)
    }
  }

  #change(): (transaction: WriteTransaction) => void {
    const prng = this.#prng
    const table = prng.between(0, TABLE_NAMES.length - 1) as Table
    const key = utf8(`key ${prng.between(0, 60)}`)
    if (prng.chance(0.3)) return (transaction) => void transaction.remove(table, key, 0, key.length)
    const value = new Uint8Array(prng.chance(0.1) ? prng.between(2000, 9000) : prng.between(0, 200)).fill(count(prng))
    return (transaction) => transaction.put(table, key, 0, key.length, value, 0, value.length)
  }
}

function count(prng: Prng): number {
  return prng.between(0, 255)
}

function copyWhileItChanges(seed: number, first: Store, target: Store): void {
  const model = new MemoryStore()
  const changes = new Changes(seed, model)
  const store = new SwitchingStore(first)
  changes.apply(store, 2000)
  const copy = store.copyTo(target)
  for (let slices = 0; !copy.isEqual; slices++) {
    assert.ok(slices < 10_000, `seed ${seed}: the copy comes to an end`)
    if (slices % 3 === 0) changes.apply(store, 5)
    assert.equal(copy.step(SLICE).ok, true)
  }
  compareStores(target, model)
  changes.apply(store, 50)
  while (!copy.isEqual) assert.equal(copy.step(SLICE).ok, true)
  store.switchToCopy()
  compareStores(store, model)
  changes.apply(store, 50)
  compareStores(target, model)
  first.close()
  target.close()
}

for (let seed = 1; seed <= 5; seed++) {
  test(`a store in memory that changes while it is copied is equal to its copy in the end, seed ${seed}`, () => {
    copyWhileItChanges(seed, new MemoryStore(), new MemoryStore())
  })

  test(`a store file that changes while it is copied is equal to its copy in the end, seed ${seed}`, () => {
    const directory = temporaryDirectory()
    const first = openLmdbStore({ ...MAP, path: directory.path('1.mdb') })
    const second = openLmdbStore({ ...MAP, path: directory.path('2.mdb') })
    copyWhileItChanges(seed, first, second)
    directory.remove()
  })
}

test('a slice that finds no space loses nothing: the copy goes on when there is room again', () => {
  const store = new SwitchingStore(new MemoryStore())
  for (const table of [TABLE.latest, TABLE.values]) for (let row = 0; row < 20; row++) putRow(store, table, row, 100)
  const target = new MemoryStore({ bytesMax: 6000 })
  const copy = store.copyTo(target)
  putRow(store, TABLE.values, 19, 5000)
  while (copy.step(SLICE).ok) assert.equal(copy.isEqual, false)
  putRow(store, TABLE.values, 19, 100)
  while (!copy.isEqual) assert.equal(copy.step(SLICE).ok, true)
  putRow(store, TABLE.latest, 2, 5000)
  putRow(store, TABLE.latest, 3, 200)
  for (let attempt = 0; attempt < 3; attempt++) {
    assert.equal(copy.step(SLICE).ok, false)
    assert.equal(copy.isEqual, false)
  }
  putRow(store, TABLE.latest, 2, 300)
  while (!copy.isEqual) assert.equal(copy.step(SLICE).ok, true)
  compareStores(target, store)
})

function putRow(store: Store, table: Table, row: number, size: number): void {
  const key = utf8(`row ${String(row).padStart(2, '0')}`)
  const value = new Uint8Array(size)
  const committed = store.transact((transaction) => transaction.put(table, key, 0, key.length, value, 0, size))
  assert.equal(committed.ok, true)
}

test('a copy of a file that was mostly emptied is small, and a closed file is let go of', () => {
  const directory = temporaryDirectory()
  const first = openLmdbStore({ ...MAP, path: directory.path('1.mdb') })
  const second = openLmdbStore({ ...MAP, path: directory.path('2.mdb') })
  const store = new SwitchingStore(first)
  fill(store, 20_000)
  const copy = store.copyTo(second)
  while (!copy.isEqual) assert.equal(copy.step({ rowsMax: 1000, bytesMax: 2 ** 20 }).ok, true)
  store.switchToCopy()
  const before = first.stats()
  const after = second.stats()
  assert.ok(before.sizeBytes > 5 * before.usedBytes, `${before.sizeBytes} bytes for ${before.usedBytes}`)
  const reached = after.sizeBytes - after.aheadBytes
  assert.ok(reached < 1.5 * after.usedBytes, `${after.sizeBytes} bytes for ${after.usedBytes}`)
  assert.equal(statSync(directory.path('2.mdb')).size, after.sizeBytes)
  first.close()
  assert.deepEqual(openFiles().filter((path) => path.endsWith('1.mdb')), [])
  assert.ok(!readFileSync('/proc/self/maps', 'utf8').includes(directory.path('1.mdb')))
  second.close()
  directory.remove()
})

/** So many rows of a kilobyte, of which a tenth is left. */
function fill(store: Store, rows: number): void {
  const value = new Uint8Array(1000)
  for (let from = 0; from < rows; from += 1000) {
    store.transact((transaction) => {
      for (let i = from; i < from + 1000; i++) {
        const key = utf8(String(i).padStart(9, '0'))
        transaction.put(TABLE.latest, key, 0, key.length, value, 0, value.length)
      }
    })
  }
  store.transact((transaction) => {
    for (let i = 0; i < rows; i++) {
      const key = utf8(String(i).padStart(9, '0'))
      if (i % 10 !== 0) transaction.remove(TABLE.latest, key, 0, key.length)
    }
  })
}

function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)]
    } catch (error) {
      // The descriptor that lists the others is closed by now.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      return []
    }
  })
}
