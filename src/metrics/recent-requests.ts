/**
 * The newest requests of a front, each with the time of every stage, in shared memory: one writer, readable by any
 * thread. The writer goes round and waits for nobody; a slot says at both ends which request it holds, so that a reader
 * leaves out what was overwritten under its eyes.
 *
 *   f64: requests so far | per slot: number of the request, kind, when it was heard (ms), time in each stage (ms),
 *   number of the request
 */

import { WRITE_STAGES } from './stage-histogram.js'

const SLOTS = 1024
const KIND = 1
const HEARD = 2
const STAGES_AT = 3
const END = STAGES_AT + WRITE_STAGES.length
const SLOT_WORDS = END + 1
/** A request's number begins at one here, because memory begins as zeros. */
const FIRST = 1

export interface RecentRequest {
  /** Its place among the requests of its front. */
  readonly sequence: number
  readonly kind: number
  readonly heardMs: number
  /** In the order of WRITE_STAGES. */
  readonly stagesMs: readonly number[]
}

export function allocateRecentRequests(): SharedArrayBuffer {
  return new SharedArrayBuffer((1 + SLOTS * SLOT_WORDS) * 8)
}

export class RecentRequests {
  readonly #words: Float64Array

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Float64Array(memory)
  }

  get count(): number {
    return this.#words[0] as number
  }

  /** `stagesMs` in the order of WRITE_STAGES. */
  add(kind: number, heardMs: number, stagesMs: Float64Array): void {
    const words = this.#words
    const count = words[0] as number
    const at = slotAt(count)
    words[at + END] = 0
    words[at] = count + FIRST
    words[at + KIND] = kind
    words[at + HEARD] = heardMs
    for (let i = 0; i < WRITE_STAGES.length; i++) words[at + STAGES_AT + i] = stagesMs[i] as number
    words[at + END] = count + FIRST
    words[0] = count + 1
  }

  /** Up to `most` of the newest ones from number `from` on, oldest first. */
  newest(most: number, from = 0): RecentRequest[] {
    const count = this.count
    const requests: RecentRequest[] = []
    for (let sequence = Math.max(from, count - Math.min(most, SLOTS), 0); sequence < count; sequence++) {
      const at = slotAt(sequence)
      const slot = this.#words.slice(at, at + SLOT_WORDS)
      if (slot[0] !== sequence + FIRST || slot[END] !== sequence + FIRST) continue
      const stagesMs = [...slot.subarray(STAGES_AT, END)]
      requests.push({ sequence, kind: slot[KIND] as number, heardMs: slot[HEARD] as number, stagesMs })
    }
    return requests
  }
}

function slotAt(sequence: number): number {
  return 1 + (sequence % SLOTS) * SLOT_WORDS
}
