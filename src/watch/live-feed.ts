/**
 * Follows the event log for the watchers that are up to date. Whoever cannot be served from it (its front's ring is
 * full, its stream is paused, the log has a gap or has run over) falls behind and is fed from the store.
 */

import { assert } from '../base/assert.js'
import { Slice } from '../base/slice.js'
import type { EventLogReader } from '../keyspace/event-log-reader.js'
import { KeyRecord } from '../keyspace/key-record.js'
import { EventBlock } from './event-block.js'
import type { StoreReader } from './store-reader.js'
import type { WatcherRegistry } from './watcher-registry.js'

/** Bytes of the log handled in one turn; a revision is always finished. */
const TURN_BYTES_MAX = 1024 * 1024

export interface LiveFeedOptions {
  readonly log: EventLogReader
  readonly store: StoreReader
  readonly registry: WatcherRegistry
  /** Revisions that were overwritten before they were read. */
  readonly onLost: (from: number, to: number) => void
}

export class LiveFeed {
  readonly #log: EventLogReader
  readonly #store: StoreReader
  readonly #registry: WatcherRegistry
  readonly #block: EventBlock
  readonly #onLost: (from: number, to: number) => void
  readonly #record = new KeyRecord()
  readonly #payload = new Slice()
  /** Everything up to here has been offered to the live watchers. */
  #revision = 0
  #isInsideRevision = false

  constructor(options: LiveFeedOptions) {
    this.#log = options.log
    this.#store = options.store
    this.#registry = options.registry
    this.#onLost = options.onLost
    this.#block = new EventBlock(options.store)
  }

  get eventsSent(): number {
    return this.#block.eventsSent
  }

  get revision(): number {
    return this.#revision
  }

  hasNew(): boolean {
    return this.#log.hasNew()
  }

  /** Takes up the log, which nobody needed until now, where the store stands. */
  begin(): void {
    this.#log.seekToTail()
    // The snapshot must be younger than the look at the tail: then it holds all that was skipped.
    this.#store.release()
    this.#revision = this.#store.view(0).currentRevision
  }

  /** Returns how many changes were looked at. */
  work(): number {
    const log = this.#log
    const stopAt = log.position + TURN_BYTES_MAX
    let changes = 0
    while (this.#isInsideRevision || log.position < stopAt) {
      const state = log.fill()
      if (state === 'nothing') break
      if (state === 'overrun') {
        this.#startOver()
        return changes + 1
      }
      while (log.next()) {
        this.#take()
        changes++
      }
    }
    assert(!this.#isInsideRevision, 'the event log ends inside a revision')
    return changes
  }

  #take(): void {
    const log = this.#log
    const { main } = log
    if (main <= this.#revision) return
    if (log.isGap) {
      assert(!this.#isInsideRevision, 'a gap inside a revision')
      this.#registry.allFallBehind(this.#revision + 1, main)
      this.#revision = main
      return
    }
    this.#isInsideRevision = true
    if (this.#registry.live.size > 0) this.#match(main)
    if (!log.isLastOfRevision) return
    this.#isInsideRevision = false
    this.#revision = main
    if (!this.#block.isEmpty) this.#send(main)
  }

  #match(main: number): void {
    const log = this.#log
    const record = this.#record.readEvent(this.#payload.at(log.bytes, log.start, log.end), main, log.sub)
    const groups = this.#registry.live.find(record.key)
    if (groups.length === 0) return
    const block = this.#block
    block.startEvent(record)
    for (const group of groups) {
      for (const watcher of group.watchers) {
        if (watcher.from <= main && watcher.accepts(record.isTombstone)) block.add(watcher)
      }
    }
  }

  #send(main: number): void {
    for (const watcher of this.#block.send(main)) this.#registry.fallBehind(watcher, main)
    this.#block.clear()
  }

  /** The log ran over before it was read: what was lost comes from the store. */
  #startOver(): void {
    this.#isInsideRevision = false
    this.#block.clear()
    const lostFrom = this.#revision + 1
    this.begin()
    this.#registry.allFallBehind(lostFrom, this.#revision)
    this.#onLost(lostFrom, this.#revision)
  }
}
