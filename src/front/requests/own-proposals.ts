/**
 * What a member tells its cluster about itself once it can: its name and client URLs, and, when it is alone and has not
 * agreed on a version yet, the version. Proposed by the first front only, like a client's requests; repeated until
 * applied.
 */

import { ANY_PORT, hasAnyPort } from '../../config/urls.js'
import { CLUSTER_VERSION } from '../../config/versions.js'
import { Word } from '../../messages/shared-words.js'
import {
  encodeClusterMemberAttrSetRequest,
  encodeClusterVersionSetRequest,
} from '../../proto/generated/membershippb.js'
import { RaftBody, type RaftBodyField } from '../../proto/hot/raft-request.js'
import type { FrontContext } from '../front-context.js'
import { RequestKind, type PendingRequest } from './pending-request.js'
import type { Proposer } from './proposer.js'
import type { ReadPath } from '../kv/read-path.js'

/**
 * A proposal without an outcome for so long is made again, and the next one after twice as long: what a follower has
 * forwarded is lost when its leader goes. Made twice it says the same.
 */
const RETRY_MS = 1000

type Step = 'wait-for-leader' | 'attributes' | 'look-for-version' | 'version' | 'done'

export class OwnProposals {
  readonly #context: FrontContext
  readonly #proposer: Proposer
  readonly #reads: ReadPath
  readonly #onPublished: () => void
  #step: Step = 'wait-for-leader'
  /** What stands for port 0 in the client URLs; null while it is not known. */
  #port: number | null = null
  #outstanding: PendingRequest | null = null
  #sequence = -1
  #askedMs = Infinity
  #retryMs = RETRY_MS

  constructor(options: {
    context: FrontContext
    proposer: Proposer
    reads: ReadPath
    onPublished: () => void
  }) {
    this.#context = options.context
    this.#proposer = options.proposer
    this.#reads = options.reads
    this.#onPublished = options.onPublished
  }

  get isDone(): boolean {
    return this.#step === 'done'
  }

  /** True if there is something to do now. */
  get isDue(): boolean {
    if (this.#step === 'done' || this.#step === 'look-for-version') return false
    if (this.#step === 'wait-for-leader') {
      return this.#knowsPort && this.#context.words.loadId(Word.leaderId) !== 0n
    }
    return !this.#isOutstanding()
  }

  /** When a proposal that has no outcome is made again. */
  get dueAtMs(): number {
    return this.#isOutstanding() ? this.#askedMs + this.#retryMs : Infinity
  }

  /** A client URL with port 0 was bound to this one. */
  portTaken(port: number): void {
    this.#port ??= port
    this.#context.requestTurn()
  }

  advance(nowMs: number): number {
    if (nowMs >= this.dueAtMs) this.#giveUp()
    if (!this.isDue) return 0
    this.#proposer.heardMs = this.#askedMs = nowMs
    if (this.#step === 'wait-for-leader') this.#step = 'attributes'
    if (this.#step === 'attributes') this.#propose(RaftBody.clusterMemberAttrSet, this.#attributes())
    else this.#propose(RaftBody.clusterVersionSet, encodeClusterVersionSetRequest({ ver: CLUSTER_VERSION }))
    return 1
  }

  /** A proposal of this member is applied or was refused. A refused one is sent again. */
  onAnswer(pending: PendingRequest, isApplied: boolean): void {
    if (pending !== this.#outstanding) return
    this.#outstanding = null
    if (!isApplied) return
    if (this.#step === 'version') {
      this.#finish()
      return
    }
    this.#step = 'look-for-version'
    this.#reads.whenFresh({ call: null, run: () => this.#lookForVersion() })
  }

  #lookForVersion(): void {
    // Of several members the leader decides, when it knows the versions of all.
    if (this.#reads.clusterVersion() === null && this.#reads.members().length === 1) this.#step = 'version'
    else this.#finish()
  }

  #finish(): void {
    this.#step = 'done'
    this.#onPublished()
  }

  #giveUp(): void {
    const pending = this.#outstanding
    this.#outstanding = null
    this.#retryMs = Math.min(2 * this.#retryMs, this.#proposer.patienceMs)
    if (pending !== null) this.#proposer.table.release(pending)
  }

  /** A request that was given up on leaves its slot to others. */
  #isOutstanding(): boolean {
    const pending = this.#outstanding
    if (pending === null || pending.sequence !== this.#sequence) return false
    return this.#proposer.table.find(pending.high, pending.low) === pending
  }

  #propose(field: RaftBodyField, body: Uint8Array): void {
    const pending = this.#proposer.admit(null, RequestKind.own)
    if (pending === null) return
    if (this.#proposer.proposeBody(pending, field, body, 0, body.length) !== 0) {
      this.#proposer.table.release(pending)
      return
    }
    this.#outstanding = pending
    this.#sequence = pending.sequence
  }

  /** Clients are never told of port 0. */
  get #knowsPort(): boolean {
    return this.#port !== null || !hasAnyPort(this.#context.config.advertiseClientUrls)
  }

  #attributes(): Uint8Array {
    const { config, memberId } = this.#context
    const client_urls = config.advertiseClientUrls.map((url) => url.replace(ANY_PORT, `:${this.#port}`))
    return encodeClusterMemberAttrSetRequest({
      member_ID: memberId,
      member_attributes: { name: config.name, client_urls },
    })
  }
}
