/**
 * What a thread measures of itself: turns, garbage collections, its heap, and how late its event loop is. It is written
 * to the thread's page, from where a scrape takes it without asking the thread.
 *
 * A parked thread hears of no performance entries: there collections are sampled between turns.
 */

import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { Clock } from '../../base/clock.js'
import { Counters, type Histogram } from '../../metrics/counters.js'
import { ownThreadId } from '../../metrics/process-file.js'
import { threadCounters, threadId } from '../../metrics/thread-catalogue.js'
import { CollectionSampler } from './collection-sampler.js'
import { ThreadProfiler } from './thread-profiler.js'

const HEAP_MS = 1000
/** How often the event loop's delay is looked at. */
const LOOP_MS = 100

export class ThreadMeter {
  readonly #counters: Counters
  readonly #turns: Histogram
  readonly #gcPauses: Histogram
  readonly #loopDelays: Histogram
  readonly #collections: CollectionSampler
  #observer: PerformanceObserver | null = null
  #loopTimer: NodeJS.Timeout | null = null
  #heapAtMs = 0
  readonly #profiler: ThreadProfiler

  constructor(page: SharedArrayBuffer, threadName: string, profileChannel: string) {
    this.#counters = new Counters(page)
    this.#profiler = new ThreadProfiler(this.#counters.page, threadName, profileChannel)
    this.#turns = this.#counters.histogram(threadCounters.turnDuration)
    this.#gcPauses = this.#counters.histogram(threadCounters.gcPause)
    this.#loopDelays = this.#counters.histogram(threadCounters.loopDelay)
    this.#collections = new CollectionSampler((seconds) => this.#gcPauses.observe(seconds))
  }

  /** On a thread that sleeps in Atomics.wait: `betweenTurns` is to be called. */
  startBlocking(): void {
    this.#counters.set(threadId, ownThreadId())
  }

  /** On a thread with an event loop: everything comes by itself. Keeps no process alive. */
  startEventLoop(clock: Clock): void {
    this.#counters.set(threadId, ownThreadId())
    this.#observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) this.#gcPauses.observe(duration / 1000)
    })
    this.#observer.observe({ entryTypes: ['gc'] })
    let dueMs = clock.nowMs() + LOOP_MS
    this.#loopTimer = setInterval(() => {
      const nowMs = clock.nowMs()
      this.#loopDelays.observe(Math.max(0, nowMs - dueMs) / 1000)
      dueMs = nowMs + LOOP_MS
      this.#measureHeap(nowMs)
    }, LOOP_MS)
    this.#loopTimer.unref()
  }

  stop(): void {
    this.#observer?.disconnect()
    if (this.#loopTimer !== null) clearInterval(this.#loopTimer)
    this.#collections.stop()
  }

  onTurn(work: number, tookMs: number, nowMs: number): void {
    this.#counters.add(threadCounters.turns)
    if (work > 0) this.#turns.observe(tookMs / 1000)
    this.#profiler.check(nowMs)
  }

  betweenTurns(nowMs: number): void {
    this.#collections.look(nowMs)
    this.#measureHeap(nowMs)
  }

  #measureHeap(nowMs: number): void {
    if (nowMs < this.#heapAtMs) return
    this.#heapAtMs = nowMs + HEAP_MS
    this.#counters.set(threadCounters.heapUsed, getHeapStatistics().used_heap_size)
  }
}
