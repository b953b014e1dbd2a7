/** What a front has asked and not been told yet. */

export const QuestionKind = Object.freeze({ keepAlive: 0, timeToLive: 1, list: 2 })
export type QuestionKindValue = (typeof QuestionKind)[keyof typeof QuestionKind]

export interface Question {
  readonly kind: QuestionKindValue
  readonly front: number
  readonly requestHigh: number
  readonly requestLow: number
  /** 0 for a list. */
  readonly leaseId: bigint
  /** What the front had seen applied when it asked. */
  readonly appliedIndex: number
  /** Monotonic: after this the answer is an error. */
  readonly giveUpAtMs: number
}
