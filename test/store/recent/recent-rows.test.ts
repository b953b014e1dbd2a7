/**
 * The rows of one slot against a plain model: every version of every row at every stamp, places and order of keys, and
 * what stays as it was when there is no room.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EMPTY_BYTES, compareBytes, equalBytes, type Bytes } from '../../../src/base/bytes.js'
import { Slice } from '../../../src/base/slice.js'
import { ENTRY_OVERHEAD_BYTES, RecentRows } from '../../../src/store/recent/recent-rows.js'
import { NEWEST } from '../../../src/store/recent/recent-view.js'
import { ROW_KEY_BYTES_MAX, TABLE, type Table } from '../../../src/store/store.js'

const TABLES: readonly Table[] = [TABLE.latest, TABLE.deleted]
/** What lies before and behind the slot must stay as it is. */
const GUARD_BYTES = 64
const GUARD = 0xa5

interface Version {
  readonly stamp: number
  /** Null: there is no such row. */
  readonly row: Bytes | null
}

interface ModelNode {
  readonly table: Table
  readonly key: Bytes
  /** Newest last; empty when all were undone. */
  readonly versions: Version[]
}

type Step =
  | { readonly kind: 'write'; readonly table: Table; readonly key: Bytes; readonly row: Bytes | null }
  | { readonly kind: 'ascending'; readonly table: Table; readonly count: number }
  | { readonly kind: 'commit' }
  | { readonly kind: 'undo'; readonly count: number }
  | { readonly kind: 'seek'; readonly table: Table; readonly key: Bytes }
  | { readonly kind: 'clear'; readonly base: number }

const table = fc.constantFrom(...TABLES)

/** Few letters and lengths, so that keys come again and are the beginnings of each other; and the longest ones. */
const key: fc.Arbitrary<Bytes> = fc.oneof(
  { weight: 5, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 4, max: 2 }) },
  { weight: 2, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 12 }) },
  { weight: 1, arbitrary: fc.tuple(fc.integer({ min: 1, max: ROW_KEY_BYTES_MAX }), fc.nat(1)).map(twisted) },
  { weight: 1, arbitrary: fc.tuple(fc.integer({ min: ROW_KEY_BYTES_MAX - 1, max: ROW_KEY_BYTES_MAX }), fc.nat(1))
    .map(twisted) },
)

const row: fc.Arbitrary<Bytes | null> = fc.option(
  fc.oneof(fc.uint8Array({ maxLength: 9 }), fc.integer({ min: 0, max: 1500 }).map((size) => filled(size))),
  { freq: 3 },
)

const base = fc.oneof(fc.constantFrom(0, 0xffff_ffff, 2 ** 31, 2 ** 53 - 1000), fc.nat())

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('write' as const), table, key, row }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('ascending' as const), table, count: fc.nat(12) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('commit' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('undo' as const), count: fc.nat(6) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('seek' as const), table, key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const), base }) },
)

function filled(size: number): Bytes {
  return new Uint8Array(size).fill(size & 0xff)
}

/** All the same byte but for the last. */
function twisted([size, last]: readonly [number, number]): Bytes {
  const bytes = new Uint8Array(size).fill(1)
  bytes[size - 1] = last
  return bytes
}

function compareNodes(a: ModelNode, b: ModelNode): number {
  return a.table - b.table || compareBytes(a.key, b.key)
}

class RowsRig {
  readonly #memory: SharedArrayBuffer
  readonly #rows: RecentRows
  /** As a reader on another thread has the same memory. */
  readonly #reader: RecentRows
  #model: ModelNode[] = []
  /** Written since the last commit, oldest first. */
  #open: { readonly node: number; readonly model: ModelNode }[] = []
  #stamp = 1
  #base = 0
  #ascending = 0
  readonly #slice = new Slice()

