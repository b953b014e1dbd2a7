/**
 * An ordered map of byte strings whose versions share what they have in common: a write makes a new root and leaves the
 * old one as it was. Balanced as an AVL tree.
 */

import { compareBytes, type Bytes } from '../base/bytes.js'

export interface TreeNode {
  readonly key: Bytes
  readonly value: Bytes
  readonly left: Tree
  readonly right: Tree
  readonly height: number
  readonly size: number
}

export type Tree = TreeNode | null

export function treeGet(tree: Tree, key: Bytes): TreeNode | null {
  let node = tree
  while (node !== null) {
    const order = compareBytes(key, node.key)
    if (order === 0) return node
    node = order < 0 ? node.left : node.right
  }
  return null
}

/** The first row at or after the key, or only after it. */
export function treeSeek(tree: Tree, key: Bytes, after: boolean): TreeNode | null {
  let best: TreeNode | null = null
  let node = tree
  while (node !== null) {
    const order = compareBytes(key, node.key)
    if (order < 0 || (order === 0 && !after)) {
      best = node
      node = node.left
    } else {
      node = node.right
    }
  }
  return best
}

export function treeLast(tree: Tree): TreeNode | null {
  let node = tree
  while (node !== null && node.right !== null) node = node.right
  return node
}

/** Rows whose key sorts before `key`. */
export function treeRank(tree: Tree, key: Bytes): number {
  let rank = 0
  let node = tree
  while (node !== null) {
    if (compareBytes(node.key, key) < 0) {
      rank += sizeOf(node.left) + 1
      node = node.right
    } else {
      node = node.left
    }
  }
  return rank
}

export function treePut(tree: Tree, key: Bytes, value: Bytes): TreeNode {
  if (tree === null) return join(key, value, null, null)
  const order = compareBytes(key, tree.key)
  if (order === 0) return join(key, value, tree.left, tree.right)
  if (order < 0) return balance(tree.key, tree.value, treePut(tree.left, key, value), tree.right)
  return balance(tree.key, tree.value, tree.left, treePut(tree.right, key, value))
}

/** The same tree if there is no such row. */
export function treeRemove(tree: Tree, key: Bytes): Tree {
  if (tree === null) return null
  const order = compareBytes(key, tree.key)
  if (order < 0) {
    const left = treeRemove(tree.left, key)
    return left === tree.left ? tree : balance(tree.key, tree.value, left, tree.right)
  }
  if (order > 0) {
    const right = treeRemove(tree.right, key)
    return right === tree.right ? tree : balance(tree.key, tree.value, tree.left, right)
  }
  if (tree.left === null) return tree.right
  if (tree.right === null) return tree.left
  const next = treeSeek(tree.right, tree.key, true) as TreeNode
  return balance(next.key, next.value, tree.left, treeRemove(tree.right, next.key))
}

export function sizeOf(tree: Tree): number {
  return tree === null ? 0 : tree.size
}

function heightOf(tree: Tree): number {
  return tree === null ? 0 : tree.height
}

function join(key: Bytes, value: Bytes, left: Tree, right: Tree): TreeNode {
  const height = 1 + Math.max(heightOf(left), heightOf(right))
  return { key, value, left, right, height, size: 1 + sizeOf(left) + sizeOf(right) }
}

/** As `join` when one side may be two levels higher than the other. */
function balance(key: Bytes, value: Bytes, left: Tree, right: Tree): TreeNode {
  if (left !== null && left.height > heightOf(right) + 1) {
    if (left.right === null || heightOf(left.left) >= left.right.height) {
      return join(left.key, left.value, left.left, join(key, value, left.right, right))
    }
    const { right: middle } = left
    return join(
      middle.key, middle.value,
      join(left.key, left.value, left.left, middle.left), join(key, value, middle.right, right),
    )
  }
  if (right !== null && right.height > heightOf(left) + 1) {
    if (right.left === null || heightOf(right.right) >= right.left.height) {
      return join(right.key, right.value, join(key, value, left, right.left), right.right)
    }
    const { left: middle } = right
    return join(
      middle.key, middle.value,
      join(key, value, left, middle.left), join(right.key, right.value, middle.right, right.right),
    )
  }
  return join(key, value, left, right)
}
