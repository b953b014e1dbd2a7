/**
 * Tells watchers what happened: matches the changes that mvcc commits to those who watch their keys, and feeds those
 * who began in the past, or fell behind, from the store. Never delays mvcc, and keeps nothing for a slow watcher but
 * where it stands.
 */

import type { Actor } from '../actor/actor.js'
import { assert } from '../base/assert.js'
import { EventLogReader } from '../keyspace/event-log-reader.js'
import type { FrontMessages } from '../messages/front-messages.js'
import { dispatcherOf, type Dispatch } from '../messages/message-codec.js'
import type { Handler, Message, Sender } from '../messages/protocol.js'
import { Word, watchReader, type SharedWords } from '../messages/shared-words.js'
import { toldRevision } from '../messages/told-early.js'
import { watchMessages, type WatchMessages } from '../messages/watch-messages.js'
import { counters } from '../metrics/counter-catalogue.js'
import type { Counters } from '../metrics/counters.js'
import type { Logger } from '../metrics/logger.js'
import { etcdErrors } from '../proto/etcd-errors.js'
import type { RingReader } from '../ring/ring-reader.js'
import { GenerationReader } from '../store/generations/generation-reader.js'
import type { ReadableStore } from '../store/store.js'
import { CatchUp } from './catch-up.js'
import { FrontChannel } from './front-channel.js'
import { LiveFeed } from './live-feed.js'
import { Progress } from './progress.js'
import { StoreReader } from './store-reader.js'
import { WatcherRegistry } from './watcher-registry.js'

/**
 * Bytes of events in one record to a front; a longer block goes in parts. Half of a ring of 4 MiB would be the limit.
 */
export const PART_BYTES_MAX = 256 * 1024

export interface WatchContext {
  /** This worker's number. */
  readonly index: number
  readonly words: SharedWords
  readonly eventLog: SharedArrayBuffer
  /**
   * Opens a store file for reading on this thread; called when the first watcher comes, and again for a new generation.
   */
  readonly openStore: (generation: number) => ReadableStore
  /** Null where the store is written without recent rows. */
  readonly recentRows: SharedArrayBuffer | null
  readonly fronts: readonly Sender<FrontMessages>[]
  readonly progressNotifyMs: number
  /** Random: keeps clients from choosing keys that are slow to find. */
  readonly seed: number
  readonly counters: Counters
  readonly logger: Logger
  readonly partBytesMax?: number
}

export class WatchActor implements Actor, Handler<WatchMessages> {
  readonly name = 'watch' as const
  readonly #context: WatchContext
  readonly #dispatch: Dispatch
  readonly #channels: readonly FrontChannel[]
  readonly #registry: WatcherRegistry
  readonly #store: StoreReader
  readonly #live: LiveFeed
  readonly #catchUp: CatchUp
  readonly #progress: Progress
  #nowMs = 0
  /** The front whose message is being heard. */
  #from = 0

