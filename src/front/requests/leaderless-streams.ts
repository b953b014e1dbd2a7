/**
 * Streams whose clients asked for a member that has a leader (metadata `hasleader`): they end when it has had none for
 * three election timeouts, as in etcd.
 */

import type { GrpcCall } from '../grpc/grpc-call.js'
import type { LeaderWatch } from './leader-watch.js'

const ELECTION_TIMEOUTS_MAX = 3
const PRUNE_COUNT_MIN = 64

export class LeaderlessStreams {
  readonly #leader: LeaderWatch
  readonly #lackedMsMax: number
  readonly #fail: (call: GrpcCall) => void
  readonly #calls = new Set<GrpcCall>()
  #pruneAt = PRUNE_COUNT_MIN

  constructor(leader: LeaderWatch, electionMs: number, fail: (call: GrpcCall) => void) {
    this.#leader = leader
    this.#lackedMsMax = ELECTION_TIMEOUTS_MAX * electionMs
    this.#fail = fail
  }

  get hasLeader(): boolean {
    return this.#leader.exists()
  }

  /** The transport bounds how many streams are open; those that have ended by themselves go now and then. */
  add(call: GrpcCall): void {
    this.#calls.add(call)
    if (this.#calls.size < this.#pruneAt) return
    for (const other of this.#calls) if (other.isOver) this.#calls.delete(other)
    this.#pruneAt = Math.max(PRUNE_COUNT_MIN, 2 * this.#calls.size)
  }

  delete(call: GrpcCall): void {
    this.#calls.delete(call)
  }

  /** Ends them all when it is time. */
  check(nowMs: number): void {
    if (this.#calls.size === 0 || nowMs < this.wakeAtMs()) return
    const calls = [...this.#calls]
    this.#calls.clear()
    for (const call of calls) if (!call.isOver) this.#fail(call)
  }

  wakeAtMs(): number {
    return this.#calls.size === 0 ? Infinity : this.#leader.lackedSinceMs + this.#lackedMsMax
  }
}
