/** What this front has seen of leaders, and what that says about requests that had no outcome in time. */

import { Word, type SharedWords } from '../../messages/shared-words.js'
import { PeerWord } from '../../metrics/peer-page.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import type { FrontContext } from '../front-context.js'

export class LeaderWatch {
  readonly #context: Pick<FrontContext, 'memberId' | 'node'>
  readonly #words: SharedWords
  readonly #electionMs: number
  #leadersSeen = 0
  /** 0n while there is none. */
  #leader = 0n
  /** When the present leader was seen first, or the last one was missed. */
  #sinceMs = -Infinity
  #electedMs = -Infinity

  constructor(context: Pick<FrontContext, 'memberId' | 'node' | 'words' | 'config'>) {
    this.#context = context
    this.#words = context.words
    this.#electionMs = context.config.electionMs
  }

  /** True if there is something that `update` has not seen. */
  hasNews(): boolean {
    const { leadersSeen, leaderId } = Word
    return this.#words.load(leadersSeen) !== this.#leadersSeen || this.#words.loadId(leaderId) !== this.#leader
  }

  /** True if a leader has come since the last time: another one, or one after none. */
  update(nowMs: number): boolean {
    const seen = this.#words.load(Word.leadersSeen)
    const leader = this.#words.loadId(Word.leaderId)
    const hasCome = seen !== this.#leadersSeen
    if (hasCome || leader !== this.#leader) this.#sinceMs = nowMs
    if (hasCome) this.#electedMs = nowMs
    this.#leadersSeen = seen
    this.#leader = leader
    return hasCome
  }

  /** Asked at any time, also between turns. */
  exists(): boolean {
    return this.#words.loadId(Word.leaderId) !== 0n
  }

  /** Since when there has been no leader; Infinity while there is one. */
  get lackedSinceMs(): number {
    return this.#leader === 0n ? this.#sinceMs : Infinity
  }

  /** The error of a question for the leader that had no answer in time. */
  questionTimeoutError(): number {
    return this.exists() ? etcdErrors.timeout.id : etcdErrors.noLeader.id
  }

  /** The error of a proposal that began then and had no outcome in time, told as etcd tells it. */
  timeoutError(startMs: number): number {
    // Nobody was there to propose it to.
    if (this.#leader === 0n && this.#sinceMs <= startMs) return etcdErrors.contextDeadlineExceeded.id
    const isOfLastLeader = startMs > this.#electedMs - 2 * this.#electionMs && startMs < this.#electedMs
    if (isOfLastLeader) return etcdErrors.timeoutDueToLeaderFail.id
    return this.#wasConnected(startMs) ? etcdErrors.timeout.id : etcdErrors.timeoutDueToConnectionLost.id
  }

  /** Has this member reached its leader all the time since then, or a quorum if it is the leader itself? */
  #wasConnected(startMs: number): boolean {
    const leader = this.#leader
    if (leader === 0n) return true
    const { memberId, node } = this.#context
    const others = node.peers.slots().filter((slot) => slot.get(PeerWord.isKnown) === 1)
    const reached = others.filter((slot) => {
      const sinceMs = slot.get(PeerWord.activeSinceMs)
      return sinceMs > 0 && sinceMs < startMs
    })
    if (leader !== memberId) return reached.some(({ id }) => id === leader)
    return 2 * (reached.length + 1) > others.length + 1
  }
}
