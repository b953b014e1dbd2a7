/**
 * A store with recent rows, in slots that a few rows fill, beside a plain one: both are given the same transactions,
 * and whatever is read from one is compared with the other.
 */

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { EMPTY_BYTES, equalBytes, type Bytes } from '../../../src/base/bytes.js'
import { Prng } from '../../../src/base/prng.js'
import { Slice } from '../../../src/base/slice.js'
import { SharedWords, Word, allocateWords, frontReader } from '../../../src/messages/shared-words.js'
import { GenerationReader } from '../../../src/store/generations/generation-reader.js'
import { SwitchingStore } from '../../../src/store/generations/switching-store.js'
import { MemoryStore, type StoreImage } from '../../../src/store/memory-store.js'
import { RecentMemory, allocateRecent } from '../../../src/store/recent/recent-memory.js'
import { RecentState } from '../../../src/store/recent/recent-state.js'
import {
  ROW_KEY_BYTES_MAX, TABLE, type CommitResult, type MayCommit, type ReadSnapshot, type ReadableStore, type Store,
  type StoreStats, type StoreView, type Table, type WriteTransaction,
} from '../../../src/store/store.js'

export const TABLES: readonly Table[] = [TABLE.latest, TABLE.deleted, TABLE.alarms]
const RECENT_TABLES: readonly Table[] = [TABLE.latest, TABLE.deleted]
export const READERS = 2

/** Beginnings of each other, neighbours, and the longest, which fill half a slot. */
export const KEYS: readonly Bytes[] = [
  ...Array.from({ length: 4 }, (_, i) => new Uint8Array(i + 1).fill(0x61)),
  ...Array.from({ length: 24 }, (_, i) => Uint8Array.of(0x62, i * 5, 7)),
  Uint8Array.of(0), Uint8Array.of(0xff), Uint8Array.of(0x62, 5, 7, 0),
  new Uint8Array(ROW_KEY_BYTES_MAX).fill(0x61), new Uint8Array(ROW_KEY_BYTES_MAX - 1).fill(0x61),
]

export interface Write {
  readonly table: number
  readonly key: number
  /** Null: remove. */
  readonly size: number | null
}

export const write: fc.Arbitrary<Write> = fc.record({
  // Mostly tables with recent rows.
  table: fc.oneof({ weight: 8, arbitrary: fc.nat(1) }, { weight: 1, arbitrary: fc.constant(2) }),
  key: fc.oneof({ weight: 9, arbitrary: fc.nat(KEYS.length - 3) }, { weight: 1, arbitrary: fc.nat(KEYS.length - 1) }),
  size: fc.option(
    fc.oneof(
      { weight: 9, arbitrary: fc.nat(40) },
      { weight: 2, arbitrary: fc.integer({ min: 200, max: 900 }) },
      // None of these fits into a slot.
      { weight: 1, arbitrary: fc.constant(9000) },
    ),
    { freq: 3 },
  ),
})

interface OpenReader {
  readonly snapshot: ReadSnapshot
  /** What it must show for as long as it is open. */
  readonly image: StoreImage
}

/** A store that refuses a transaction after its work is done, as for want of space, or before it begins. */
export class RefusingStore implements Store {
  readonly inner: MemoryStore
  refuses: 'never' | 'before' | 'after' = 'never'

  constructor(inner = new MemoryStore()) {
    this.inner = inner
  }

  transact(work: (transaction: WriteTransaction) => void, mayCommit?: MayCommit): CommitResult {
    const refused: CommitResult = { ok: false, code: 'try-again', message: 'refused by the test' }
    if (this.refuses === 'never') return this.inner.transact(work, mayCommit)
    if (this.refuses === 'before') return refused
    const stop = new Error('undo what was done')
    try {
      this.inner.transact((transaction) => {
        work(transaction)
        throw stop
      })
    } catch (error) {
      if (error !== stop) throw error
    }
    return refused
  }

  beginRead(): ReadSnapshot {
    return this.inner.beginRead()
  }

  bytesWritten(): number {
    return this.inner.bytesWritten()
  }

  stats(): StoreStats {
    return this.inner.stats()
  }

  close(): void {
    this.inner.close()
  }
}

