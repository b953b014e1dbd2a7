/** The configuration in force and the progress of everyone in it. */

import { assert } from '../../base/assert.js'
import { EMPTY_CONF_STATE, isJoint, type ConfState } from './conf-change.js'
import { Progress } from './progress.js'
import {
  jointVote, majorityActive, majorityMatch, majorityReadRound, majorityVote, type VoteResult,
} from './quorum.js'

export class Members {
  readonly #selfId: bigint
  readonly #inflightCountMax: number
  readonly #byId = new Map<bigint, Progress>()
  #confState: ConfState = EMPTY_CONF_STATE
  #incoming: Progress[] = []
  #outgoing: Progress[] = []
  #others: Progress[] = []
  #self: Progress | null = null

  constructor(selfId: bigint, inflightCountMax: number) {
    assert(selfId > 0n, 'member id 0 means nobody')
    this.#selfId = selfId
    this.#inflightCountMax = inflightCountMax
  }

  get confState(): ConfState { return this.#confState }
  /** Everyone but this member, learners too. */
  get others(): readonly Progress[] { return this.#others }
  /** This member, or null while the configuration does not name it. */
  get self(): Progress | null { return this.#self }
  get joint(): boolean { return isJoint(this.#confState) }

  get(id: bigint): Progress | undefined {
    return this.#byId.get(id)
  }

  /** True when this member is the only voter and no change is half done. */
  isSolo(): boolean {
    return this.#incoming.length === 1 && this.#incoming[0] === this.#self
      && this.#outgoing.length === 0 && this.#self !== null && !this.#self.isLearner
  }

  isVoter(id: bigint): boolean {
    const progress = this.#byId.get(id)
    return progress !== undefined && !progress.isLearner
  }

  /**
   * Puts a configuration in force. Members that stay keep their progress; new ones are probed
   * from `next`.
   */
  adopt(confState: ConfState, next: number): void {
    this.#confState = confState
    const known = new Set([
      ...confState.voters, ...confState.votersOutgoing,
      ...confState.learners, ...confState.learnersNext,
    ])
    for (const id of this.#byId.keys()) if (!known.has(id)) this.#byId.delete(id)
    for (const id of known) {
      let progress = this.#byId.get(id)
      if (progress === undefined) {
        progress = new Progress(id, this.#inflightCountMax)
        progress.next = next
        // A new member counts as heard from, so that check-quorum gives it time to answer.
        progress.recentActive = true
        this.#byId.set(id, progress)
      }
      progress.isLearner = confState.learners.includes(id)
    }
    this.#incoming = confState.voters.map((id) => this.#known(id))
    this.#outgoing = confState.votersOutgoing.map((id) => this.#known(id))
    this.#self = this.#byId.get(this.#selfId) ?? null
    this.#others = [...this.#byId.values()].filter((progress) => progress !== this.#self)
  }

  /** The highest index that a quorum holds durably (Raft 5.3; joint: dissertation 4.3). */
  quorumMatch(): number {
    const incoming = majorityMatch(this.#incoming)
    if (this.#outgoing.length === 0) return incoming
    return Math.min(incoming, majorityMatch(this.#outgoing))
  }

  quorumReadRound(): number {
    return Math.min(majorityReadRound(this.#incoming), majorityReadRound(this.#outgoing))
  }

  voteResult(): VoteResult {
    return jointVote(majorityVote(this.#incoming), majorityVote(this.#outgoing))
  }

  quorumActive(): boolean {
    return majorityActive(this.#incoming) && majorityActive(this.#outgoing)
  }

  clearVotes(): void {
    for (const progress of this.#byId.values()) progress.vote = 0
  }

  resetProgress(next: number): void {
    for (const progress of this.#byId.values()) progress.reset(next)
  }

  #known(id: bigint): Progress {
    const progress = this.#byId.get(id)
    assert(progress !== undefined, `member ${id.toString(16)} has no progress`)
    return progress
  }
}