  constructor(context: WatchContext) {
    const { index: worker, words, eventLog, openStore, fronts, progressNotifyMs, seed, partBytesMax, logger } = context
    this.#context = context
    this.#dispatch = dispatcherOf(watchMessages, this)
    this.#channels = fronts.map((front, index) => new FrontChannel(index, front, partBytesMax ?? PART_BYTES_MAX))
    this.#progress = new Progress(progressNotifyMs)
    this.#registry = new WatcherRegistry({ channels: this.#channels, words, progress: this.#progress, seed })
    const file = new GenerationReader(words, watchReader(worker), openStore, context.recentRows)
    this.#store = new StoreReader(file, context.counters)
    this.#live = new LiveFeed({
      log: new EventLogReader(eventLog, words),
      store: this.#store,
      registry: this.#registry,
      onLost: (from, to) => {
        context.counters.add(counters.eventLogOverruns)
        logger.warn('watch', 'event log ran over; watchers catch up', { from, to })
      },
    })
    this.#catchUp = new CatchUp(this.#store, this.#registry)
  }

  onStart(nowMs: number): void {
    this.#nowMs = this.#store.nowMs = nowMs
  }

  onFrame(reader: RingReader, nowMs: number, from: number): void {
    this.#nowMs = this.#store.nowMs = nowMs
    this.#from = from
    this.#dispatch(reader)
  }

  isBlocked(): boolean {
    if (this.#progress.isFull) return true
    for (const channel of this.#channels) if (channel.isBlocked) return true
    return false
  }

  awaitedWordCame(): boolean {
    return (this.#registry.size > 0 && this.#live.hasNew()) || this.#store.isStale
  }

  onCreate(message: Message<WatchMessages, 'create'>): void {
    const { watcher: number, startRevision, options } = message
    const { words } = this.#context
    const channel = this.#channel()
    // Nobody reads the log while there are no watchers.
    if (this.#registry.size === 0) this.#live.begin()
    // No older than anything that this client has seen; the log may be further still.
    const current = Math.max(toldRevision(words), this.#live.revision)
    if (!this.#registry.hasRoomFor(message.key.length + message.rangeEnd.length)) {
      channel.created(number, current, etcdErrors.requestTooManyRequests.id)
      return
    }
    channel.created(number, current, 0)
    const from = startRevision === 0 ? current + 1 : startRevision
    const isBehind = from <= this.#live.revision || from < words.load(Word.compactRevision)
    const stream = this.#registry.streamOf(channel, message.stream)
    const key = message.key.copy()
    const rangeEnd = message.rangeEnd.copy()
    this.#registry.add(stream, { number, options, startRevision, from, isBehind, key, rangeEnd }, this.#nowMs)
  }

  /** A watcher that is gone already has been told so, or never was. */
  onCancel(message: Message<WatchMessages, 'cancel'>): void {
    const channel = this.#channel()
    const watcher = channel.watchers.get(message.watcher)
    if (watcher === undefined) return
    this.#registry.remove(watcher)
    channel.canceled(watcher.number, toldRevision(this.#context.words), 0)
  }

  onCloseStream(message: Message<WatchMessages, 'closeStream'>): void {
    const stream = this.#channel().streams.get(message.stream)
    if (stream !== undefined) this.#registry.removeStream(stream)
  }

  onProgress(message: Message<WatchMessages, 'progress'>): void {
    const stream = this.#channel().streams.get(message.stream)
    if (stream !== undefined) this.#progress.request(stream, toldRevision(this.#context.words))
  }

  onPause(message: Message<WatchMessages, 'pause'>): void {
    const stream = this.#channel().streams.get(message.stream)
    if (stream !== undefined) this.#registry.pause(stream)
  }

  onResume(message: Message<WatchMessages, 'resume'>): void {
    const stream = this.#channel().streams.get(message.stream)
    if (stream !== undefined) this.#registry.resume(stream)
  }

  doWork(nowMs: number): number {
    this.#nowMs = this.#store.nowMs = nowMs
    let work = 0
    for (const channel of this.#channels) work += channel.flush(nowMs)
    if (this.#registry.size > 0) {
      work += this.#live.work()
      work += this.#catchUp.work(this.#live.revision)
    }
    work += this.#store.endTurn()
    this.#count()
    return work + this.#progress.work(this.#live.revision, nowMs)
  }

  wakeAtMs(): number {
    let wakeAtMs = this.#progress.wakeAtMs()
    for (const channel of this.#channels) {
      if (channel.hasUnsent || channel.behind.size > 0) wakeAtMs = Math.min(wakeAtMs, channel.retryAtMs)
    }
    return wakeAtMs
  }

  isIdle(): boolean {
    return this.#channels.every((channel) => !channel.hasUnsent)
  }

  onClose(): void {
    this.#context.words.add(Word.watcherCount, -this.#registry.size)
    this.#store.close()
  }

  #count(): void {
    const page = this.#context.counters
    page.set(counters.watchers, this.#registry.size)
    page.set(counters.slowWatchers, this.#registry.behind.size)
    page.set(counters.watchEvents, this.#live.eventsSent + this.#catchUp.eventsSent)
  }

  #channel(): FrontChannel {
    const channel = this.#channels[this.#from]
    assert(channel !== undefined, `a message of front ${this.#from}`)
    return channel
  }
}
