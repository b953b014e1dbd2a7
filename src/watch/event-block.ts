/**
 * What goes out together: the events of one revision as they happen, or those of a stretch of history during catch-up.
 * Every event is encoded once, with and without the previous value as its watchers want it, and watchers of one front
 * for whom the same events are meant get them in one record.
 *
 * Watchers are sorted by their events while these come in: a set of events is a node of a tree, its parent is the set
 * without its last event. Since events come in order, a node needs to know its newest child only.
 */

import { assert } from '../base/assert.js'
import { EMPTY_BYTES, type Bytes } from '../base/bytes.js'
import { Slice } from '../base/slice.js'
import type { KeyRecord } from '../keyspace/key-record.js'
import { EncodedEvents } from './encoded-events.js'
import type { FrontChannel } from './front-channel.js'
import type { Watcher } from './watcher.js'

/** Sets and joined bytes kept from one block to the next. */
const SETS_KEPT_MAX = 64 * 1024
const JOINED_BYTES_KEPT_MAX = 4 * 1024 * 1024

/** Finds what a change replaced. */
export interface PreviousValues {
  /** The KeyValue before the change, null if there was none or it is compacted. Dead at the next call. */
  previousOf(record: KeyRecord): Slice | null
}

/** A set of events of one block for one front, in one of the two encodings. */
export class EventSet {
  channel: FrontChannel | null = null
  encoded: EncodedEvents | null = null
  /** The set without its last event; null for the empty set. */
  parent: EventSet | null = null
  /** Position of the last event in the encoding. */
  position = -1
  count = 0
  /** Position of the first event. */
  firstPosition = -1
  newestChild: EventSet | null = null
  readonly watchers: Watcher[] = []
}

export class EventBlock {
  readonly #previousValues: PreviousValues
  readonly #plain = new EncodedEvents()
  readonly #withPrevious = new EncodedEvents()
  /** Numbers blocks of all event blocks, so that a watcher's mark from another one is never taken for this one's. */
  static #blocks = 0
  #blockNumber = 0
  /** Empty sets by channel index, without and with previous values. */
  readonly #roots: [EventSet[], EventSet[]] = [[], []]
  readonly #usedRoots: EventSet[] = []
  readonly #pool: EventSet[] = []
  #poolUsed = 0
  #matches = 0
  /** Events that went out, once for each watcher. Grows only. */
  eventsSent = 0
  readonly #touched: Watcher[] = []
  readonly #sets: EventSet[] = []
  readonly #unsent: Watcher[] = []
  /** The event being added, and its positions once somebody wanted it. */
  #record: KeyRecord | null = null
  #plainPosition = -1
  #previousPosition = -1
  readonly #kv = new Slice()
  readonly #selected = new Slice()
  #joined: Bytes = EMPTY_BYTES

  constructor(previousValues: PreviousValues) {
    this.#previousValues = previousValues
    this.clear()
  }

  get isEmpty(): boolean {
    return this.#touched.length === 0
  }

  get byteLength(): number {
    return this.#plain.length + this.#withPrevious.length
  }

  /** Pairs of an event and a watcher in this block. */
  get matches(): number {
    return this.#matches
  }

