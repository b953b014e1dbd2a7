/** Walks over the keys of a table in byte order, whatever rows the keys are kept in. */

import { EMPTY_BYTES, type Bytes } from '../../base/bytes.js'
import { copyRange } from '../../base/copy-into.js'
import { Slice } from '../../base/slice.js'
import { ROW_KEY_BYTES_MAX, type StoreCursor, type StoreView, type Table } from '../../store/store.js'
import { NODE_BYTES, SEGMENT_BYTES, readNode, type LongTree } from './long-tree.js'

export interface KeyCursor {
  /** The key in memory of the cursor's own; dead when the cursor moves. */
  readonly key: Slice
  /** Dead at the next call to the store; `reload` brings it back. */
  readonly value: Slice
  /** Moves to the first key at or after bytes [start, end). */
  seek(key: Bytes, start: number, end: number): boolean
  next(): boolean
  reload(): void
  close(): void
}

/** Keys that are rows of their own. */
export class ShortKeyCursor implements KeyCursor {
  readonly key: Slice
  readonly value: Slice
  readonly #view: StoreView
  readonly #table: Table
  readonly #cursor: StoreCursor

  constructor(view: StoreView, table: Table) {
    this.#view = view
    this.#table = table
    this.#cursor = view.openCursor(table)
    this.key = this.#cursor.key
    this.value = this.#cursor.value
  }

  seek(key: Bytes, start: number, end: number): boolean {
    if (end - start <= ROW_KEY_BYTES_MAX) return this.#cursor.seek(key, start, end)
    const bound = shortBound(key, start)
    return this.#cursor.seek(bound, 0, bound.length)
  }

  next(): boolean {
    return this.#cursor.next()
  }

  reload(): void {
    this.#view.get(this.#table, this.key.bytes, this.key.start, this.key.end, this.value)
  }

  close(): void {
    this.#cursor.close()
  }
}

/**
 * The least key of at most one byte more than a row's that no short key below `key` reaches: its first bytes and a
 * zero.
 */
export function shortBound(key: Bytes, start: number): Bytes {
  const bound = new Uint8Array(ROW_KEY_BYTES_MAX + 1)
  bound.set(key.subarray(start, start + ROW_KEY_BYTES_MAX))
  return bound
}

/** Keys of a LongTree, put together again while the cursor goes down and up. */
export class LongKeyCursor implements KeyCursor {
  readonly key = new Slice()
  readonly value = new Slice()
  readonly #view: StoreView
  readonly #tree: LongTree
  readonly #cursor: StoreCursor
  /** From the root to the node of the current key; the segments that lead there are `#path`. */
  readonly #nodes: number[] = []
  #path: Bytes = new Uint8Array(4 * SEGMENT_BYTES)

  constructor(view: StoreView, tree: LongTree) {
    this.#view = view
    this.#tree = tree
    this.#cursor = view.openCursor(tree.table)
  }

  seek(key: Bytes, start: number, end: number): boolean {
    const nodes = this.#nodes
    nodes.length = 0
    let node = 0
    let at = start
    while (end - at >= SEGMENT_BYTES) {
      const child = this.#tree.child(this.#view, node, key, at)
      if (child === 0) break
      this.#setSegment(nodes.length, key, at, at + SEGMENT_BYTES)
      nodes.push(node)
      node = child
      at += SEGMENT_BYTES
    }
    nodes.push(node)
    // Without a node for the segment, whatever comes after it here comes after the key as well.
    const found = this.#tree.seek(this.#cursor, node, key, at, Math.min(end, at + SEGMENT_BYTES))
    return this.#settle(found)
  }

  next(): boolean {
    return this.#settle(this.#cursor.next())
  }

  reload(): void {
    this.#tree.get(this.#view, this.key.bytes, this.key.start, this.key.end, this.value)
  }

  close(): void {
    this.#cursor.close()
  }

