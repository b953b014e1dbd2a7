/**
 * Tokens that stand for users who logged in with a password, on one front. They are forgotten when they have not been
 * used for a while, when their user changes, and when the process ends.
 */

import type { Principal } from './auth-access.js'

/** Above this the token that was given first is forgotten: its client logs in again. */
export const TOKENS_MAX = 262_144
const SWEEP_MS = 1000

interface Token {
  readonly user: string
  untilMs: number
  /** Who it stands for at the revision that was last asked about. */
  principal: Principal
}

export class SimpleTokens {
  readonly #ttlMs: number
  readonly #tokens = new Map<string, Token>()
  #nextSweepMs = 0
  /** Tokens forgotten because there were too many. */
  droppedCount = 0

  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs
  }

  get count(): number {
    return this.#tokens.size
  }

  assign(token: string, user: string, nowMs: number): void {
    this.#sweep(nowMs)
    if (this.#tokens.size >= TOKENS_MAX) {
      for (const first of this.#tokens.keys()) {
        this.#tokens.delete(first)
        break
      }
      this.droppedCount++
    }
    this.#tokens.set(token, { user, untilMs: nowMs + this.#ttlMs, principal: { user, revision: 0 } })
  }

  /** Null when there is no such token. Being used keeps it. Its user has proved itself as of `revision`. */
  find(token: string, revision: number, nowMs: number): Principal | null {
    const found = this.#tokens.get(token)
    if (found === undefined) return null
    if (nowMs >= found.untilMs) {
      this.#tokens.delete(token)
      return null
    }
    found.untilMs = nowMs + this.#ttlMs
    if (found.principal.revision !== revision) found.principal = { user: found.user, revision }
    return found.principal
  }

  voidUser(user: string): void {
    for (const [token, found] of this.#tokens) if (found.user === user) this.#tokens.delete(token)
  }

  voidAll(): void {
    this.#tokens.clear()
  }

  #sweep(nowMs: number): void {
    if (nowMs < this.#nextSweepMs) return
    this.#nextSweepMs = nowMs + SWEEP_MS
    for (const [token, { untilMs }] of this.#tokens) if (nowMs >= untilMs) this.#tokens.delete(token)
  }
}
