/** The machine's clock. CLOCK_MONOTONIC has one origin for all threads, which `performance.now()` does not. */

import type { Clock } from './clock.js'

export const systemClock: Clock = Object.freeze({
  nowMs(): number {
    const time = process.hrtime()
    return time[0] * 1000 + time[1] / 1e6
  },
  wallMs(): number {
    return Date.now()
  },
})