export class RecentStoreRig {
  readonly file = new RefusingStore()
  /** Files by generation. */
  readonly #files = [this.file.inner]
  readonly plain = new MemoryStore()
  readonly words = new SharedWords(allocateWords())
  readonly memory: SharedArrayBuffer
  readonly store: SwitchingStore
  readonly readers: readonly GenerationReader[]
  readonly open: (OpenReader | null)[] = Array.from({ length: READERS }, () => null)
  revision = 1
  /** For every row of tables with recent rows: the revision that wrote it last. */
  readonly #lastWrites = new Map<string, number>()
  #count = 0

  constructor(slotBytes: number) {
    this.memory = allocateRecent(slotBytes, 7)
    this.store = new SwitchingStore(this.file, new RecentMemory(this.memory))
    this.store.setRevision(this.revision)
    this.words.store(Word.storeGeneration, 1)
    this.readers = this.open.map((_, front) => this.newReader(front, (generation) => this.openFile(generation)))
  }

  newReader(front: number, open: (generation: number) => ReadableStore): GenerationReader {
    return new GenerationReader(this.words, frontReader(front), open, this.memory)
  }

  openFile(generation: number): ReadableStore {
    return (this.#files[generation - 1] as MemoryStore).openReader()
  }

  /** The newest store file. */
  get newest(): MemoryStore {
    return this.#files.at(-1) as MemoryStore
  }

  /** `meanwhile` is a moment when the store is another, and readers are about to hear of it. */
  replace(next: MemoryStore, meanwhile: () => void): void {
    this.#files.push(next)
    this.store.replace(next, () => {
      meanwhile()
      this.words.store(Word.storeGeneration, this.#files.length)
    })
  }

  /** Memory of the newest slot, and of the older one while there is one. */
  memoryUse(): { readonly newer: number; readonly older: number } {
    const state = new RecentState()
    const snapshot = this.file.beginRead()
    state.read(snapshot)
    snapshot.close()
    const memory = new RecentMemory(this.memory)
    const used = (slot: number): number => memory.rows(slot).usedBytes
    return { newer: state.slot === 0 ? 0 : used(state.slot), older: state.hasOlder ? used(state.slot - 1) : 0 }
  }

  commit(writes: readonly Write[]): void {
    const salt = ++this.#count
    const expected: boolean[] = []
    assert.ok(this.plain.transact((transaction) => void expected.push(...applyAll(transaction, writes, salt))).ok)
    const removed: boolean[] = []
    assert.ok(this.store.transact((transaction) => {
      removed.push(...applyAll(transaction, writes, salt))
      this.#checkOwnWrites(transaction, writes, salt)
      if (this.#count % 5 === 0) checkView(transaction, this.plain.image, new Prng(salt))
    }).ok)
    assert.deepEqual(removed, expected, 'whether there was something to remove')
    this.store.setRevision(++this.revision)
    for (const { table, key } of writes) this.#lastWrites.set(`${table}/${key}`, this.revision)
  }

  /** Writes that never happen: the work throws, or the file refuses them in the end. */
  fail(writes: readonly Write[], how: 'throw' | 'after' | 'before'): void {
    const salt = ++this.#count
    if (how === 'throw') {
      assert.throws(() => this.store.transact((transaction) => {
        applyAll(transaction, writes, salt)
        throw new RangeError('given up')
      }), RangeError)
      return
    }
    this.file.refuses = how
    assert.equal(this.store.transact((transaction) => void applyAll(transaction, writes, salt)).ok, false)
    this.file.refuses = 'never'
  }

  openReader(front: number): void {
    this.closeReader(front)
    const snapshot = (this.readers[front] as GenerationReader).beginRead()
    this.open[front] = { snapshot, image: this.plain.image }
  }

  closeReader(front: number): void {
    this.open[front]?.snapshot.close()
    this.open[front] = null
  }

  /** Snapshots that are open, and a new one. */
  check(seed: number): void {
    const prng = new Prng(seed)
    for (const reader of this.open) if (reader !== null) checkView(reader.snapshot, reader.image, prng)
    const snapshot = this.store.beginRead()
    checkView(snapshot, this.plain.image, prng)
    snapshot.close()
    this.#checkSettled()
  }

  close(): void {
    this.open.forEach((_, front) => this.closeReader(front))
    for (const reader of this.readers) reader.close()
    this.store.close()
    this.plain.close()
  }

  /** What the docs of `settledRevision` say of the file: rows that no later revision wrote stand in it. */
  #checkSettled(): void {
    const { settledRevision } = this.store
    const file = this.newest.beginRead()
    const plain = this.plain.beginRead()
    for (const [table, number] of RECENT_TABLES.entries()) {
      for (const [index, bytes] of KEYS.entries()) {
        const last = this.#lastWrites.get(`${table}/${index}`) ?? 0
        if (last > settledRevision) continue
        sameRow(file, plain, number, bytes, `row of revision ${last}, settled up to ${settledRevision}`)
      }
    }
    plain.close()
    file.close()
  }

  #checkOwnWrites(transaction: WriteTransaction, writes: readonly Write[], salt: number): void {
    const value = new Slice()
    const last = new Map(writes.map((it, i) => [`${it.table}/${it.key}`, { it, i }]))
    for (const { it, i } of last.values()) {
      const bytes = KEYS[it.key] as Bytes
      const found = transaction.get(TABLES[it.table] as Table, bytes, 0, bytes.length, value)
      assert.equal(found, it.size !== null, 'a transaction sees what it has written')
      if (it.size !== null) assert.ok(equalBytes(value.view(), valueOf(it.size, salt + i)))
    }
  }
}

export function valueOf(size: number, salt: number): Bytes {
  return new Uint8Array(size).fill(salt % 251)
}

/** Returns what the removals answered. */
export function applyAll(transaction: WriteTransaction, writes: readonly Write[], salt: number): boolean[] {
  const removed: boolean[] = []
  writes.forEach((it, i) => {
    const bytes = KEYS[it.key] as Bytes
    const table = TABLES[it.table] as Table
    if (it.size === null) removed.push(transaction.remove(table, bytes, 0, bytes.length))
    else if (i % 2 === 0) {
      transaction.put(table, bytes, 0, bytes.length, valueOf(it.size, salt + i), 0, it.size)
    } else {
      transaction.valueBuffer(it.size + 2).set(valueOf(it.size, salt + i), 2)
      transaction.putBuffer(table, bytes, 0, bytes.length, 2, it.size + 2)
    }
  })
  return removed
}

export function checkView(view: StoreView, image: StoreImage, prng: Prng): void {
  const model = new MemoryStore({ image })
  const expected = model.beginRead()
  for (const table of TABLES) {
    for (const bytes of KEYS) sameRow(view, expected, table, bytes, 'a row')
    sameRows(view, expected, table, EMPTY_BYTES, false)
    for (let i = 0; i < 3; i++) {
      const [from, to] = [bound(prng), bound(prng)]
      sameRows(view, expected, table, from, prng.chance(0.5))
      assert.equal(view.countRows(table, from, to), expected.countRows(table, from, to), 'rows of a range')
    }
  }
  expected.close()
}

function bound(prng: Prng): Bytes {
  if (prng.chance(0.1)) return EMPTY_BYTES
  const bytes = prng.pick(KEYS)
  return prng.chance(0.3) ? Uint8Array.of(...bytes, 0) : bytes
}

function sameRow(view: StoreView, expected: StoreView, table: Table, bytes: Bytes, what: string): void {
  const a = new Slice()
  const e = new Slice()
  const found = view.get(table, bytes, 0, bytes.length, a)
  assert.equal(found, expected.get(table, bytes, 0, bytes.length, e), what)
  if (found) assert.ok(equalBytes(a.view(), e.view()), what)
}

function sameRows(view: StoreView, expected: StoreView, table: Table, from: Bytes, keysOnly: boolean): void {
  const a = view.openCursor(table, keysOnly)
  const e = expected.openCursor(table, keysOnly)
  let hasA = a.seek(from, 0, from.length)
  let hasE = e.seek(from, 0, from.length)
  for (; hasE; hasE = e.next(), hasA = a.next()) {
    assert.ok(hasA, 'a cursor misses a row')
    assert.ok(equalBytes(a.key.view(), e.key.view()), 'a cursor shows the keys in order')
    assert.ok(equalBytes(a.value.view(), e.value.view()), 'a cursor shows the row of its key')
  }
  assert.ok(!hasA, 'a cursor shows a row too many')
  a.close()
  e.close()
}
