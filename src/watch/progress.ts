/**
 * What watchers are told while nothing happens: answers to progress requests, and periodic notices to those who asked
 * for them.
 */

import type { WatchStream, Watcher } from './watcher.js'

/** At this many open requests the inbox is left alone. */
const REQUESTS_MAX = 4096

interface ProgressRequest {
  readonly stream: WatchStream
  /** What its client may have seen. The answer is at least this. */
  readonly revisionMin: number
}

export class Progress {
  readonly #intervalMs: number
  #requests: ProgressRequest[] = []
  /** Streams with watchers that want notices, the next due first: all have the same interval. */
  readonly #ticking = new Set<WatchStream>()

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  get isFull(): boolean {
    return this.#requests.length >= REQUESTS_MAX
  }

  request(stream: WatchStream, revisionMin: number): void {
    this.#requests.push({ stream, revisionMin })
  }

  /** A watcher was added. */
  added({ stream, wantsNotices }: Watcher, nowMs: number): void {
    if (!wantsNotices) return
    stream.notifyCount++
    if (stream.notifyCount === 1) this.#schedule(stream, nowMs)
  }

  removed({ stream, wantsNotices }: Watcher): void {
    if (!wantsNotices) return
    stream.notifyCount--
    if (stream.notifyCount === 0) this.#ticking.delete(stream)
  }

  /** `revision`: up to here live watchers have everything. Returns how much was done. */
  work(revision: number, nowMs: number): number {
    return this.#answer(revision) + this.#tick(revision, nowMs)
  }

  wakeAtMs(): number {
    for (const stream of this.#ticking) return stream.notifyAtMs
    return Infinity
  }

  #answer(revision: number): number {
    if (this.#requests.length === 0) return 0
    const before = this.#requests.length
    this.#requests = this.#requests.filter((request) => {
      const { stream, revisionMin } = request
      if (revision < revisionMin && stream.watchers.size > 0) return true
      if (hasEverything(stream, revision)) stream.channel.progress(stream.number, revision)
      return false
    })
    return before - this.#requests.length
  }

  #tick(revision: number, nowMs: number): number {
    let ticks = 0
    for (const stream of this.#ticking) {
      if (stream.notifyAtMs > nowMs) break
      this.#ticking.delete(stream)
      this.#schedule(stream, nowMs)
      for (const watcher of stream.watchers) notify(watcher, revision)
      ticks++
    }
    return ticks
  }

  #schedule(stream: WatchStream, nowMs: number): void {
    stream.notifyAtMs = nowMs + this.#intervalMs
    this.#ticking.add(stream)
  }
}

/** etcd answers only for a whole stream: no watcher of it may be behind or in the future. No watchers, no answer. */
function hasEverything(stream: WatchStream, revision: number): boolean {
  if (stream.watchers.size === 0 || stream.behindCount > 0 || stream.isPaused) return false
  for (const watcher of stream.watchers) if (watcher.startRevision > revision) return false
  return true
}

function notify(watcher: Watcher, revision: number): void {
  if (!watcher.wantsNotices) return
  const { stream } = watcher
  const isUpToDate = !watcher.isBehind && !stream.isPaused && watcher.startRevision <= revision
  if (isUpToDate && !watcher.hadEvents) stream.channel.notify(watcher.number, revision)
  watcher.hadEvents = false
}