  constructor(slotBytes: number) {
    this.#memory = new SharedArrayBuffer(slotBytes + 2 * GUARD_BYTES)
    new Uint8Array(this.#memory).fill(GUARD)
    const place = { at: GUARD_BYTES, size: slotBytes, number: 7, seed: 0x1234_5678 }
    this.#rows = new RecentRows(this.#memory, place)
    this.#reader = new RecentRows(this.#memory, place)
    this.clear(0)
  }

  take(it: Step): void {
    if (it.kind === 'write') this.write(it.table, it.key, it.row)
    else if (it.kind === 'ascending') this.#writeAscending(it.table, it.count)
    else if (it.kind === 'undo') this.#undo(it.count)
    else if (it.kind === 'seek') this.#checkSeek(it.table, it.key)
    else if (it.kind === 'clear') this.clear(it.base)
    else this.#commit()
  }

  clear(stamp: number): void {
    this.#rows.clear(stamp)
    this.#model = []
    this.#open = []
    this.#stamp = 1
    this.#base = stamp
    this.check()
  }

  /** False when there was no room. */
  write(rowTable: Table, bytes: Bytes, value: Bytes | null): boolean {
    const rows = this.#rows
    const { freeBytes, usedBytes, entries } = rows
    // The key and the row lie somewhere in larger memory.
    const [keyAt, valueAt] = [placed(bytes, 3), placed(value ?? EMPTY_BYTES, 5)]
    const to = 5 + (value?.length ?? 0)
    const node = rows.write(
      rowTable, keyAt, 3, 3 + bytes.length, this.#stamp, value === null ? null : valueAt, value === null ? 0 : 5,
      value === null ? 0 : to,
    )
    const needed = bytes.length + (value?.length ?? 0)
    if (node === 0) {
      assert.ok(freeBytes < needed + ENTRY_OVERHEAD_BYTES, `no room for ${needed} bytes, but ${freeBytes} are free`)
      assert.deepEqual([rows.freeBytes, rows.usedBytes, rows.entries], [freeBytes, usedBytes, entries])
      this.check()
      return false
    }
    assert.ok(rows.freeBytes >= 0 && freeBytes - rows.freeBytes <= needed + ENTRY_OVERHEAD_BYTES, 'too much is taken')
    assert.equal(rows.entries, entries + 1)
    let model = this.#find(rowTable, bytes)
    if (model === undefined) {
      model = { table: rowTable, key: bytes, versions: [] }
      this.#model.push(model)
    }
    model.versions.push({ stamp: this.#stamp, row: value })
    this.#open.push({ node, model })
    assert.equal(rows.find(rowTable, bytes, 0, bytes.length), node, 'the node that was written is the one found')
    return true
  }

  check(): void {
    const rows = this.#reader
    assert.equal(rows.base, this.#base)
    assert.equal(rows.entries, this.#model.reduce((sum, { versions }) => sum + versions.length, 0))
    let node = 0
    for (const expected of this.#model.toSorted(compareNodes)) {
      node = rows.next(node)
      assert.notEqual(node, 0, 'a row is missing in the order')
      assert.equal(rows.tableOf(node), expected.table)
      rows.key(node, this.#slice)
      assert.ok(equalBytes(this.#slice.view(), expected.key), 'keys come in order')
      assert.equal(rows.find(expected.table, expected.key, 0, expected.key.length), node)
      for (const stamp of [...Array.from({ length: this.#stamp + 1 }, (_, i) => i), NEWEST]) {
        this.#checkVersion(node, expected, stamp)
      }
    }
    assert.equal(rows.next(node), 0, 'there is a row too many')
    const all = new Uint8Array(this.#memory)
    const guards = [...all.subarray(0, GUARD_BYTES), ...all.subarray(all.length - GUARD_BYTES)]
    assert.ok(guards.every((byte) => byte === GUARD), 'memory beside the slot was written to')
  }

  #checkVersion(node: number, { versions }: ModelNode, stamp: number): void {
    const rows = this.#reader
    const expected = versions.findLast((it) => it.stamp <= stamp)
    const version = rows.versionAt(node, stamp)
    assert.equal(version !== 0, expected !== undefined, `whether there is a version at stamp ${stamp}`)
    if (expected === undefined) return
    assert.equal(rows.isAbsent(version), expected.row === null)
    assert.equal(rows.read(version, this.#slice), expected.row !== null)
    if (expected.row !== null) assert.ok(equalBytes(this.#slice.view(), expected.row), `row at stamp ${stamp}`)
  }

  #checkSeek(rowTable: Table, bytes: Bytes): void {
    // The first node of the table from the key on, be it one whose versions were all undone.
    const expected = this.#model.toSorted(compareNodes)
      .find((it) => it.table === rowTable && compareBytes(it.key, bytes) >= 0)
    const node = this.#reader.seek(rowTable, placed(bytes, 2), 2, 2 + bytes.length)
    assert.equal(node !== 0, expected !== undefined, 'whether a seek finds a node')
    if (expected !== undefined) {
      this.#reader.key(node, this.#slice)
      assert.ok(equalBytes(this.#slice.view(), expected.key), 'a seek finds the first key from its own on')
      assert.equal(this.#reader.tableOf(node), rowTable)
    }
    const isKnown = expected !== undefined && equalBytes(expected.key, bytes)
    assert.equal(this.#reader.find(rowTable, bytes, 0, bytes.length), isKnown ? node : 0)
  }

  #find(rowTable: Table, bytes: Bytes): ModelNode | undefined {
    return this.#model.find((it) => it.table === rowTable && compareBytes(it.key, bytes) === 0)
  }

  /** Each behind all before, as keys with a time or a counter in them are. */
  #writeAscending(rowTable: Table, count: number): void {
    for (let i = 0; i < count; i++) {
      const bytes = new Uint8Array(5).fill(0xff)
      new DataView(bytes.buffer).setUint32(1, this.#ascending++)
      this.write(rowTable, bytes, bytes.subarray(0, i % 5))
    }
  }

  #commit(): void {
    this.check()
    this.#open = []
    this.#stamp++
  }

  /** As an aborted transaction does: the newest write first. */
  #undo(count: number): void {
    for (let i = 0; i < count; i++) {
      const last = this.#open.pop()
      if (last === undefined) return
      this.#rows.undo(last.node)
      last.model.versions.pop()
    }
    this.check()
  }
}

function placed(bytes: Bytes, at: number): Bytes {
  const memory = new Uint8Array(at + bytes.length + 3).fill(0xee)
  memory.set(bytes, at)
  return memory
}

test('a slot answers as its model does, at every stamp', () => {
  const slotBytes = fc.constantFrom(1024, 2048, 8192, 65_536)
  fc.assert(fc.property(slotBytes, fc.array(step, { minLength: 5, maxLength: 120 }), (size, steps) => {
    const rig = new RowsRig(size)
    for (const it of steps) rig.take(it)
    rig.check()
  }), { numRuns: 150 })
})

test('keys in ascending order, in descending order and in none make the same table', () => {
  const keys = Array.from({ length: 400 }, (_, i) => Uint8Array.of(i >>> 4, i & 0xf))
  const shuffled = keys.map((_, i) => keys[(i * 149) % keys.length] as Bytes)
  for (const order of [keys, keys.toReversed(), shuffled]) {
    const rig = new RowsRig(65_536)
    for (const rowTable of TABLES) {
      for (const bytes of order) assert.ok(rig.write(rowTable, bytes, bytes))
    }
    // What comes between keys that came in order is found by a search again.
    for (const bytes of order) assert.ok(rig.write(TABLE.latest, Uint8Array.of(...bytes, 0), null))
    rig.check()
  }
})

test('keys of every length up to the longest have their place', () => {
  const rig = new RowsRig(4 * 1024 * 1024)
  for (let size = ROW_KEY_BYTES_MAX; size > 0; size--) {
    assert.ok(rig.write(TABLE.latest, twisted([size, size & 1]), Uint8Array.of(size & 0xff)))
  }
  rig.check()
})

test('a slot takes rows until none fits, and smaller ones after a larger was refused', () => {
  const rig = new RowsRig(4096)
  let count = 0
  while (rig.write(TABLE.latest, Uint8Array.of(count), filled(100))) count++
  assert.ok(count > 10)
  assert.equal(rig.write(TABLE.latest, Uint8Array.of(0), filled(3000)), false)
  let small = 0
  while (rig.write(TABLE.deleted, Uint8Array.of(small), null)) small++
  rig.clear(9)
  for (let i = 0; i < count; i++) assert.ok(rig.write(TABLE.latest, Uint8Array.of(i), filled(100)))
  assert.equal(rig.write(TABLE.latest, Uint8Array.of(count), filled(100)), false)
  rig.check()
})
