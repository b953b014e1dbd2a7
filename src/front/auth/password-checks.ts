/**
 * Whether passwords are right, without hashing the same one twice: what was found right is remembered under a keyed
 * digest, which no password can be read from, and who asks while a check is under way hears its outcome. The digest
 * covers the stored hash, so that a changed password is another question.
 */

import { createHmac, randomBytes } from 'node:crypto'
import type { PasswordJobs } from '../../actor/jobs/jobs-pool.js'

/** Right passwords that are remembered; above it the oldest is checked again. */
const RIGHT_MAX = 65_536
/** Who may wait for checks under way. */
const WAITING_MAX = 16_384

/** 'busy': too many wait already. */
export type PasswordOutcome = 'right' | 'wrong' | 'busy'

export interface PasswordQuestion {
  readonly user: string
  readonly password: string
  /** As stored. */
  readonly hash: string
}

export class PasswordChecks {
  readonly #jobs: PasswordJobs
  readonly #key = randomBytes(32)
  readonly #right = new Set<string>()
  readonly #waiting = new Map<string, ((outcome: PasswordOutcome) => void)[]>()
  #waitingCount = 0
  readonly counters = { remembered: 0, checked: 0, refused: 0 }

  constructor(jobs: PasswordJobs) {
    this.#jobs = jobs
  }

  /** Users and roles have changed: what was remembered for those that are gone goes as well. */
  forget(): void {
    this.#right.clear()
  }

  /** `answer` is called at once when the password is known, or later, outside of a turn. */
  check(question: PasswordQuestion, answer: (outcome: PasswordOutcome) => void): void {
    const digest = this.#digest(question)
    if (this.#right.has(digest)) {
      this.counters.remembered++
      answer('right')
      return
    }
    const waiting = this.#waiting.get(digest)
    if (this.#waitingCount >= WAITING_MAX) return this.#refuse(answer)
    if (waiting !== undefined) {
      this.#waitingCount++
      waiting.push(answer)
      return
    }
    const { password, hash } = question
    const job = this.#jobs.run('comparePassword', { password, hash })
    if (job === null) return this.#refuse(answer)
    this.#waitingCount++
    this.counters.checked++
    this.#waiting.set(digest, [answer])
    job.then(
      (isRight) => this.#settle(digest, isRight ? 'right' : 'wrong'),
      () => this.#settle(digest, 'busy'),
    )
  }

  #refuse(answer: (outcome: PasswordOutcome) => void): void {
    this.counters.refused++
    answer('busy')
  }

  #settle(digest: string, outcome: PasswordOutcome): void {
    const waiting = this.#waiting.get(digest) ?? []
    this.#waiting.delete(digest)
    this.#waitingCount -= waiting.length
    if (outcome === 'right') this.#remember(digest)
    for (const answer of waiting) answer(outcome)
  }

  #remember(digest: string): void {
    if (this.#right.size >= RIGHT_MAX) {
      for (const oldest of this.#right) {
        this.#right.delete(oldest)
        break
      }
    }
    this.#right.add(digest)
  }

  #digest({ user, password, hash }: PasswordQuestion): string {
    const hmac = createHmac('sha256', this.#key)
    for (const part of [user, hash, password]) hmac.update(`${Buffer.byteLength(part)}:`).update(part)
    return hmac.digest('base64')
  }
}
