/** Groups of single keys in a hash table that is asked with bytes in place: a look-up makes nothing. */

import { assert } from '../base/assert.js'
import type { Bytes } from '../base/bytes.js'
import type { WatcherGroup } from './watcher-group.js'

const SLOTS_MIN = 16
/** Of a longer key only both ends are hashed: the comparison that follows looks at all of it. */
const HASHED_BYTES_MAX = 256

export class ExactKeys {
  readonly #seed: number
  #slots: (WatcherGroup | null)[] = new Array<WatcherGroup | null>(SLOTS_MIN).fill(null)
  #size = 0

  /** The seed keeps clients from choosing keys that all meet in one slot. */
  constructor(seed: number) {
    this.#seed = seed >>> 0
  }

  get size(): number {
    return this.#size
  }

  find(key: Bytes, start: number, end: number): WatcherGroup | null {
    if (this.#size === 0) return null
    const hash = this.#hash(key, start, end)
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const group = this.#slots[slot] as WatcherGroup | null
      if (group === null) return null
      if (group.hash === hash && equals(group.from, key, start, end)) return group
    }
  }

  /** The group's key is not in the table yet. */
  add(group: WatcherGroup): void {
    if (2 * (this.#size + 1) > this.#slots.length) this.#grow()
    group.hash = this.#hash(group.from, 0, group.from.length)
    this.#place(group)
    this.#size++
  }

  remove(group: WatcherGroup): void {
    const slots = this.#slots
    const mask = slots.length - 1
    let hole = group.hash & mask
    while (slots[hole] !== group) {
      assert(slots[hole] !== null, 'a group is not in the table that it is removed from')
      hole = (hole + 1) & mask
    }
    // Those behind the hole that would not be found any more move into it.
    for (let slot = (hole + 1) & mask; slots[slot] !== null; slot = (slot + 1) & mask) {
      const home = (slots[slot] as WatcherGroup).hash & mask
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue
      slots[hole] = slots[slot] as WatcherGroup
      hole = slot
    }
    slots[hole] = null
    this.#size--
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = new Array<WatcherGroup | null>(old.length * 2).fill(null)
    for (const group of old) if (group !== null) this.#place(group)
  }

  #place(group: WatcherGroup): void {
    const mask = this.#slots.length - 1
    let slot = group.hash & mask
    while (this.#slots[slot] !== null) slot = (slot + 1) & mask
    this.#slots[slot] = group
  }

  #hash(key: Bytes, start: number, end: number): number {
    const length = end - start
    let hash = this.#seed ^ length
    if (length <= HASHED_BYTES_MAX) {
      hash = mixBytes(hash, key, start, end)
    } else {
      hash = mixBytes(hash, key, start, start + HASHED_BYTES_MAX / 2)
      hash = mixBytes(hash, key, end - HASHED_BYTES_MAX / 2, end)
    }
    hash ^= hash >>> 16
    hash = Math.imul(hash, 0x85ebca6b)
    hash ^= hash >>> 13
    hash = Math.imul(hash, 0xc2b2ae35)
    return (hash ^ (hash >>> 16)) >>> 0
  }
}

function mixBytes(hash: number, bytes: Bytes, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    hash = Math.imul(hash ^ (bytes[at] as number), 0x9e3779b1)
    hash = (hash << 13) | (hash >>> 19)
  }
  return hash
}

function equals(a: Bytes, b: Bytes, start: number, end: number): boolean {
  if (a.length !== end - start) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[start + i]) return false
  return true
}
