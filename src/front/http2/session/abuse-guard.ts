/** Counts what a hostile client repeats: cheap frames per window of time, and keep-alive PINGs. */

import type { Http2Limits } from './http2-limits.js'

/** A client without streams has no reason to ping more often than the server itself would. */
const IDLE_PING_MS = 7_200_000

export class AbuseGuard {
  readonly #limits: Http2Limits
  #windowStartMs = -Infinity
  #resets = 0
  #settings = 0
  #emptyData = 0
  #junk = 0
  #lastPingMs = -Infinity
  #pingStrikes = 0

  constructor(limits: Http2Limits) {
    this.#limits = limits
  }

  /** Each of these is true when the connection must end. */
  countReset(nowMs: number): boolean {
    this.#turnWindow(nowMs)
    return ++this.#resets > this.#limits.resetCountMax
  }

  countSettings(nowMs: number): boolean {
    this.#turnWindow(nowMs)
    return ++this.#settings > this.#limits.settingsCountMax
  }

  countEmptyData(nowMs: number): boolean {
    this.#turnWindow(nowMs)
    return ++this.#emptyData > this.#limits.emptyDataCountMax
  }

  countJunk(nowMs: number): boolean {
    this.#turnWindow(nowMs)
    return ++this.#junk > this.#limits.junkCountMax
  }

  /**
   * The keep-alive policy of grpc-go's server. `hasSent`: headers or data went out since the last PING, which
   * excuses this one, because clients measure their bandwidth with PINGs of their own.
   */
  countPing(nowMs: number, hasStreams: boolean, hasSent: boolean): boolean {
    const sinceMs = nowMs - this.#lastPingMs
    this.#lastPingMs = nowMs
    if (hasSent) {
      this.#pingStrikes = 0
      return false
    }
    const isIdle = !hasStreams && !this.#limits.isPingWithoutStreamsAllowed
    if (sinceMs < (isIdle ? IDLE_PING_MS : this.#limits.pingMinTimeMs)) this.#pingStrikes++
    return this.#pingStrikes > this.#limits.pingStrikeCountMax
  }

  #turnWindow(nowMs: number): void {
    if (nowMs - this.#windowStartMs < this.#limits.abuseWindowMs) return
    this.#windowStartMs = nowMs
    this.#resets = 0
    this.#settings = 0
    this.#emptyData = 0
    this.#junk = 0
  }
}
