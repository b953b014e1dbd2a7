/** Every watcher of this worker, and in which of the two indexes it stands: live, or behind and catching up. */

import { assert } from '../base/assert.js'
import type { Bytes } from '../base/bytes.js'
import { Word, type SharedWords } from '../messages/shared-words.js'
import type { FrontChannel } from './front-channel.js'
import type { Progress } from './progress.js'
import { WatcherIndex, watchedRange } from './watcher-index.js'
import { WatchStream, Watcher } from './watcher.js'

/** Watchers of one worker. */
const WATCHERS_MAX = 1_000_000
/** Bytes of keys and range ends of all watchers of one worker. */
const KEY_BYTES_MAX = 256 * 1024 * 1024

export interface NewWatcher {
  readonly number: number
  readonly options: number
  readonly startRevision: number
  readonly from: number
  readonly isBehind: boolean
  /** The watcher's own from now on. */
  readonly key: Bytes
  readonly rangeEnd: Bytes
}

export class WatcherRegistry {
  readonly channels: readonly FrontChannel[]
  readonly live: WatcherIndex
  readonly behind: WatcherIndex
  readonly #words: SharedWords
  readonly #progress: Progress
  #keyBytes = 0

  constructor(options: {
    channels: readonly FrontChannel[]
    words: SharedWords
    progress: Progress
    seed: number
  }) {
    const { channels, words, progress, seed } = options
    this.channels = channels
    this.#words = words
    this.#progress = progress
    this.live = new WatcherIndex(seed)
    this.behind = new WatcherIndex(seed + 1)
  }

  get size(): number {
    return this.live.size + this.behind.size
  }

  hasRoomFor(keyBytes: number): boolean {
    return this.size < WATCHERS_MAX && this.#keyBytes + keyBytes <= KEY_BYTES_MAX
  }

  streamOf(channel: FrontChannel, number: number): WatchStream {
    let stream = channel.streams.get(number)
    if (stream === undefined) {
      stream = new WatchStream(number, channel)
      channel.streams.set(number, stream)
    }
    return stream
  }

  add(stream: WatchStream, fields: NewWatcher, nowMs: number): void {
    const { number, key, rangeEnd, isBehind } = fields
    const { channel } = stream
    assert(!channel.watchers.has(number), `front ${channel.index} has watcher ${number} already`)
    const watcher = new Watcher({ ...fields, stream })
    channel.watchers.set(number, watcher)
    stream.watchers.add(watcher)
    const range = watchedRange(key, rangeEnd)
    watcher.keyBytes = key.length + rangeEnd.length
    this.#keyBytes += watcher.keyBytes
    if (isBehind) {
      this.behind.add(watcher, range)
      this.#markBehind(watcher)
    } else {
      this.live.add(watcher, range)
    }
    this.#progress.added(watcher, nowMs)
    this.#words.add(Word.watcherCount, 1)
  }

  remove(watcher: Watcher): void {
    const { stream } = watcher
    if (watcher.isBehind) {
      this.#unmarkBehind(watcher)
      this.behind.remove(watcher)
    } else {
      this.live.remove(watcher)
    }
    stream.watchers.delete(watcher)
    stream.channel.watchers.delete(watcher.number)
    this.#keyBytes -= watcher.keyBytes
    this.#progress.removed(watcher)
    this.#words.add(Word.watcherCount, -1)
  }

  removeStream(stream: WatchStream): void {
    for (const watcher of stream.watchers) this.remove(watcher)
    stream.channel.streams.delete(stream.number)
  }

  /** A live watcher has missed `revision`: it goes on from there, or from where it begins. */
  fallBehind(watcher: Watcher, revision: number): void {
    assert(!watcher.isBehind, `watcher ${watcher.number} is behind already`)
    if (watcher.from < revision) watcher.from = revision
    this.behind.add(watcher, this.live.remove(watcher))
    this.#markBehind(watcher)
  }

  /** Every live watcher that begins at or before `upTo` has missed what came from `revision` on. */
  allFallBehind(revision: number, upTo: number): void {
    for (const channel of this.channels) {
      for (const watcher of channel.watchers.values()) {
        if (!watcher.isBehind && watcher.from <= upTo) this.fallBehind(watcher, revision)
      }
    }
  }

  /** A watcher that was behind needs nothing more from the store. */
  joinLive(watcher: Watcher): void {
    this.#unmarkBehind(watcher)
    this.live.add(watcher, this.behind.remove(watcher))
  }

  pause(stream: WatchStream): void {
    stream.isPaused = true
    for (const watcher of stream.watchers) stream.channel.behind.delete(watcher)
  }

  resume(stream: WatchStream): void {
    stream.isPaused = false
    for (const watcher of stream.watchers) if (watcher.isBehind) stream.channel.behind.add(watcher)
  }

  #markBehind(watcher: Watcher): void {
    const { stream } = watcher
    watcher.isBehind = true
    stream.behindCount++
    if (!stream.isPaused) stream.channel.behind.add(watcher)
  }

  #unmarkBehind(watcher: Watcher): void {
    const { stream } = watcher
    watcher.isBehind = false
    stream.behindCount--
    stream.channel.behind.delete(watcher)
  }
}
