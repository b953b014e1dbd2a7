/**
 * Feeds watchers that are behind from the store, a slice of history in each turn. A slice starts where the watcher that
 * has waited longest stands, and serves everyone who needs anything from there on; whoever comes to the end of the
 * snapshot goes on with the event log, which has everything after it.
 */

import { assert } from '../base/assert.js'
import type { KeyRecord } from '../keyspace/key-record.js'
import type { KeyspaceView } from '../keyspace/keyspace-view.js'
import { EventBlock } from './event-block.js'
import type { FrontChannel } from './front-channel.js'
import type { StoreReader } from './store-reader.js'
import type { WatcherRegistry } from './watcher-registry.js'
import type { Watcher } from './watcher.js'

/** Limits of a slice. It ends with a whole revision; etcd too puts no more than 1000 revisions into a response. */
const ROWS_MAX = 1000
const BYTES_MAX = 1024 * 1024
const MATCHES_MAX = 256 * 1024

export class CatchUp {
  readonly #store: StoreReader
  readonly #registry: WatcherRegistry
  readonly #block: EventBlock
  #slice = 0
  /** The channel whose turn it is to lead. */
  #nextChannel = 0
  /** Channels that take events in this slice. */
  readonly #open: FrontChannel[] = []
  #startRevision = 0
  #rows = 0
  /** The revision being visited. */
  #revision = 0

  constructor(store: StoreReader, registry: WatcherRegistry) {
    this.#store = store
    this.#registry = registry
    this.#block = new EventBlock(store)
  }

  get eventsSent(): number {
    return this.#block.eventsSent
  }

  /** One slice. `liveRevision`: how far live watchers are. Returns 0 if there is nobody who could be served now. */
  work(liveRevision: number): number {
    if (this.#registry.behind.size === 0 || !this.#findOpen()) return 0
    const view = this.#store.view(liveRevision)
    this.#cancelCompacted(view)
    // The cancellations may have taken the last room.
    if (!this.#findOpen()) return 1
    const lead = this.#findLead()
    this.#slice++
    this.#startRevision = lead.from
    const end = this.#scan(view)
    for (const watcher of this.#block.send(view.currentRevision)) watcher.refusedSlice = this.#slice
    this.#block.clear()
    this.#advance(end, liveRevision)
    this.#rotate(lead)
    return 1
  }

  #findOpen(): boolean {
    this.#open.length = 0
    for (const channel of this.#registry.channels) {
      if (channel.behind.size > 0 && !channel.isFull) this.#open.push(channel)
    }
    return this.#open.length > 0
  }

  /** Nobody is given less than everything: what begins below the compaction ends. */
  #cancelCompacted(view: KeyspaceView): void {
    const { compactRevision, currentRevision } = view
    for (const channel of this.#open) {
      for (const watcher of channel.behind) {
        if (watcher.from >= compactRevision) continue
        this.#registry.remove(watcher)
        channel.canceled(watcher.number, currentRevision, compactRevision)
      }
    }
  }

  /** The first of the next channel. */
  #findLead(): Watcher {
    this.#nextChannel = (this.#nextChannel + 1) % this.#open.length
    const { behind } = this.#open[this.#nextChannel] as FrontChannel
    const [lead] = behind
    assert(lead !== undefined, 'an open channel has somebody behind')
    return lead
  }

  /** Gathers events and returns the last revision that was looked at as a whole. */
  #scan(view: KeyspaceView): number {
    this.#rows = 0
    this.#revision = this.#startRevision - 1
    let isCut = false
    view.scanRevisions(this.#startRevision, 0, (record) => {
      if (record.modRevision !== this.#revision) {
        isCut = this.#isFull()
        if (isCut) return false
        this.#revision = record.modRevision
      }
      this.#rows++
      this.#match(record)
      return true
    })
    return isCut ? this.#revision : view.currentRevision
  }

  #isFull(): boolean {
    const block = this.#block
    return this.#rows >= ROWS_MAX || block.byteLength >= BYTES_MAX || block.matches >= MATCHES_MAX
  }

  #match(record: KeyRecord): void {
    const groups = this.#registry.behind.find(record.key)
    if (groups.length === 0) return
    const { modRevision, isTombstone } = record
    this.#block.startEvent(record)
    for (const group of groups) {
      for (const watcher of group.watchers) {
        if (watcher.from > modRevision || watcher.from < this.#startRevision) continue
        const { isPaused, channel } = watcher.stream
        if (isPaused || channel.isFull || !watcher.accepts(isTombstone)) continue
        this.#block.add(watcher)
      }
    }
  }

  /** Whoever was served up to `end` goes on after it, or joins the live ones if those are not further. */
  #advance(end: number, liveRevision: number): void {
    for (const channel of this.#open) {
      for (const watcher of channel.behind) {
        if (watcher.refusedSlice === this.#slice) continue
        if (watcher.from >= this.#startRevision && watcher.from <= end) watcher.from = end + 1
        if (watcher.from > liveRevision) this.#registry.joinLive(watcher)
      }
    }
  }

  #rotate(lead: Watcher): void {
    if (!lead.isBehind || lead.stream.isPaused) return
    const { behind } = lead.stream.channel
    behind.delete(lead)
    behind.add(lead)
  }
}
