/**
 * Keys longer than a row's key may be, in exact byte order. A key is cut into segments; every segment but the last is
 * interned as a node, and a row is named by its node and the next segment:
 *
 * ```
 * row key                                   value
 * node (8 bytes) | segment of SEGMENT       id of the node in which keys go on with this segment (8 bytes)
 * node (8 bytes) | segment, shorter         the caller's value: a key ends here
 * ```
 *
 * Rows of one node are neighbours in byte order, and a key that ends sorts before those that go on: a walk from node 0
 * meets keys in their order. A node exists as long as it has a row.
 */

import { assert } from '../../base/assert.js'
import type { Bytes } from '../../base/bytes.js'
import { copyRange } from '../../base/copy-into.js'
import { Slice } from '../../base/slice.js'
import { joinSafe, highHalf, lowHalf } from '../../base/varint.js'
import {
  ROW_KEY_BYTES_MAX,
  type StoreCursor,
  type StoreView,
  type Table,
  type WriteTransaction,
} from '../../store/store.js'

export const NODE_BYTES = 8
export const SEGMENT_BYTES = ROW_KEY_BYTES_MAX - NODE_BYTES
const ROOT = 0

export class LongTree {
  readonly table: Table
  readonly #rowKey = new Uint8Array(ROW_KEY_BYTES_MAX)
  readonly #row = new Slice()
  readonly #path: number[] = []

  constructor(table: Table) {
    this.table = table
  }

  get(view: StoreView, key: Bytes, start: number, end: number, value: Slice): boolean {
    let node = ROOT
    let at = start
    for (; end - at >= SEGMENT_BYTES; at += SEGMENT_BYTES) {
      node = this.child(view, node, key, at)
      if (node === ROOT) return false
    }
    return view.get(this.table, this.#rowKey, 0, this.#writeRowKey(node, key, at, end), value)
  }

  /** Stores bytes [from, to) of the transaction's value buffer under the key. */
  put(transaction: WriteTransaction, key: Slice, from: number, to: number): void {
    const { bytes, end } = key
    let node = ROOT
    let at = key.start
    let fresh = 0
    for (; end - at >= SEGMENT_BYTES; at += SEGMENT_BYTES) {
      let child = fresh === 0 ? this.child(transaction, node, bytes, at) : ROOT
      if (child === ROOT) {
        // A node's id only has to be above all that have rows; those made here have none yet.
        fresh = fresh === 0 ? this.#lastNode(transaction) + 1 : fresh + 1
        child = fresh
        this.#putLink(transaction, node, bytes, at, child)
      }
      node = child
    }
    transaction.putBuffer(this.table, this.#rowKey, 0, this.#writeRowKey(node, bytes, at, end), from, to)
  }

  remove(transaction: WriteTransaction, key: Slice): boolean {
    const { bytes, end } = key
    const path = this.#path
    path.length = 0
    let node = ROOT
    let at = key.start
    for (; end - at >= SEGMENT_BYTES; at += SEGMENT_BYTES) {
      path.push(node)
      node = this.child(transaction, node, bytes, at)
      if (node === ROOT) return false
    }
    if (!transaction.remove(this.table, this.#rowKey, 0, this.#writeRowKey(node, bytes, at, end))) return false
    while (node !== ROOT && this.#isEmpty(transaction, node)) {
      at -= SEGMENT_BYTES
      node = path.pop() as number
      const length = this.#writeRowKey(node, bytes, at, at + SEGMENT_BYTES)
      const removed = transaction.remove(this.table, this.#rowKey, 0, length)
      assert(removed, 'a node of the long keys has no link')
    }
    return true
  }

  /** The node in which keys go on that have segment [at, at + SEGMENT_BYTES) in `node`; 0 if there is none. */
  child(view: StoreView, node: number, key: Bytes, at: number): number {
    const length = this.#writeRowKey(node, key, at, at + SEGMENT_BYTES)
    if (!view.get(this.table, this.#rowKey, 0, length, this.#row)) return ROOT
    return readNode(this.#row.bytes, this.#row.start)
  }

  /** Moves a cursor of this table to the first row of `node` at or after the segment [start, end) of `key`. */
  seek(cursor: StoreCursor, node: number, key: Bytes, start: number, end: number): boolean {
    return cursor.seek(this.#rowKey, 0, this.#writeRowKey(node, key, start, end))
  }

  #writeRowKey(node: number, key: Bytes, start: number, end: number): number {
    writeNode(this.#rowKey, 0, node)
    return copyRange(this.#rowKey, NODE_BYTES, key, start, end)
  }

  #putLink(transaction: WriteTransaction, node: number, key: Bytes, at: number, child: number): void {
    const length = this.#writeRowKey(node, key, at, at + SEGMENT_BYTES)
    const value = new Uint8Array(NODE_BYTES)
    writeNode(value, 0, child)
    transaction.put(this.table, this.#rowKey, 0, length, value, 0, NODE_BYTES)
  }

  #lastNode(transaction: WriteTransaction): number {
    const cursor = transaction.openCursor(this.table, true)
    const last = cursor.seekLast() ? readNode(cursor.key.bytes, cursor.key.start) : ROOT
    cursor.close()
    return last
  }

  #isEmpty(transaction: WriteTransaction, node: number): boolean {
    const cursor = transaction.openCursor(this.table, true)
    const found = this.seek(cursor, node, this.#rowKey, 0, 0)
    const empty = !found || readNode(cursor.key.bytes, cursor.key.start) !== node
    cursor.close()
    return empty
  }
}

export function readNode(bytes: Bytes, at: number): number {
  return joinSafe(readHalf(bytes, at), readHalf(bytes, at + 4))
}

function readHalf(bytes: Bytes, at: number): number {
  const high = ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16)
  return (high | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
}

function writeNode(target: Bytes, at: number, node: number): void {
  writeHalf(target, at, highHalf(node))
  writeHalf(target, at + 4, lowHalf(node))
}

function writeHalf(target: Bytes, at: number, half: number): void {
  target[at] = half >>> 24
  target[at + 1] = half >>> 16
  target[at + 2] = half >>> 8
  target[at + 3] = half
}
