/** Time as a parameter: only `system-clock.ts` reads the machine's clock, so that a simulation can own time. */

export interface Clock {
  /** Monotonic milliseconds, the same origin on every thread of the process. May be fractional. */
  nowMs(): number
  /** Wall-clock milliseconds since 1970. May jump; for people and certificates, never for deadlines. */
  wallMs(): number
}
