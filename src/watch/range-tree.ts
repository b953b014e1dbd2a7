/**
 * Groups of ranges in a treap by their start; every node knows the furthest end below it, so that a question "which
 * ranges contain this key" passes over all that end too early. About log2 of the ranges for one that is found.
 */

import { assert } from '../base/assert.js'
import { compareBytes, type Bytes } from '../base/bytes.js'
import { Prng } from '../base/prng.js'
import type { WatcherGroup } from './watcher-group.js'

export class RangeTree {
  readonly #random: Prng
  #root: WatcherGroup | null = null
  #size = 0

  constructor(seed: number) {
    this.#random = new Prng(seed)
  }

  get size(): number {
    return this.#size
  }

  find(from: Bytes, to: Bytes | null): WatcherGroup | null {
    let node = this.#root
    while (node !== null) {
      const order = compareRanges(from, to, node)
      if (order === 0) return node
      node = order < 0 ? node.left : node.right
    }
    return null
  }

  /** The range is not in the tree yet. */
  add(group: WatcherGroup): void {
    group.priority = this.#random.u32()
    group.left = null
    group.right = null
    group.furthestTo = group.to
    this.#root = insert(this.#root, group)
    this.#size++
  }

  remove(group: WatcherGroup): void {
    this.#root = remove(this.#root, group)
    this.#size--
  }

  /** Appends to `found` every group whose range contains the key. */
  stab(key: Bytes, start: number, end: number, found: WatcherGroup[]): void {
    if (this.#root !== null) stab(this.#root, key, start, end, found)
  }
}

function stab(node: WatcherGroup, key: Bytes, start: number, end: number, found: WatcherGroup[]): void {
  if (!isBelowEnd(key, start, end, node.furthestTo)) return
  if (node.left !== null) stab(node.left, key, start, end, found)
  if (compareKey(key, start, end, node.from) < 0) return
  if (isBelowEnd(key, start, end, node.to)) found.push(node)
  if (node.right !== null) stab(node.right, key, start, end, found)
}

function insert(node: WatcherGroup | null, group: WatcherGroup): WatcherGroup {
  if (node === null) return group
  const order = compareRanges(group.from, group.to, node)
  assert(order !== 0, 'a range is added to a tree that has it')
  if (order < 0) {
    node.left = insert(node.left, group)
    if (node.left.priority > node.priority) return rotateRight(node)
  } else {
    node.right = insert(node.right, group)
    if (node.right.priority > node.priority) return rotateLeft(node)
  }
  update(node)
  return node
}

function remove(node: WatcherGroup | null, group: WatcherGroup): WatcherGroup | null {
  assert(node !== null, 'a range is removed from a tree that does not have it')
  if (node === group) {
    const rest = join(node.left, node.right)
    node.left = null
    node.right = null
    return rest
  }
  if (compareRanges(group.from, group.to, node) < 0) node.left = remove(node.left, group)
  else node.right = remove(node.right, group)
  update(node)
  return node
}

/** Everything in `left` sorts before everything in `right`. */
function join(left: WatcherGroup | null, right: WatcherGroup | null): WatcherGroup | null {
  if (left === null) return right
  if (right === null) return left
  if (left.priority > right.priority) {
    left.right = join(left.right, right)
    update(left)
    return left
  }
  right.left = join(left, right.left)
  update(right)
  return right
}

function rotateRight(node: WatcherGroup): WatcherGroup {
  const top = node.left as WatcherGroup
  node.left = top.right
  top.right = node
  update(node)
  update(top)
  return top
}

function rotateLeft(node: WatcherGroup): WatcherGroup {
  const top = node.right as WatcherGroup
  node.right = top.left
  top.left = node
  update(node)
  update(top)
  return top
}

function update(node: WatcherGroup): void {
  let furthest = node.to
  if (node.left !== null) furthest = furtherEnd(furthest, node.left.furthestTo)
  if (node.right !== null) furthest = furtherEnd(furthest, node.right.furthestTo)
  node.furthestTo = furthest
}

function furtherEnd(a: Bytes | null, b: Bytes | null): Bytes | null {
  if (a === null || b === null) return null
  return compareBytes(a, b) >= 0 ? a : b
}

function compareRanges(from: Bytes, to: Bytes | null, node: WatcherGroup): number {
  const order = compareBytes(from, node.from)
  if (order !== 0) return order
  if (to === null) return node.to === null ? 0 : 1
  return node.to === null ? -1 : compareBytes(to, node.to)
}

function isBelowEnd(key: Bytes, start: number, end: number, to: Bytes | null): boolean {
  return to === null || compareKey(key, start, end, to) < 0
}

/** Order of key[start, end) and `other`. */
function compareKey(key: Bytes, start: number, end: number, other: Bytes): number {
  const length = end - start
  const common = Math.min(length, other.length)
  for (let i = 0; i < common; i++) {
    const difference = (key[start + i] as number) - (other[i] as number)
    if (difference !== 0) return difference
  }
  return length - other.length
}
