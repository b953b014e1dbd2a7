/**
 * Maintenance.Defragment: asks mvcc for a smaller store file now, and answers when the store is in it. Nothing stands
 * still meanwhile.
 */

import { Word } from '../../messages/shared-words.js'
import { encodeDefragmentResponse } from '../../proto/generated/etcdserverpb.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import type { FrontContext } from '../front-context.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import { isEnded, type Proposer } from '../requests/proposer.js'

/** How the system names it, as it would reach an etcd client. */
const NO_SPACE = 'no space left on device'

interface Waiting {
  readonly call: GrpcCall
  /** Answered when so many have been. */
  readonly number: number
}

export class DefragmentService {
  readonly #context: FrontContext
  readonly #proposer: Proposer
  #waiting: Waiting[] = []

  constructor(context: FrontContext, proposer: Proposer) {
    this.#context = context
    this.#proposer = proposer
  }

  defragment(call: GrpcCall): void {
    const { words, ringMvcc } = this.#context
    this.#waiting = this.#waiting.filter((waiting) => !isEnded(waiting.call))
    words.add(Word.shrinkAsked, 1)
    this.#waiting.push({ call, number: words.load(Word.shrinkAsked) })
    ringMvcc()
  }

  /** True if one that a client waits for has ended. */
  hasEnded(): boolean {
    if (this.#waiting.length === 0) return false
    const answered = this.#context.words.load(Word.shrinkAnswered)
    return this.#waiting.some(({ number }) => number <= answered)
  }

  /** Returns how many were answered. */
  answer(): number {
    if (!this.hasEnded()) return 0
    const { words } = this.#context
    const answered = words.load(Word.shrinkAnswered)
    const hasFailed = words.load(Word.shrinkFailed) === answered
    const ended = this.#waiting.filter(({ number }) => number <= answered)
    this.#waiting = this.#waiting.filter(({ number }) => number > answered)
    for (const { call } of ended) {
      if (isEnded(call)) continue
      if (hasFailed) call.finish(grpcStatus.unknown, NO_SPACE)
      else this.#proposer.answer(call, encodeDefragmentResponse({}))
    }
    return ended.length
  }
}
