/** How long it takes to hand watch responses to their connections, and how many watch streams there are. */

import type { Clock } from '../../base/clock.js'
import { counters, watchEventsTaken } from '../../metrics/counter-catalogue.js'
import type { Counters, Histogram } from '../../metrics/counters.js'

export class WatchMeter {
  readonly #counters: Counters
  readonly #clock: Clock
  readonly #responses: Histogram
  readonly #events: Histogram
  readonly #controls: Histogram
  readonly #notices: Histogram
  #startedMs = 0

  constructor(page: Counters, clock: Clock) {
    this.#counters = page
    this.#clock = clock
    this.#responses = page.histogram(counters.watchLoopResponse)
    this.#events = page.histogram(counters.watchLoopEvent)
    this.#controls = page.histogram(counters.watchLoopControl)
    this.#notices = page.histogram(counters.watchLoopProgress)
  }

  setStreams(count: number): void {
    this.#counters.set(counters.watchStreams, count)
  }

  start(): void {
    this.#startedMs = this.#clock.nowMs()
  }

  /** A block of events is here, for so many watchers, whether they are still there or not. */
  tookEvents(watchers: number, eventsEach: number): void {
    this.#counters.add(watchEventsTaken, watchers * eventsEach)
  }

  /** The same events went to so many watchers, one after the other. */
  sentEvents(responses: number, eventsEach: number): void {
    if (responses === 0 || eventsEach === 0) return
    const seconds = this.#seconds() / responses
    this.#responses.observe(seconds, responses)
    this.#events.observe(seconds / eventsEach, responses)
  }

  sentControl(): void {
    this.#controls.observe(this.#seconds())
  }

  sentNotice(): void {
    this.#notices.observe(this.#seconds())
  }

  #seconds(): number {
    return (this.#clock.nowMs() - this.#startedMs) / 1000
  }
}
