/**
 * While this member leads it looks by the clock at the versions of all members: the cluster's version follows them, and
 * a downgrade that has come to its end is over.
 */

import { isDowngraded, nextClusterVersion, type VersionFacts } from '../../cluster/changes/cluster-version.js'
import { readDowngradeInfo } from '../../cluster/membership-table.js'
import { SERVER_VERSION } from '../../config/versions.js'
import { Word } from '../../messages/shared-words.js'
import { encodeClusterVersionSetRequest, encodeDowngradeInfoSetRequest } from '../../proto/generated/membershippb.js'
import { RaftBody, type RaftBodyField } from '../../proto/hot/raft-request.js'
import type { FrontContext } from '../front-context.js'
import type { ReadPath } from '../kv/read-path.js'
import { RequestKind } from '../requests/pending-request.js'
import type { Proposer } from '../requests/proposer.js'

/** As etcd's leader looks. */
const LOOK_MS = 4000
/** A new leader is being reached by the others first. */
const FIRST_LOOK_MS = 500

export class VersionMonitor {
  readonly #context: FrontContext
  readonly #proposer: Proposer
  readonly #reads: ReadPath
  #isLeading = false
  #lookAtMs = Infinity
  #downgradeAtMs = Infinity
  #looks = 0

  constructor(context: FrontContext, proposer: Proposer, reads: ReadPath) {
    this.#context = context
    this.#proposer = proposer
    this.#reads = reads
  }

  get dueAtMs(): number {
    return Math.min(this.#lookAtMs, this.#downgradeAtMs)
  }

  /** Returns how much there was to do. */
  advance(nowMs: number): number {
    const { words, memberId, config } = this.#context
    const isLeading = words.loadId(Word.leaderId) === memberId
    if (isLeading !== this.#isLeading) {
      this.#isLeading = isLeading
      this.#looks = 0
      this.#lookAtMs = isLeading ? nowMs + FIRST_LOOK_MS : Infinity
      this.#downgradeAtMs = isLeading ? nowMs + config.downgradeCheckMs : Infinity
    }
    if (nowMs < this.dueAtMs || this.#reads.isFull) return 0
    const isDowngradeDue = nowMs >= this.#downgradeAtMs
    if (isDowngradeDue) this.#downgradeAtMs = nowMs + config.downgradeCheckMs
    if (nowMs >= this.#lookAtMs) this.#lookAtMs = nowMs + LOOK_MS
    this.#reads.whenFresh({ call: null, run: () => this.#look(isDowngradeDue) })
    return 1
  }

  #look(isDowngradeDue: boolean): void {
    const facts = this.#facts()
    this.#looks++
    this.#proposer.heardMs = this.#context.clock.nowMs()
    const next = nextClusterVersion(facts)
    // Members that have just started are not silent, they are on their way.
    const isEarly = this.#looks === 1 && facts.versions.includes(null)
    if (next !== null && !isEarly) {
      this.#context.logger.info('front', 'updating the cluster version', { from: facts.current, to: next })
      this.#propose(RaftBody.clusterVersionSet, encodeClusterVersionSetRequest({ ver: next }))
    } else if (isDowngradeDue && isDowngraded(facts)) {
      this.#context.logger.info('front', 'the cluster has been downgraded', { to: facts.downgrade.targetVersion })
      this.#propose(RaftBody.downgradeInfoSet, encodeDowngradeInfoSetRequest({ enabled: false }))
    }
  }

  #facts(): VersionFacts {
    const { memberId, node } = this.#context
    const versions = this.#reads.members().map(({ id }) => {
      return id === memberId ? SERVER_VERSION : (node.peers.find(id)?.serverVersion ?? null)
    })
    return { current: this.#reads.clusterVersion(), downgrade: readDowngradeInfo(this.#reads.store()), versions }
  }

  /** Whatever becomes of it, the next look tells. */
  #propose(field: RaftBodyField, body: Uint8Array): void {
    const pending = this.#proposer.admit(null, RequestKind.upkeep)
    if (pending === null) return
    const error = this.#proposer.proposeBody(pending, field, body, 0, body.length)
    if (error !== 0) this.#proposer.table.release(pending)
  }
}
