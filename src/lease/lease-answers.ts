/**
 * Answers to fronts. A front keeps room for the answer to everything that it has asked, so an answer finds its ring
 * full only in a list of very many leases or while a front stands still; it then waits here. What waits is bounded by
 * what was asked.
 */

import { assert } from '../base/assert.js'
import type { Bytes } from '../base/bytes.js'
import type { FrontMessages } from '../messages/front-messages.js'
import type { Sender } from '../messages/protocol.js'
import { QuestionKind, type Question } from './question.js'

const ID_BYTES = 8
/** Ids in one part of a list: 32 KiB of them. */
const IDS_PER_PART = 4096

interface Waiting {
  readonly question: Question
  readonly kind: 'kept' | 'times'
  readonly first: number
  readonly second: number
  readonly error: number
}

interface Listing {
  readonly question: Question
  /** Filled when its turn comes, so that only one list is in memory at a time. */
  ids: Bytes | null
  sent: number
}

export class LeaseAnswers {
  readonly #fronts: readonly Sender<FrontMessages>[]
  /** All leases, soonest to expire first, 8 bytes each. */
  readonly #listIds: () => Bytes
  #waiting: Waiting[] = []
  readonly #listings: Listing[] = []
  #owed = 0
  /** Leases kept alive so far. */
  renewed = 0

  constructor(fronts: readonly Sender<FrontMessages>[], listIds: () => Bytes) {
    this.#fronts = fronts
    this.#listIds = listIds
  }

  /** Questions without their answer in a ring. */
  get owed(): number {
    return this.#owed
  }

  get hasUnsent(): boolean {
    return this.#waiting.length > 0 || this.#listings.length > 0
  }

  /** A question was asked: it will be answered once. */
  expect(): void {
    this.#owed++
  }

  /** A TTL of 0 says that there is no such lease. */
  kept(question: Question, ttlSeconds: number): void {
    if (ttlSeconds > 0) this.renewed++
    this.#send({ question, kind: 'kept', first: ttlSeconds, second: 0, error: 0 })
  }

  times(question: Question, remainingSeconds: number, grantedSeconds: number): void {
    this.#send({ question, kind: 'times', first: remainingSeconds, second: grantedSeconds, error: 0 })
  }

  failed(question: Question, error: number): void {
    assert(question.kind !== QuestionKind.list, 'a list cannot fail')
    const kind = question.kind === QuestionKind.keepAlive ? 'kept' : 'times'
    this.#send({ question, kind, first: 0, second: 0, error })
  }

  list(question: Question): void {
    this.#listings.push({ question, ids: null, sent: 0 })
  }

  /** Sends what waits for room. Returns how much was sent. */
  flush(): number {
    let sent = 0
    if (this.#waiting.length > 0) {
      const unsent = this.#waiting.filter((waiting) => !this.#trySend(waiting))
      sent = this.#waiting.length - unsent.length
      this.#waiting = unsent
    }
    return sent + this.#flushListings()
  }

  #send(answer: Waiting): void {
    if (this.#waiting.length > 0 || !this.#trySend(answer)) this.#waiting.push(answer)
  }

  #trySend({ question, kind, first, second, error }: Waiting): boolean {
    const front = this.#frontOf(question)
    const { requestHigh, requestLow } = question
    const sent = kind === 'kept'
      ? front.leaseKept({ requestHigh, requestLow, ttlSeconds: first, error })
      : front.leaseTimes({ requestHigh, requestLow, remainingSeconds: first, grantedSeconds: second, error })
    if (sent) this.#settle()
    return sent
  }

  #flushListings(): number {
    let sent = 0
    for (;;) {
      const listing = this.#listings[0]
      if (listing === undefined) return sent
      listing.ids ??= this.#listIds()
      if (!this.#sendPart(listing, listing.ids)) return sent
      sent++
      if (listing.sent < listing.ids.length) continue
      this.#listings.shift()
      this.#settle()
    }
  }

  /** A list without leases is one part without ids. */
  #sendPart(listing: Listing, ids: Bytes): boolean {
    const { question } = listing
    const end = Math.min(listing.sent + IDS_PER_PART * ID_BYTES, ids.length)
    const sent = this.#frontOf(question).leaseList({
      requestHigh: question.requestHigh,
      requestLow: question.requestLow,
      more: end < ids.length ? 1 : 0,
      leases: ids.subarray(listing.sent, end),
    })
    if (sent) listing.sent = end
    return sent
  }

  #settle(): void {
    this.#owed--
    assert(this.#owed >= 0, 'a question was answered twice')
  }

  #frontOf(question: Question): Sender<FrontMessages> {
    const front = this.#fronts[question.front]
    assert(front !== undefined, `a question of front ${question.front}`)
    return front
  }
}
