/**
 * The large answers of one front that are under way: bounded in number, each given a slice per turn, the oldest
 * history they read kept.
 */

import { NO_FLOOR } from '../requests/pending-request.js'
import { SliceBuffer, type JobState } from './range-job.js'
import type { KeyspaceView } from '../../keyspace/keyspace-view.js'
import type { GrpcCall } from '../grpc/grpc-call.js'

export interface Job {
  /** Null for what the member itself wants to know. */
  readonly call: GrpcCall | null
  readonly revision: number
  readonly giveUpAtMs: number
  step(view: KeyspaceView, nowMs: number): JobState
}

/** Each holds a slice's buffer and a floor. Above this a large range is refused. */
export const RANGE_JOBS_MAX = 256

/** What one turn does for large answers, so that everything else of the front waits for a millisecond at most. */
const SLICES_PER_TURN_MAX = 8

export class RangeJobs {
  readonly slice = new SliceBuffer()
  #jobs: Job[] = []
  /** Jobs that wait for their client to read on; looked at again when one of them may write, or its time is up. */
  #waiting = new Set<Job>()

  get isFull(): boolean {
    return this.#jobs.length + this.#waiting.size >= RANGE_JOBS_MAX
  }

  get count(): number {
    return this.#jobs.length + this.#waiting.size
  }

  /** True if a slice could be done now. */
  get hasWork(): boolean {
    return this.#jobs.length > 0
  }

  add(job: Job): void {
    this.#jobs.push(job)
  }

  onWritable(call: GrpcCall): void {
    for (const job of this.#waiting) {
      if (job.call !== call) continue
      this.#waiting.delete(job)
      this.#jobs.push(job)
      return
    }
  }

  wakeAtMs(): number {
    let wakeAtMs = Infinity
    for (const job of this.#waiting) wakeAtMs = Math.min(wakeAtMs, job.giveUpAtMs)
    return wakeAtMs
  }

  /** One slice of the jobs whose turn it is. Returns how many. */
  step(view: KeyspaceView, nowMs: number): number {
    for (const job of this.#waiting) {
      if (nowMs < job.giveUpAtMs && job.call?.isOver !== true) continue
      this.#waiting.delete(job)
      this.#jobs.push(job)
    }
    const turn = this.#jobs.splice(0, SLICES_PER_TURN_MAX)
    for (const job of turn) {
      const state = job.step(view, nowMs)
      if (state === 'more') this.#jobs.push(job)
      else if (state === 'waits') this.#waiting.add(job)
    }
    return turn.length
  }

  lowestRevision(): number {
    let lowest = NO_FLOOR
    for (const job of this.#jobs) lowest = Math.min(lowest, job.revision)
    for (const job of this.#waiting) lowest = Math.min(lowest, job.revision)
    return lowest
  }
}
