/**
 * While this member leads it compares what the members' stores have come to (messages/state-marks.ts), and raises the
 * alarm CORRUPT for whoever has gone its own way. A member for which that alarm is active serves no reads of keys.
 */

import { hexId } from '../../base/bytes.js'
import { Word } from '../../messages/shared-words.js'
import { agrees } from '../../messages/state-marks.js'
import { PeerWord } from '../../metrics/peer-page.js'
import type { FrontContext } from '../front-context.js'
import type { ReadPath } from '../kv/read-path.js'
import type { CorruptAlarms } from './corrupt-alarms.js'
import { StateComparison } from './state-comparison.js'

const LOOK_MS = 1000
/** Others may join a member that is alone. */
const ALONE_LOOK_MS = 10_000

export class CorruptionMonitor {
  readonly #context: FrontContext
  readonly #reads: ReadPath
  readonly #alarms: CorruptAlarms
  #comparison: StateComparison | null = null
  #lookAtMs = Infinity

  constructor(context: FrontContext, reads: ReadPath, alarms: CorruptAlarms) {
    this.#context = context
    this.#reads = reads
    this.#alarms = alarms
  }

  get dueAtMs(): number {
    return this.#lookAtMs
  }

  /** Returns how much there was to do. */
  advance(nowMs: number): number {
    const { words, memberId } = this.#context
    const isLeading = words.loadId(Word.leaderId) === memberId
    if (isLeading !== (this.#comparison !== null)) {
      this.#comparison = isLeading ? new StateComparison() : null
      this.#lookAtMs = isLeading ? nowMs + LOOK_MS : Infinity
    }
    if (nowMs < this.#lookAtMs || this.#reads.isFull) return 0
    const isAlone = this.#context.node.peers.slots().length === 0
    this.#lookAtMs = nowMs + (isAlone ? ALONE_LOOK_MS : LOOK_MS)
    if (!isAlone) this.#reads.whenFresh({ call: null, run: () => this.#look(this.#context.clock.nowMs()) })
    return isAlone ? 0 : 1
  }

  #look(nowMs: number): void {
    const { words, memberId, node, logger } = this.#context
    const others = this.#reads.members().filter(({ id }) => id !== memberId)
    const heard = others.map(({ id }) => {
      return { member: id, agrees: agrees(words, node.peers.find(id)?.get(PeerWord.stateMark) ?? 0) }
    })
    const named = this.#comparison?.look(memberId, heard, nowMs) ?? []
    for (const member of this.#alarms.raise(named)) {
      logger.error('front', 'a member has another state than the others', { 'member-id': hexId(member) })
    }
  }
}
