/** Questions of fronts, each answered from a state that holds all that its front had seen. */

import { etcdErrors } from '../proto/etcd-errors.js'
import type { LeaseAnswers } from './lease-answers.js'
import type { LeaseSchedule } from './lease-schedule.js'
import type { Lessor } from './lessor.js'
import { QuestionKind, type Question } from './question.js'

/** More than this at once are refused. */
const QUESTIONS_MAX = 65_536

/**
 * A keep-alive of a known lease needs no care: whatever has become of the lease meanwhile, the log has the last word.
 * Other questions are answered from memory, and so wait for one more look at mvcc's ring: mvcc publishes its facts
 * before the applied index that the front has seen.
 */
export class LeaseQuestions {
  readonly #lessor: Lessor
  readonly #schedule: LeaseSchedule
  readonly #answers: LeaseAnswers
  /** Heard in this turn. */
  #fresh: Question[] = []
  /** Heard before this turn's look at the ring. */
  #gated: Question[] = []

  constructor(lessor: Lessor, schedule: LeaseSchedule, answers: LeaseAnswers) {
    this.#lessor = lessor
    this.#schedule = schedule
    this.#answers = answers
  }

  hear(question: Question, nowMs: number): void {
    this.#answers.expect()
    if (question.kind === QuestionKind.list) {
      this.#fresh.push(question)
    } else if (this.#answers.owed > QUESTIONS_MAX) {
      this.#answers.failed(question, etcdErrors.requestTooManyRequests.id)
    } else if (question.kind === QuestionKind.keepAlive && this.#lessor.find(question.leaseId) !== undefined) {
      this.#schedule.keepAlive(question, nowMs)
    } else {
      this.#fresh.push(question)
    }
  }

  /** Returns how much was done; more than 0 as long as a question needs another look at the ring. */
  doWork(nowMs: number, areFactsTaken: boolean): number {
    let work = 0
    if (areFactsTaken && this.#gated.length > 0) {
      for (const question of this.#gated) this.#pass(question, nowMs)
      work = this.#gated.length
      this.#gated = []
    }
    if (this.#fresh.length > 0) {
      this.#gated = this.#gated.concat(this.#fresh)
      this.#fresh = []
    }
    return work + this.#gated.length
  }

  #pass(question: Question, nowMs: number): void {
    const isKeepAlive = question.kind === QuestionKind.keepAlive
    if (question.kind === QuestionKind.list) {
      this.#answers.list(question)
    } else if (!this.#lessor.isConfirmed) {
      // Only a leader that knows the whole past can say; an entry of its own gives it that.
      this.#schedule.ask(question, nowMs)
    } else if (!isKeepAlive) {
      this.#schedule.tellTimes(question, nowMs)
    } else if (this.#lessor.find(question.leaseId) === undefined) {
      this.#answers.kept(question, 0)
    } else {
      this.#schedule.keepAlive(question, nowMs)
    }
  }
}
