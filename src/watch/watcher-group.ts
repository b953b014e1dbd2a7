/** All watchers of one index that watch exactly the same key or range: they are found together. */

import { assert } from '../base/assert.js'
import type { Bytes } from '../base/bytes.js'
import type { Watcher } from './watcher.js'

export class WatcherGroup {
  readonly from: Bytes
  /** Null: to the end of the key space. Meaningless for a single key. */
  readonly to: Bytes | null
  readonly isSingle: boolean
  readonly watchers: Watcher[] = []

  /** For the table of single keys. */
  hash = 0
  /** For the tree of ranges: a treap by `from`, then `to`, in which every node knows the furthest end below it. */
  priority = 0
  left: WatcherGroup | null = null
  right: WatcherGroup | null = null
  /** Null: to the end of the key space. */
  furthestTo: Bytes | null = null

  constructor(from: Bytes, to: Bytes | null, isSingle: boolean) {
    this.from = from
    this.to = to
    this.isSingle = isSingle
    this.furthestTo = to
  }

  add(watcher: Watcher): void {
    assert(watcher.group === null, `watcher ${watcher.number} is in two groups`)
    watcher.group = this
    watcher.place = this.watchers.length
    this.watchers.push(watcher)
  }

  remove(watcher: Watcher): void {
    assert(this.watchers[watcher.place] === watcher, `watcher ${watcher.number} is not where it says`)
    const last = this.watchers.pop() as Watcher
    if (last !== watcher) {
      this.watchers[watcher.place] = last
      last.place = watcher.place
    }
    watcher.group = null
    watcher.place = -1
  }
}