  /** From a row that may be a link or of another node to the next key. */
  #settle(positioned: boolean): boolean {
    const { key } = this.#cursor
    const nodes = this.#nodes
    let found = positioned
    for (;;) {
      const depth = nodes.length - 1
      const node = nodes[depth] as number
      if (!found || readNode(key.bytes, key.start) !== node) {
        if (depth === 0) return false
        found = this.#leave()
        continue
      }
      const end = this.#setSegment(depth, key.bytes, key.start + NODE_BYTES, key.end)
      if (key.end - key.start < NODE_BYTES + SEGMENT_BYTES) {
        this.key.at(this.#path, 0, end)
        const { value } = this.#cursor
        this.value.at(value.bytes, value.start, value.end)
        return true
      }
      const child = readNode(this.#cursor.value.bytes, this.#cursor.value.start)
      nodes.push(child)
      found = this.#tree.seek(this.#cursor, child, EMPTY_BYTES, 0, 0)
    }
  }

  /** Goes up to the row behind the link that led to the current node. */
  #leave(): boolean {
    this.#nodes.pop()
    const depth = this.#nodes.length - 1
    const at = depth * SEGMENT_BYTES
    const end = at + SEGMENT_BYTES
    const cursor = this.#cursor
    if (!this.#tree.seek(cursor, this.#nodes[depth] as number, this.#path, at, end)) return false
    return this.#isAtLink(depth) ? cursor.next() : true
  }

  /** False if the link has gone since, with the last key below it. */
  #isAtLink(depth: number): boolean {
    const { key } = this.#cursor
    if (key.end - key.start !== NODE_BYTES + SEGMENT_BYTES) return false
    if (readNode(key.bytes, key.start) !== this.#nodes[depth]) return false
    const at = depth * SEGMENT_BYTES
    for (let i = 0; i < SEGMENT_BYTES; i++) {
      if (this.#path[at + i] !== key.bytes[key.start + NODE_BYTES + i]) return false
    }
    return true
  }

  #setSegment(depth: number, source: Bytes, start: number, end: number): number {
    const at = depth * SEGMENT_BYTES
    if (at + SEGMENT_BYTES > this.#path.length) {
      const larger = new Uint8Array(this.#path.length * 2)
      larger.set(this.#path)
      this.#path = larger
    }
    return copyRange(this.#path, at, source, start, end)
  }
}

/** Two cursors as one; where both have a key, the first one's comes first. */
export class MergedKeyCursor implements KeyCursor {
  key: Slice
  value: Slice
  readonly #first: KeyCursor
  readonly #second: KeyCursor
  #hasFirst = false
  #hasSecond = false
  /** The one that shows its key now. */
  #current: KeyCursor

  constructor(first: KeyCursor, second: KeyCursor) {
    this.#first = first
    this.#second = second
    this.#current = first
    this.key = first.key
    this.value = first.value
  }

  seek(key: Bytes, start: number, end: number): boolean {
    this.#hasSecond = this.#second.seek(key, start, end)
    this.#hasFirst = this.#first.seek(key, start, end)
    return this.#choose(this.#first)
  }

  next(): boolean {
    const moved = this.#current
    if (moved === this.#first) this.#hasFirst = moved.next()
    else this.#hasSecond = moved.next()
    return this.#choose(moved)
  }

  reload(): void {
    this.#current.reload()
    this.value = this.#current.value
  }

  close(): void {
    this.#first.close()
    this.#second.close()
  }

  #choose(moved: KeyCursor): boolean {
    if (!this.#hasFirst && !this.#hasSecond) return false
    const first = this.#hasFirst && (!this.#hasSecond || compareSlices(this.#first.key, this.#second.key) <= 0)
    const chosen = first ? this.#first : this.#second
    // The store's value memory holds what the cursor that moved last has found.
    if (chosen !== moved) chosen.reload()
    this.#current = chosen
    this.key = chosen.key
    this.value = chosen.value
    return true
  }
}

export function compareSlices(a: Slice, b: Slice): number {
  const length = Math.min(a.end - a.start, b.end - b.start)
  for (let i = 0; i < length; i++) {
    const difference = (a.bytes[a.start + i] as number) - (b.bytes[b.start + i] as number)
    if (difference !== 0) return difference
  }
  return a.end - a.start - (b.end - b.start)
}
