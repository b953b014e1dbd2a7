/**
 * MoveLeader: raft is told whom to hand over to, and the call is answered when that member is seen to lead. Asked of
 * the leader only; without an end in time it has failed, which says nothing about what happens later.
 */

import { Word } from '../../messages/shared-words.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import { decodeMoveLeaderRequest, encodeMoveLeaderResponse } from '../../proto/generated/etcdserverpb.js'
import type { FrontContext } from '../front-context.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import type { ReadPath } from '../kv/read-path.js'
import { isEnded, type Proposer } from '../requests/proposer.js'

/** Moves that may be waited for at the same time. */
const MOVES_MAX = 64
/** How soon a full ring is looked at again: its reader does not ring its writers. */
const FULL_RING_RETRY_MS = 1

interface Move {
  readonly call: GrpcCall
  readonly target: bigint
  readonly giveUpAtMs: number
  /** Raft is told once: it takes no proposals while it tries, and gives up after an election timeout. */
  isTold: boolean
}

export class LeaderMoves {
  readonly #context: FrontContext
  readonly #proposer: Proposer
  readonly #reads: ReadPath
  #moves: Move[] = []

  constructor(context: FrontContext, proposer: Proposer, reads: ReadPath) {
    this.#context = context
    this.#proposer = proposer
    this.#reads = reads
  }

  move(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const { targetID } = decodeMoveLeaderRequest(bytes, start, end)
    const target = BigInt.asUintN(64, targetID)
    const sinceMs = this.#proposer.heardMs
    const isFull = this.#reads.isFull || this.#moves.length >= MOVES_MAX
    if (!this.#leads()) this.#proposer.fail(call, etcdErrors.notLeader.id)
    else if (isFull) this.#proposer.fail(call, etcdErrors.requestTooManyRequests.id)
    else this.#reads.whenFresh({ call, run: () => this.#begin(call, target, sinceMs) })
  }

  /** Answers what has an end. Returns how many. */
  work(nowMs: number): number {
    if (this.#moves.length === 0) return 0
    const leader = this.#context.words.loadId(Word.leaderId)
    const before = this.#moves.length
    this.#moves = this.#moves.filter(({ call, target, giveUpAtMs }) => {
      if (isEnded(call)) return false
      if (leader === target) this.#proposer.answer(call, encodeMoveLeaderResponse({}))
      else if (nowMs >= giveUpAtMs) this.#proposer.fail(call, etcdErrors.timeoutLeaderTransfer.id)
      return !isEnded(call)
    })
    for (const move of this.#moves) {
      if (!move.isTold) move.isTold = this.#context.raft.transferLeader({ to: BigInt.asIntN(64, move.target) })
    }
    return before - this.#moves.length
  }

  wakeAtMs(nowMs: number): number {
    let wakeAtMs = Infinity
    for (const { isTold, giveUpAtMs } of this.#moves) {
      wakeAtMs = Math.min(wakeAtMs, isTold ? giveUpAtMs : nowMs + FULL_RING_RETRY_MS)
    }
    return wakeAtMs
  }

  #begin(call: GrpcCall, target: bigint, sinceMs: number): void {
    if (isEnded(call)) return
    const member = this.#reads.members().find(({ id }) => id === target)
    if (member === undefined || member.isLearner) {
      this.#proposer.fail(call, etcdErrors.badLeaderTransferee.id)
      return
    }
    this.#moves.push({ call, target, giveUpAtMs: sinceMs + this.#proposer.patienceMs, isTold: false })
    this.#context.requestTurn()
  }

  #leads(): boolean {
    return this.#context.words.loadId(Word.leaderId) === this.#context.memberId
  }
}