  /** Forgets everything and starts the next block. */
  clear(): void {
    this.#plain.clear()
    this.#withPrevious.clear()
    for (const watcher of this.#touched) watcher.eventSet = null
    this.#touched.length = 0
    for (const root of this.#usedRoots) root.newestChild = null
    this.#usedRoots.length = 0
    for (let i = 0; i < this.#poolUsed; i++) (this.#pool[i] as EventSet).newestChild = null
    this.#poolUsed = 0
    if (this.#pool.length > SETS_KEPT_MAX) this.#pool.length = SETS_KEPT_MAX
    if (this.#joined.length > JOINED_BYTES_KEPT_MAX) this.#joined = EMPTY_BYTES
    this.#matches = 0
    this.#record = null
    this.#blockNumber = ++EventBlock.#blocks
  }

  /** The next event; `add` says for whom it is. The record must stay as it is until the event's last `add`. */
  startEvent(record: KeyRecord): void {
    this.#record = record
    this.#plainPosition = -1
    this.#previousPosition = -1
  }

  /** The event is for this watcher, who has not been named for it before. */
  add(watcher: Watcher): void {
    this.#matches++
    if (watcher.blockNumber !== this.#blockNumber) {
      watcher.blockNumber = this.#blockNumber
      watcher.eventSet = this.#rootFor(watcher)
      this.#touched.push(watcher)
    }
    const set = watcher.eventSet as EventSet
    const position = this.#encode(watcher.wantsPrevious)
    const child = set.newestChild
    watcher.eventSet = child !== null && child.position === position ? child : this.#newChild(set, position)
  }

  /**
   * Sends the block under this revision and returns those whose events did not go out, of whom nobody has got any part
   * of it. The list is reused.
   */
  send(revision: number): readonly Watcher[] {
    this.#unsent.length = 0
    for (const watcher of this.#touched) {
      const set = watcher.eventSet as EventSet
      if (watcher.stream.isPaused) {
        this.#unsent.push(watcher)
        continue
      }
      if (set.watchers.length === 0) this.#sets.push(set)
      set.watchers.push(watcher)
    }
    for (const set of this.#sets) {
      this.#sendSet(set, revision)
      set.watchers.length = 0
    }
    this.#sets.length = 0
    return this.#unsent
  }

  #sendSet(set: EventSet, revision: number): void {
    const { channel, watchers } = set
    assert(channel !== null, 'a set of events is for some front')
    const sent = channel.sendEvents(revision, this.#eventsOf(set), watchers)
    this.eventsSent += sent * set.count
    for (let i = 0; i < sent; i++) (watchers[i] as Watcher).hadEvents = true
    for (let i = sent; i < watchers.length; i++) this.#unsent.push(watchers[i] as Watcher)
  }

  #newChild(parent: EventSet, position: number): EventSet {
    let set = this.#pool[this.#poolUsed]
    if (set === undefined) {
      set = new EventSet()
      this.#pool.push(set)
    }
    this.#poolUsed++
    set.channel = parent.channel
    set.encoded = parent.encoded
    set.parent = parent
    set.position = position
    set.count = parent.count + 1
    set.firstPosition = parent.count === 0 ? position : parent.firstPosition
    parent.newestChild = set
    return set
  }

  #rootFor(watcher: Watcher): EventSet {
    const { channel } = watcher.stream
    const roots = this.#roots[watcher.wantsPrevious ? 1 : 0]
    let root = roots[channel.index]
    if (root === undefined) {
      root = new EventSet()
      root.channel = channel
      root.encoded = watcher.wantsPrevious ? this.#withPrevious : this.#plain
      roots[channel.index] = root
    }
    if (root.newestChild === null) this.#usedRoots.push(root)
    return root
  }

  /** Position of the current event in the wanted encoding. */
  #encode(withPrevious: boolean): number {
    const record = this.#record as KeyRecord
    if (!withPrevious) {
      if (this.#plainPosition < 0) this.#plainPosition = this.#plain.append(record.isTombstone, record.kv, null)
      return this.#plainPosition
    }
    if (this.#previousPosition >= 0) return this.#previousPosition
    // The record may lie in memory that the look-up overwrites, so its bytes go into the plain encoding first.
    if (this.#plainPosition < 0) this.#plainPosition = this.#plain.append(record.isTombstone, record.kv, null)
    const { isTombstone } = record
    const end = this.#plain.endOf(this.#plainPosition)
    this.#kv.at(this.#plain.bytes, end - record.kv.length, end)
    const previous = this.#previousValues.previousOf(record)
    this.#previousPosition = this.#withPrevious.append(isTombstone, this.#kv, previous)
    return this.#previousPosition
  }

  /** The set's events in one piece: where they were encoded if they stand side by side, else joined. */
  #eventsOf(set: EventSet): Slice {
    const encoded = set.encoded as EncodedEvents
    if (set.position - set.firstPosition + 1 === set.count) {
      return this.#selected.at(encoded.bytes, encoded.startOf(set.firstPosition), encoded.endOf(set.position))
    }
    let size = 0
    for (let node: EventSet = set; node.parent !== null; node = node.parent) {
      size += encoded.endOf(node.position) - encoded.startOf(node.position)
    }
    if (this.#joined.length < size) this.#joined = new Uint8Array(size)
    let at = size
    for (let node: EventSet = set; node.parent !== null; node = node.parent) {
      const start = encoded.startOf(node.position)
      const end = encoded.endOf(node.position)
      at -= end - start
      this.#joined.set(encoded.bytes.subarray(start, end), at)
    }
    return this.#selected.at(this.#joined, 0, size)
  }
}
