/** A connection's own clock work: what is due when. It decides; the session acts. */

import type { Http2Limits } from './http2-limits.js'

export type SessionDue = 'none' | 'handshake' | 'ping' | 'ping-timeout' | 'idle' | 'stall' | 'drain-notice' | 'drain'

export class SessionDeadlines {
  readonly #limits: Http2Limits
  #handshakeAtMs: number
  #lastReadMs: number
  #idleSinceMs: number
  #pingSentMs = Infinity
  #stalledSinceMs = Infinity
  #drainNoticeAtMs = Infinity
  #drainAtMs = Infinity

  constructor(limits: Http2Limits, acceptedMs: number) {
    this.#limits = limits
    this.#handshakeAtMs = acceptedMs + limits.handshakeMs
    this.#lastReadMs = acceptedMs
    this.#idleSinceMs = acceptedMs
  }

  onRead(nowMs: number): void {
    this.#lastReadMs = nowMs
    // Any sign of life answers the server's PING.
    this.#pingSentMs = Infinity
  }

  onHandshake(): void {
    this.#handshakeAtMs = Infinity
  }

  onPingSent(nowMs: number): void {
    this.#pingSentMs = nowMs
  }

  /** Called when the last stream ends (a time), and when the first one begins (Infinity). */
  onIdle(sinceMs: number): void {
    this.#idleSinceMs = sinceMs
  }

  /** The socket did not take all output at once (a time), or has taken the rest (Infinity). */
  onStall(sinceMs: number): void {
    this.#stalledSinceMs = sinceMs
  }

  onDrain(nowMs: number, graceMs: number): void {
    this.#drainNoticeAtMs = nowMs + this.#limits.drainNoticeMs
    this.#drainAtMs = nowMs + graceMs
  }

  onDrainNoticed(): void {
    this.#drainNoticeAtMs = Infinity
  }

  get drainNoticeAtMs(): number {
    return this.#drainNoticeAtMs
  }

  wakeAtMs(): number {
    return Math.min(
      this.#handshakeAtMs,
      this.#pingAtMs(),
      this.#pingSentMs + this.#limits.serverPingTimeoutMs,
      this.#idleSinceMs + this.#limits.idleMs,
      this.#stalledSinceMs + this.#limits.stallMs,
      this.#drainNoticeAtMs,
      this.#drainAtMs,
    )
  }

  /** The first thing that is due; the caller acts and asks again. */
  due(nowMs: number): SessionDue {
    if (nowMs >= this.#drainAtMs) return 'drain'
    if (nowMs >= this.#handshakeAtMs) return 'handshake'
    if (nowMs >= this.#stalledSinceMs + this.#limits.stallMs) return 'stall'
    if (nowMs >= this.#pingSentMs + this.#limits.serverPingTimeoutMs) return 'ping-timeout'
    if (nowMs >= this.#idleSinceMs + this.#limits.idleMs) return 'idle'
    if (nowMs >= this.#drainNoticeAtMs) return 'drain-notice'
    if (nowMs >= this.#pingAtMs()) return 'ping'
    return 'none'
  }

  #pingAtMs(): number {
    return this.#pingSentMs === Infinity ? this.#lastReadMs + this.#limits.serverPingMs : Infinity
  }
}
