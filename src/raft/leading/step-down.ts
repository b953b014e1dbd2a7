/**
 * The end of a leader that is told to stop: it hands over to the voter that knows most and goes when another leads, or
 * when nobody has taken over within an election timeout.
 */

import type { RaftCore } from '../core/raft-core.js'
import type { RaftContext } from '../raft-context.js'

export class StepDown {
  readonly #context: RaftContext
  #giveUpAtMs = -1

  constructor(context: RaftContext) {
    this.#context = context
  }

  /** Asked during a drain only: the first time is the sign to begin. */
  isDone(core: RaftCore, nowMs: number): boolean {
    if (core.role !== 'leader') return true
    if (this.#giveUpAtMs >= 0) return nowMs >= this.#giveUpAtMs
    const { limits, heartbeatMs, logger } = this.#context
    if (!core.handOver()) return true
    this.#giveUpAtMs = nowMs + limits.electionTicks * heartbeatMs
    logger.info('raft', 'leadership is handed over before the stop', { to: core.status().transferTo.toString(16) })
    return false
  }
}
