/** Has other members hash their keys at one revision, a few at a time, and waits for all of them or for their time. */

import type { Clock } from '../../base/clock.js'
import { HASH_KV_METHOD } from '../../messages/peer-messages.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import { decodeHashKVResponse, encodeHashKVRequest } from '../../proto/generated/etcdserverpb.js'
import type { MemberAnswer, MemberCalls } from '../cluster/member-calls.js'
import type { HeardHash } from './hash-comparison.js'

/** Members that hash at the same time. */
export const ASKED_AT_ONCE_MAX = 4
/** Longer than peer waits for an answer: one that finds no room on its way is never heard. */
export const ANSWER_MS_MAX = 40_000

interface Round {
  readonly revision: number
  readonly waiting: bigint[]
  /** Who is asked, and until when. */
  readonly asked: Map<bigint, number>
  readonly heard: HeardHash[]
  readonly onHeard: (heard: readonly HeardHash[]) => void
}

export class PeerHashes {
  readonly #clock: Clock
  readonly #calls: Pick<MemberCalls, 'ask'>
  #round: Round | null = null

  constructor(clock: Clock, calls: Pick<MemberCalls, 'ask'>) {
    this.#clock = clock
    this.#calls = calls
  }

  /** One round at a time. `onHeard` is called once, with an answer or a problem for each of them. */
  ask(members: readonly bigint[], revision: number, onHeard: (heard: readonly HeardHash[]) => void): void {
    this.#round = { revision, waiting: [...members], asked: new Map(), heard: [], onHeard }
    this.#goOn(this.#round)
  }

  get dueAtMs(): number {
    return this.#round === null ? Infinity : Math.min(Infinity, ...this.#round.asked.values())
  }

  /** Gives up those whose time is over. */
  advance(nowMs: number): void {
    const round = this.#round
    if (round === null) return
    for (const [member, giveUpAtMs] of round.asked) {
      if (nowMs >= giveUpAtMs) this.#hear(round, { member, answer: null, problem: 'no answer in time' })
    }
  }

  #goOn(round: Round): void {
    while (round.asked.size < ASKED_AT_ONCE_MAX && round.waiting.length > 0) {
      const member = round.waiting.shift() as bigint
      const question = {
        to: member, method: HASH_KV_METHOD, behalf: null, request: encodeHashKVRequest({ revision: round.revision }),
      }
      round.asked.set(member, this.#clock.nowMs() + ANSWER_MS_MAX)
      const isAsked = this.#calls.ask(question, (answer) => this.#hear(round, heardFrom(member, answer)))
      if (!isAsked) this.#hear(round, { member, answer: null, problem: 'cannot be asked now' })
    }
    if (round.asked.size > 0 || round.waiting.length > 0 || this.#round !== round) return
    this.#round = null
    round.onHeard(round.heard)
  }

  /** What comes after its time is not heard. */
  #hear(round: Round, heard: HeardHash): void {
    if (!round.asked.delete(heard.member)) return
    round.heard.push(heard)
    this.#goOn(round)
  }
}

function heardFrom(member: bigint, answer: MemberAnswer | null): HeardHash {
  if (answer === null) return { member, answer: null, problem: 'nobody has answered' }
  if (answer.status !== grpcStatus.ok) return { member, answer: null, problem: answer.message }
  const { header, hash, compact_revision } = decodeHashKVResponse(answer.data)
  const currentRevision = header?.revision ?? 0
  return { member, answer: { hash, compactRevision: compact_revision, currentRevision }, problem: '' }
}
