/**
 * One thread writes with recent rows on LMDB, another reads meanwhile. Every transaction says its number, so that a
 * snapshot shows which one it is of: it must have all rows of that one and none of a later, at once and for as long as
 * it is open.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { EMPTY_BYTES, utf8 } from '../../../src/base/bytes.js'
import { Prng } from '../../../src/base/prng.js'
import { Slice } from '../../../src/base/slice.js'
import { SharedWords, Word, allocateWords, frontReader } from '../../../src/messages/shared-words.js'
import { GenerationReader } from '../../../src/store/generations/generation-reader.js'
import { openLmdbStore } from '../../../src/store/lmdb-store.js'
import { allocateRecent } from '../../../src/store/recent/recent-memory.js'
import { RecentState } from '../../../src/store/recent/recent-state.js'
import { TABLE, type StoreView, type Table } from '../../../src/store/store.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { MARKERS, SLOT_BYTES, writesOf } from './counter-writes.js'

const WRITER = new URL('./threads-writer.js', import.meta.url)
const COMMITS = 12_000
const RECENT_TABLES: readonly Table[] = [TABLE.latest, TABLE.deleted]

interface ModelRow {
  readonly commit: number
  readonly bytes: number
}

/** What the store holds after a commit, which only grows. */
class CounterModel {
  #commit = 0
  readonly rows = RECENT_TABLES.map(() => new Map<string, ModelRow>())

  advance(commit: number): void {
    while (this.#commit < commit) {
      this.#commit++
      for (const { table, key, bytes } of writesOf(this.#commit)) {
        const rows = this.rows[RECENT_TABLES.indexOf(table)] as Map<string, ModelRow>
        if (bytes === 0) rows.delete(key)
        else rows.set(key, { commit: this.#commit, bytes })
      }
      for (const key of MARKERS) this.#latest.set(Buffer.from(key).toString(), { commit: this.#commit, bytes: 4 })
    }
  }

  get #latest(): Map<string, ModelRow> {
    return this.rows[0] as Map<string, ModelRow>
  }
}

const value = new Slice()

function numberOf(slice: Slice): number {
  return new DataView(slice.copy().buffer).getUint32(0, true)
}

/** The commit that a view is of, by all rows that say so. */
function commitOf(view: StoreView): number {
  const commits = MARKERS.map((key) => view.get(TABLE.latest, key, 0, key.length, value) ? numberOf(value) : 0)
  assert.ok(commits.every((it) => it === commits[0]), `a snapshot is torn: ${commits.join(' ')}`)
  return commits[0] as number
}

function checkScan(view: StoreView, model: CounterModel): void {
  for (const [i, table] of RECENT_TABLES.entries()) {
    const rows = model.rows[i] as Map<string, ModelRow>
    let count = 0
    let before = ''
    const cursor = view.openCursor(table)
    for (let found = cursor.seek(EMPTY_BYTES, 0, 0); found; found = cursor.next()) {
      const key = Buffer.from(cursor.key.copy()).toString()
      assert.ok(key > before, 'keys come in order')
      before = key
      const row = rows.get(key)
      assert.ok(row !== undefined, `a scan shows ${key}, which is not there`)
      assert.deepEqual([numberOf(cursor.value), cursor.value.length], [row.commit, row.bytes], `row of ${key}`)
      count++
    }
    cursor.close()
    assert.equal(count, rows.size, 'a scan shows all rows')
  }
}

/** Cheap enough that many snapshots are looked at. */
function checkSome(view: StoreView, model: CounterModel, prng: Prng): void {
  const table = prng.between(0, 1)
  const rows = model.rows[table] as Map<string, ModelRow>
  const low = prng.between(0, 90_000)
  const [from, to] = [name(low), name(low + prng.between(0, 5000))]
  let expected = 0
  for (const key of rows.keys()) if (key >= from && key < to) expected++
  assert.equal(view.countRows(RECENT_TABLES[table] as Table, utf8(from), utf8(to)), expected, 'rows of a range')
  for (let i = 0; i < 20; i++) {
    const key = name(prng.between(0, 9) * 10_000 + prng.between(0, 299))
    const row = rows.get(key)
    const found = view.get(RECENT_TABLES[table] as Table, utf8(key), 0, key.length, value)
    assert.equal(found, row !== undefined, `whether ${key} is there`)
    if (row !== undefined) assert.deepEqual([numberOf(value), value.length], [row.commit, row.bytes], `row of ${key}`)
  }
}

function name(number: number): string {
  return `key-${String(number).padStart(5, '0')}`
}

test('a thread that reads while another writes sees whole commits, and never goes back', async () => {
  const directory = temporaryDirectory()
  const path = directory.path('db')
  const published = new Int32Array(new SharedArrayBuffer(8))
  const recent = allocateRecent(SLOT_BYTES, 7)
  const writer = new Worker(WRITER, { workerData: { path, recent, published, commits: COMMITS } })
  await once(writer, 'message')
  const words = new SharedWords(allocateWords())
  words.store(Word.storeGeneration, 1)
  const reader = new GenerationReader(words, frontReader(0), () => openLmdbStore({ path, readOnly: true }), recent)
  const ended = once(writer, 'exit')
  const model = new CounterModel()
  const prng = new Prng(1)
  writer.postMessage('go')
  const state = new RecentState()
  const slots = new Set<number>()
  let seen = 0
  let snapshots = 0
  let heldWhileWritten = 0
  for (let isDone = false; !isDone; snapshots++) {
    isDone = Atomics.load(published, 1) === 1
    const least = Atomics.load(published, 0)
    const snapshot = reader.beginRead()
    const commit = commitOf(snapshot)
    assert.ok(commit >= least, `snapshot shows commit ${commit}, but ${least} was published`)
    assert.ok(commit >= seen, `snapshot shows commit ${commit} after one that showed ${seen}`)
    seen = commit
    model.advance(commit)
    state.read(snapshot)
    slots.add(state.slot)
    checkSome(snapshot, model, prng)
    if (isDone || snapshots % 50 === 0) {
      checkScan(snapshot, model)
      // Slots are filled meanwhile, up to the last that may be.
      const until = Math.min(COMMITS, commit + 600)
      while (Atomics.load(published, 0) < until);
      assert.equal(commitOf(snapshot), commit, 'an open snapshot stands still')
      checkScan(snapshot, model)
      if (Atomics.load(published, 0) > commit) heldWhileWritten++
    }
    snapshot.close()
  }
  assert.equal(seen, COMMITS)
  assert.ok(snapshots > 100, `only ${snapshots} snapshots were read`)
  assert.ok(heldWhileWritten > 2, `only ${heldWhileWritten} snapshots were held`)
  assert.ok(slots.size > 20, `only ${slots.size} slots were seen`)
  reader.close()
  await ended
  directory.remove()
})
