/**
 * Garbage collections of a thread that parks. Nobody tells such a thread of performance entries, so V8 keeps a list of
 * collections for it. The list costs kilobytes of text a collection, and that memory is native: it goes only when a
 * collection of the old generation finds its owner, which on a quiet heap may take an hour. So it is kept for a short
 * while only, again and again: what is counted is a sample.
 */

import { GCProfiler } from 'node:v8'

/** A fiftieth of the time is looked at. */
const SAMPLE_MS = 200
const SAMPLE_EVERY_MS = 10_000

export class CollectionSampler {
  readonly #observe: (pauseSeconds: number) => void
  #profiler: GCProfiler | null = null
  #dueAtMs = 0

  constructor(observe: (pauseSeconds: number) => void) {
    this.#observe = observe
  }

  /** To be called between turns; collections are only made within one. */
  look(nowMs: number): void {
    if (nowMs < this.#dueAtMs) return
    if (this.#profiler === null) {
      this.#profiler = new GCProfiler()
      this.#profiler.start()
      this.#dueAtMs = nowMs + SAMPLE_MS
    } else {
      this.stop()
      this.#dueAtMs = nowMs + SAMPLE_EVERY_MS - SAMPLE_MS
    }
  }

  stop(): void {
    const profiler = this.#profiler
    this.#profiler = null
    // `cost` is in microseconds. A profiler without any collection has no list on some versions of Node.
    for (const { cost } of profiler?.stop()?.statistics ?? []) this.#observe(cost / 1e6)
  }
}
