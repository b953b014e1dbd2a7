/**
 * The rows of one slot: an ordered table in shared memory with one writer and any number of readers on other threads,
 * which need no lock. Nothing in it moves or goes away until the slot is cleared.
 *
 * ```
 * slot     nodes end | versions begin | entries | height | base (8) | heads of 16 lists | buckets
 *          | nodes, one behind the other ->        <- versions, from the end of the slot down
 * node     next of its bucket | newest version | key bytes | height | next of its lists (height) | table, key
 * version  version before | stamp | row bytes, -1: no such row | row
 * ```
 *
 * Nodes lie close together, because a search goes from one to the next.
 *
 * A key is found by its hash, its neighbours by a skip list (Pugh 1990). A node has a version for every time that its
 * row was written; a reader takes the newest one that its snapshot knows, by the number of the commit (the stamp,
 * counted from the slot's base). Places are counted in bytes from the start of the slot, 0 is none.
 *
 * What a reader's snapshot knows was written before the commit that it sees; beside that it may come by nodes that are
 * just being added. So a place is stored, atomically, after what lies there; to follow it needs no more than a read.
 */

import { assert } from '../../base/assert.js'
import type { Bytes } from '../../base/bytes.js'
import { copyRange } from '../../base/copy-into.js'
import type { Slice } from '../../base/slice.js'
import type { Table } from '../store.js'

const NODES_END_WORD = 0
const VERSIONS_WORD = 1
const ENTRIES_WORD = 2
const HEIGHT_WORD = 3
/** Two words. */
const BASE_WORD = 4
const HEADS_WORD = 6
const HEIGHT_MAX = 16
const BUCKETS_WORD = HEADS_WORD + HEIGHT_MAX
/** Of a slot's bytes, rounded down to a power of two. */
const BYTES_PER_BUCKET = 1024

const NODE_WORDS = 4
const VERSION_WORDS = 3
const ABSENT = -1
const NONE = 0

/** What a row takes at most besides its own bytes and those of its key. */
export const ENTRY_OVERHEAD_BYTES = 4 * (NODE_WORDS + HEIGHT_MAX + VERSION_WORDS) + 16

export interface SlotPlace {
  readonly at: number
  readonly size: number
  readonly number: number
  readonly seed: number
}

export class RecentRows {
  readonly number: number
  readonly #words: Int32Array
  readonly #bytes: Bytes
  readonly #bucketMask: number
  readonly #rowsAt: number
  readonly #path = new Int32Array(HEIGHT_MAX)
  /** Of the writer: the last node of all, and the words at the ends of all lists. */
  #last = NONE
  readonly #tails = new Int32Array(HEIGHT_MAX)
  readonly #seed: number
  /** Of the chances of heights. */
  #random: number

  constructor(memory: SharedArrayBuffer, { at, size, number, seed }: SlotPlace) {
    this.number = number
    this.#seed = seed
    this.#random = (seed ^ 0x2545_f491) || 1
    this.#words = new Int32Array(memory, at, size >> 2)
    this.#bytes = new Uint8Array(memory, at, size)
    const buckets = 2 ** Math.floor(Math.log2(size / BYTES_PER_BUCKET))
    this.#bucketMask = buckets - 1
    this.#rowsAt = 4 * (BUCKETS_WORD + buckets)
  }

