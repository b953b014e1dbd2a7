/** One watcher and one stream of watchers, as this worker keeps them. */

import { WatchOption } from '../messages/watch-messages.js'
import type { EventSet } from './event-block.js'
import type { FrontChannel } from './front-channel.js'
import type { WatcherGroup } from './watcher-group.js'

export class WatchStream {
  readonly number: number
  readonly channel: FrontChannel
  readonly watchers = new Set<Watcher>()
  /** How many of them are behind. */
  behindCount = 0
  /** The client reads too slowly: nothing is sent but what it asked for, until the front says otherwise. */
  isPaused = false
  /** Watchers that want periodic notices; the stream is in the ticker while there are any. */
  notifyCount = 0
  notifyAtMs = Infinity

  constructor(number: number, channel: FrontChannel) {
    this.number = number
    this.channel = channel
  }
}

export class Watcher {
  readonly number: number
  readonly stream: WatchStream
  readonly options: number
  /** As the client gave it; 0 is from now on. */
  readonly startRevision: number
  /** Everything below this revision is sent or was never asked for. */
  from: number
  /** True while its events come from the store: it is then in the index of those behind, else in the live one. */
  isBehind = false
  /** True if it was sent events since the last periodic tick of its stream. */
  hadEvents = false
  /** Of its key and range end. */
  keyBytes = 0
  /** Number of the catch-up slice whose events found no room. */
  refusedSlice = 0

  /** Its group in the index it is in, and its place there. */
  group: WatcherGroup | null = null
  place = -1
  /** Which events of the block number `blockNumber` are for it. */
  blockNumber = 0
  eventSet: EventSet | null = null

  constructor(fields: {
    number: number
    stream: WatchStream
    options: number
    startRevision: number
    from: number
  }) {
    this.number = fields.number
    this.stream = fields.stream
    this.options = fields.options
    this.startRevision = fields.startRevision
    this.from = fields.from
  }

  get wantsPrevious(): boolean {
    return (this.options & WatchOption.prevKv) !== 0
  }

  get wantsNotices(): boolean {
    return (this.options & WatchOption.progressNotify) !== 0
  }

  /** Whether its filters let such a change through. */
  accepts(isDelete: boolean): boolean {
    return (this.options & (isDelete ? WatchOption.noDelete : WatchOption.noPut)) === 0
  }
}
