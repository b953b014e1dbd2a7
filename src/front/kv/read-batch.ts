/**
 * The batch of linearizable reads that waits for raft's answer to a ticket, where this member may not answer alone.
 * There is one at a time: what arrives meanwhile is the next one, because a read may join only a ticket that raft has
 * not stamped. A ticket that nobody answers is followed by a new one for the same batch; an answer to either will do.
 */

import type { RaftMessages } from '../../messages/raft-messages.js'
import type { Sender } from '../../messages/protocol.js'
import type { ReadRuns } from '../requests/read-times.js'
import type { ReadTask } from './read-path.js'

/** After this long a ticket or its answer is taken for lost, as in etcd. */
const RETRY_MS = 500
/** How soon a full ring is looked at again: its reader does not ring its writers. */
const FULL_RING_RETRY_MS = 1

/** Reads that are served together. */
export interface ReadGroup {
  /** When the first of them was heard. */
  readonly sinceMs: number
  readonly tasks: ReadTask[]
  /** Those whose stages are measured, and when the turn began that took them up. */
  readonly runs: ReadRuns
  readonly takenMs: number
}

export interface StampedReads extends ReadGroup {
  readonly index: number
}

export class ReadBatch {
  readonly #raft: Sender<RaftMessages>
  readonly #front: number
  #group: ReadGroup | null = null
  /** The ticket sent last for any batch, and the first for this one. */
  #ticket = 0
  #firstTicket = 1
  #retryAtMs = Infinity

  constructor(raft: Sender<RaftMessages>, front: number) {
    this.#raft = raft
    this.#front = front
  }

  get isEmpty(): boolean {
    return this.#group === null
  }

  /** Infinity while there is no batch. */
  get sinceMs(): number {
    return this.#group?.sinceMs ?? Infinity
  }

  get retryAtMs(): number {
    return this.#retryAtMs
  }

  /** Not while there is a batch. */
  open(group: ReadGroup, nowMs: number): void {
    this.#group = group
    this.#firstTicket = this.#ticket + 1
    this.#ask(nowMs)
  }

  retry(nowMs: number): void {
    if (nowMs >= this.#retryAtMs) this.#ask(nowMs)
  }

  /** What raft says to a ticket; null when that serves nobody. */
  onReady(ticket: number, index: number): StampedReads | null {
    const group = this.#group
    // Of -1 a batch hears when there is no leader now, or another one: it fails when the next one is seen.
    if (group === null || ticket < this.#firstTicket || index < 0) return null
    this.take()
    return { index, ...group }
  }

  /** Ends the batch; its reads are the caller's business. */
  take(): ReadTask[] {
    const tasks = this.#group?.tasks ?? []
    this.#group = null
    this.#retryAtMs = Infinity
    return tasks
  }

  #ask(nowMs: number): void {
    const isSent = this.#raft.readIndex({ front: this.#front, ticket: this.#ticket + 1 })
    if (isSent) this.#ticket++
    this.#retryAtMs = nowMs + (isSent ? RETRY_MS : FULL_RING_RETRY_MS)
  }
}
