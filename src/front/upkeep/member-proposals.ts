/**
 * All that the member itself proposes, through its first front: what it says of itself once, and what comes by the
 * clock.
 */

import type { FrontContext } from '../front-context.js'
import type { ReadPath } from '../kv/read-path.js'
import { OwnProposals } from '../requests/own-proposals.js'
import { RequestKind, type PendingRequest } from '../requests/pending-request.js'
import type { Proposer } from '../requests/proposer.js'
import { CorruptionMonitor } from './corruption-monitor.js'
import { Upkeep } from './upkeep.js'
import { VersionMonitor } from './version-monitor.js'

export class MemberProposals {
  readonly #own: OwnProposals
  readonly #upkeep: Upkeep
  readonly #versions: VersionMonitor
  readonly #corruption: CorruptionMonitor

  constructor(context: FrontContext, proposer: Proposer, reads: ReadPath) {
    this.#own = new OwnProposals({ context, proposer, reads, onPublished: () => context.notify('published') })
    this.#upkeep = new Upkeep(context, proposer, reads)
    this.#versions = new VersionMonitor(context, proposer, reads)
    this.#corruption = new CorruptionMonitor(context, proposer, reads)
  }

  portTaken(port: number): void {
    this.#own.portTaken(port)
  }

  get isDue(): boolean {
    return this.#own.isDue
  }

  get dueAtMs(): number {
    return Math.min(
      this.#own.dueAtMs, this.#upkeep.dueAtMs, this.#versions.dueAtMs, this.#corruption.dueAtMs,
    )
  }

  /** Returns how much was proposed. */
  advance(nowMs: number): number {
    return this.#own.advance(nowMs) + this.#upkeep.advance(nowMs) + this.#versions.advance(nowMs) +
      this.#corruption.advance(nowMs)
  }

  /** A proposal is applied, or was refused. */
  onAnswer(pending: PendingRequest, isApplied: boolean, error: number, nowMs: number): void {
    if (pending.kind === RequestKind.own) this.#own.onAnswer(pending, isApplied)
    else this.#upkeep.onAnswer(pending, error, nowMs)
  }
}

export function isMemberProposal({ kind }: PendingRequest): boolean {
  return kind === RequestKind.own || kind === RequestKind.upkeep
}
