/**
 * Counts the heartbeats of a leader that come late, as etcd does: each that goes to a member more than two intervals
 * behind the one before. A leader whose thread or host stands still is seen by this before it loses an election.
 */

import { counters } from '../../metrics/counter-catalogue.js'
import type { RaftMessage } from '../core/raft-message.js'
import type { RaftContext } from '../raft-context.js'

export class LateHeartbeats {
  readonly #context: RaftContext
  readonly #lateMs: number
  /** When each member was sent its last one in this term. */
  readonly #sentMs = new Map<bigint, number>()
  /** A member leads at most once in a term: what it sent in another one says nothing. */
  #term = 0

  constructor(context: RaftContext) {
    this.#context = context
    this.#lateMs = 2 * context.heartbeatMs
  }

  onSend({ to, term }: RaftMessage, nowMs: number): void {
    if (term !== this.#term) {
      this.#term = term
      this.#sentMs.clear()
    }
    const before = this.#sentMs.get(to) ?? nowMs
    this.#sentMs.set(to, nowMs)
    if (nowMs - before > this.#lateMs) this.#context.counters.add(counters.heartbeatFailures)
  }
}
