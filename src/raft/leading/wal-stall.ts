/**
 * Notices a log whose disk does not answer. The member then stands for no election, for its vote would wait for that
 * disk, and after a while a leader hands over to the voter that knows most. Until then it leads on, as its followers'
 * disks commit without it.
 *
 * Time is counted in ticks: a process that stood still has heard nothing meanwhile, and its disk may be well.
 */

import { counters } from '../../metrics/counter-catalogue.js'
import type { RaftCore } from '../core/raft-core.js'
import type { RaftContext } from '../raft-context.js'

export class WalStall {
  readonly #context: RaftContext
  /** An election timeout, after which a member that heard nothing from a leader would stand. */
  readonly #electionTicks: number
  readonly #handoverTicks: number
  /** The oldest flush without an answer at the last tick, 0 when there was none. */
  #oldest = 0
  /** Ticks since it was the oldest. */
  #ticks = 0
  #nextHandoverTick: number

  constructor(context: RaftContext) {
    const { walStallHandoverMs: handoverMs, heartbeatMs, limits } = context
    this.#context = context
    this.#electionTicks = limits.electionTicks
    this.#handoverTicks = handoverMs === 0 ? Infinity : Math.ceil(handoverMs / heartbeatMs)
    this.#nextHandoverTick = this.#handoverTicks
  }

  /** `oldest` is the number of the oldest flush that wal has not answered, 0 when there is none. */
  tick(core: RaftCore, oldest: number): void {
    if (oldest === 0 || oldest !== this.#oldest) {
      if (this.#ticks >= this.#electionTicks) this.#onAnswered(core)
      this.#oldest = oldest
      this.#ticks = 0
      this.#nextHandoverTick = this.#handoverTicks
      return
    }
    this.#ticks++
    if (this.#ticks === this.#electionTicks) this.#onStalled(core)
    if (this.#ticks >= this.#nextHandoverTick) this.#handOver(core)
  }

  #onStalled(core: RaftCore): void {
    const { counters: page, logger } = this.#context
    core.mayStand = false
    page.add(counters.walStalls)
    logger.warn('raft', "the log's disk does not answer; this member stands for no election until it does", {
      stalledMs: this.#stalledMs(),
    })
  }

  #onAnswered(core: RaftCore): void {
    core.mayStand = true
    this.#context.logger.info('raft', "the log's disk answers again", { stalledMs: this.#stalledMs() })
  }

  /** Tried again when nobody has taken over within an election timeout, when the core gives the attempt up. */
  #handOver(core: RaftCore): void {
    const { counters: page, logger } = this.#context
    this.#nextHandoverTick = this.#ticks + this.#electionTicks + 1
    if (core.role !== 'leader' || !core.handOver()) return
    page.add(counters.stallHandovers)
    logger.warn('raft', "the log's disk does not answer; leadership is handed over", {
      stalledMs: this.#stalledMs(),
      to: core.status().transferTo.toString(16),
    })
  }

  #stalledMs(): number {
    return this.#ticks * this.#context.heartbeatMs
  }
}