  /** Of the writer, once nobody looks at what was here. `base`: the stamp of the last commit. */
  clear(base: number): void {
    const words = this.#words
    words.fill(0, 0, this.#rowsAt >> 2)
    words[NODES_END_WORD] = this.#rowsAt
    words[VERSIONS_WORD] = this.#bytes.length
    words[HEIGHT_WORD] = 1
    this.#last = NONE
    for (let level = 0; level < HEIGHT_MAX; level++) this.#tails[level] = HEADS_WORD + level
    words[BASE_WORD] = base % 0x1_0000_0000 | 0
    words[BASE_WORD + 1] = Math.floor(base / 0x1_0000_0000)
  }

  get base(): number {
    return (this.#words[BASE_WORD + 1] as number) * 0x1_0000_0000 + ((this.#words[BASE_WORD] as number) >>> 0)
  }

  /** How often a row was written. */
  get entries(): number {
    return this.#words[ENTRIES_WORD] as number
  }

  get usedBytes(): number {
    return this.#bytes.length - this.#rowsAt - this.freeBytes
  }

  get freeBytes(): number {
    return (this.#words[VERSIONS_WORD] as number) - (this.#words[NODES_END_WORD] as number)
  }

  /** The key's node, or 0. */
  find(table: Table, key: Bytes, start: number, end: number): number {
    const words = this.#words
    let node = words[this.#bucketOf(table, key, start, end)] as number
    while (node !== NONE) {
      if (this.#isKey(node, table, key, start, end)) return node
      node = words[node >> 2] as number
    }
    return NONE
  }

  /** The node's newest version up to `stamp`, counted from the base; 0 if there is none. */
  versionAt(node: number, stamp: number): number {
    const words = this.#words
    let version = words[(node >> 2) + 1] as number
    while (version !== NONE && (words[(version >> 2) + 1] as number) > stamp) version = words[version >> 2] as number
    return version
  }

  /** Points `value` at the row; false for a version that says that there is none. */
  read(version: number, value: Slice): boolean {
    const length = this.#words[(version >> 2) + 2] as number
    if (length === ABSENT) return false
    const from = version + 4 * VERSION_WORDS
    value.at(this.#bytes, from, from + length)
    return true
  }

  isAbsent(version: number): boolean {
    return this.#words[(version >> 2) + 2] === ABSENT
  }

  tableOf(node: number): Table {
    return this.#bytes[this.#keyAt(node)] as Table
  }

  key(node: number, key: Slice): void {
    const at = this.#keyAt(node)
    key.at(this.#bytes, at + 1, at + (this.#words[(node >> 2) + 2] as number))
  }

  /** The first node of all, or the next one in the order of tables and keys; 0 at the end. */
  next(node: number): number {
    return this.#words[node === NONE ? HEADS_WORD : (node >> 2) + NODE_WORDS] as number
  }

  /** The first node of the table at or after the key; 0 if there is none. */
  seek(table: Table, key: Bytes, start: number, end: number): number {
    const node = this.#descend(table, key, start, end)
    return node !== NONE && this.tableOf(node) === table ? node : NONE
  }

  /**
   * Of the writer: the row as of `stamp`; null for none. Returns its node, or 0 and has changed nothing when there is
   * no room.
   */
  write(
    table: Table, key: Bytes, start: number, end: number, stamp: number, row: Bytes | null, from: number, to: number,
  ): number {
    if (this.freeBytes < ENTRY_OVERHEAD_BYTES + (end - start) + (to - from)) return NONE
    const words = this.#words
    const node = this.find(table, key, start, end) || this.#insert(table, key, start, end)
    const rowBytes = row === null ? 0 : to - from
    const version = ((words[VERSIONS_WORD] as number) - 4 * VERSION_WORDS - rowBytes) & ~3
    words[VERSIONS_WORD] = version
    const word = version >> 2
    words[word] = words[(node >> 2) + 1] as number
    words[word + 1] = stamp
    words[word + 2] = row === null ? ABSENT : to - from
    if (row !== null) copyRange(this.#bytes, version + 4 * VERSION_WORDS, row, from, to)
    Atomics.store(words, (node >> 2) + 1, version)
    words[ENTRIES_WORD] = this.entries + 1
    return node
  }

  /** Where the next version goes, so that `giveBack` can return to it. */
  get versionsMark(): number {
    return this.#words[VERSIONS_WORD] as number
  }

  /** Of the writer: the memory of all versions since the mark, which were undone, while nobody reads. */
  giveBack(versionsMark: number): void {
    this.#words[VERSIONS_WORD] = versionsMark
  }

  /** Of the writer: the newest version of the node goes, as if it had never been. */
  undo(node: number): void {
    const words = this.#words
    const version = words[(node >> 2) + 1] as number
    assert(version !== NONE, 'a version is undone that was written')
    Atomics.store(words, (node >> 2) + 1, words[version >> 2] as number)
    words[ENTRIES_WORD] = this.entries - 1
  }

  #insert(table: Table, key: Bytes, start: number, end: number): number {
    const words = this.#words
    const height = this.#chooseHeight()
    if (height > (words[HEIGHT_WORD] as number)) words[HEIGHT_WORD] = height
    const isLast = this.#findPath(table, key, start, end) === NONE
    const node = words[NODES_END_WORD] as number
    words[NODES_END_WORD] = (node + 4 * (NODE_WORDS + height) + 1 + end - start + 3) & ~3
    const word = node >> 2
    const bucket = this.#bucketOf(table, key, start, end)
    words[word] = words[bucket] as number
    words[word + 1] = NONE
    words[word + 2] = 1 + end - start
    words[word + 3] = height
    const keyAt = this.#keyAt(node)
    this.#bytes[keyAt] = table
    copyRange(this.#bytes, keyAt + 1, key, start, end)
    for (let level = 0; level < height; level++) {
      const link = this.#path[level] as number
      const next = words[link] as number
      if (next === NONE) this.#tails[level] = word + NODE_WORDS + level
      words[word + NODE_WORDS + level] = next
      Atomics.store(words, link, node)
    }
    Atomics.store(words, bucket, node)
    if (isLast) this.#last = node
    return node
  }

  /** As `#descend`; keys that come in order have the path of the one before. */
  #findPath(table: Table, key: Bytes, start: number, end: number): number {
    const last = this.#last
    if (last === NONE || !this.#isBelow(last, table, key, start, end)) return this.#descend(table, key, start, end)
    this.#path.set(this.#tails)
    return NONE
  }

  /** Leaves in `#path` the words of all lists that lead to the first node at or after the key; returns it. */
  #descend(table: Table, key: Bytes, start: number, end: number): number {
    const words = this.#words
    let base = HEADS_WORD
    let next = NONE
    for (let level = (words[HEIGHT_WORD] as number) - 1; level >= 0; level--) {
      for (;;) {
        const candidate = words[base + level] as number
        // What was found to be behind the key on the level above need not be compared again.
        if (candidate === NONE || candidate === next || !this.#isBelow(candidate, table, key, start, end)) {
          if (candidate !== NONE) next = candidate
          break
        }
        base = (candidate >> 2) + NODE_WORDS
      }
      this.#path[level] = base + level
    }
    return words[base] as number
  }

  #chooseHeight(): number {
    let random = this.#random
    random ^= random << 13
    random ^= random >>> 17
    random ^= random << 5
    this.#random = random
    // One of four nodes reaches the next list.
    return Math.min(HEIGHT_MAX, 1 + (Math.clz32(random) >> 1))
  }

  #keyAt(node: number): number {
    return node + 4 * (NODE_WORDS + (this.#words[(node >> 2) + 3] as number))
  }

  #isKey(node: number, table: Table, key: Bytes, start: number, end: number): boolean {
    if (this.#words[(node >> 2) + 2] !== 1 + end - start) return false
    const bytes = this.#bytes
    const at = this.#keyAt(node)
    if (bytes[at] !== table) return false
    // The end of a key is where keys differ most.
    for (let i = end - 1, j = at + end - start; i >= start; i--, j--) if (bytes[j] !== key[i]) return false
    return true
  }

  #isBelow(node: number, table: Table, key: Bytes, start: number, end: number): boolean {
    const bytes = this.#bytes
    const at = this.#keyAt(node)
    const nodeTable = bytes[at] as number
    if (nodeTable !== table) return nodeTable < table
    const nodeEnd = at + (this.#words[(node >> 2) + 2] as number)
    let i = start
    let j = at + 1
    for (; i < end && j < nodeEnd; i++, j++) {
      const difference = (bytes[j] as number) - (key[i] as number)
      if (difference !== 0) return difference < 0
    }
    return nodeEnd - at - 1 < end - start
  }
  /** The word of the key's bucket, by FNV-1a from the seed. */
  #bucketOf(table: Table, key: Bytes, start: number, end: number): number {
    let hash = Math.imul(this.#seed ^ table, 0x0100_0193)
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (key[i] as number), 0x0100_0193)
    return BUCKETS_WORD + ((hash ^ (hash >>> 15)) & this.#bucketMask)
  }
}
