/**
 * All that the member itself does through its first front: what it says of itself once, what it proposes by the clock,
 * and how it compares itself with others.
 */

import type { MemberCalls } from '../cluster/member-calls.js'
import { CompactionHasher } from '../hashes/compaction-hasher.js'
import { HashChecks } from '../hashes/hash-checks.js'
import type { HashService } from '../hashes/hash-service.js'
import { PeerHashes } from '../hashes/peer-hashes.js'
import type { FrontContext } from '../front-context.js'
import type { ReadPath } from '../kv/read-path.js'
import { OwnProposals } from '../requests/own-proposals.js'
import { RequestKind, type PendingRequest } from '../requests/pending-request.js'
import type { Proposer } from '../requests/proposer.js'
import { CorruptAlarms } from './corrupt-alarms.js'
import { CorruptionMonitor } from './corruption-monitor.js'
import { Upkeep } from './upkeep.js'
import { VersionMonitor } from './version-monitor.js'

export interface MemberParts {
  readonly proposer: Proposer
  readonly reads: ReadPath
  readonly hashes: HashService
  readonly calls: MemberCalls
}

export class MemberProposals {
  readonly #own: OwnProposals
  readonly #upkeep: Upkeep
  readonly #versions: VersionMonitor
  readonly #corruption: CorruptionMonitor

  readonly #compactions: CompactionHasher
  readonly #checks: HashChecks

  constructor(context: FrontContext, { proposer, reads, hashes, calls }: MemberParts) {
    const alarms = new CorruptAlarms(context, proposer, reads)
    const peers = new PeerHashes(context.clock, calls)
    this.#own = new OwnProposals({ context, proposer, reads, onPublished: () => context.notify('published') })
    this.#upkeep = new Upkeep(context, proposer, reads)
    this.#versions = new VersionMonitor(context, proposer, reads)
    this.#corruption = new CorruptionMonitor(context, reads, alarms)
    this.#compactions = new CompactionHasher(context, reads)
    this.#checks = new HashChecks({ context, reads, hashes, peers, alarms })
  }

  portTaken(port: number): void {
    this.#own.portTaken(port)
  }

  get isDue(): boolean {
    return this.#own.isDue || this.#compactions.isDue
  }

  get dueAtMs(): number {
    return Math.min(
      this.#own.dueAtMs, this.#upkeep.dueAtMs, this.#versions.dueAtMs, this.#corruption.dueAtMs,
      this.#compactions.dueAtMs, this.#checks.dueAtMs,
    )
  }

  /** Returns how much there was to do. */
  advance(nowMs: number): number {
    return this.#own.advance(nowMs) + this.#upkeep.advance(nowMs) + this.#versions.advance(nowMs) +
      this.#corruption.advance(nowMs) + this.#compactions.advance(nowMs) + this.#checks.advance(nowMs)
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
