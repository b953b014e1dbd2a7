/** Who watches a key: exact keys in a hash table, ranges in a tree, equal ones together. */

import { assert } from '../base/assert.js'
import type { Bytes } from '../base/bytes.js'
import type { Slice } from '../base/slice.js'
import { ExactKeys } from './exact-keys.js'
import { RangeTree } from './range-tree.js'
import { WatcherGroup } from './watcher-group.js'
import type { Watcher } from './watcher.js'

/** What a watcher watches. `to` null: to the end of the key space. */
export interface WatchedRange {
  readonly from: Bytes
  readonly to: Bytes | null
  readonly isSingle: boolean
}

export class WatcherIndex {
  readonly #keys: ExactKeys
  readonly #ranges: RangeTree
  readonly #found: WatcherGroup[] = []
  #size = 0

  constructor(seed: number) {
    this.#keys = new ExactKeys(seed)
    this.#ranges = new RangeTree(seed)
  }

  /** Watchers. */
  get size(): number {
    return this.#size
  }

  /** The range's bytes are kept if no watcher has the same: they must be the caller's to give. */
  add(watcher: Watcher, range: WatchedRange): void {
    this.#groupOf(range).add(watcher)
    this.#size++
  }

  /** Takes the watcher out and returns what it watches. */
  remove(watcher: Watcher): WatchedRange {
    const { group } = watcher
    assert(group !== null, `watcher ${watcher.number} is in no index`)
    group.remove(watcher)
    this.#size--
    if (group.watchers.length === 0) {
      if (group.isSingle) this.#keys.remove(group)
      else this.#ranges.remove(group)
    }
    return group
  }

  /** The groups that watch the key; the list is reused by the next call. */
  find(key: Slice): readonly WatcherGroup[] {
    const found = this.#found
    found.length = 0
    const exact = this.#keys.find(key.bytes, key.start, key.end)
    if (exact !== null) found.push(exact)
    this.#ranges.stab(key.bytes, key.start, key.end, found)
    return found
  }

  #groupOf({ from, to, isSingle }: WatchedRange): WatcherGroup {
    if (isSingle) {
      const known = this.#keys.find(from, 0, from.length)
      if (known !== null) return known
      const group = new WatcherGroup(from, null, true)
      this.#keys.add(group)
      return group
    }
    const known = this.#ranges.find(from, to)
    if (known !== null) return known
    const group = new WatcherGroup(from, to, false)
    this.#ranges.add(group)
    return group
  }
}

/** Wire rules: no end means the key alone, one zero byte everything from the key on. */
export function watchedRange(key: Bytes, rangeEnd: Bytes): WatchedRange {
  if (rangeEnd.length === 0) return { from: key, to: null, isSingle: true }
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return { from: key, to: null, isSingle: false }
  return { from: key, to: rangeEnd, isSingle: false }
}
