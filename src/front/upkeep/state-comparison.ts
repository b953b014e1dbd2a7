/**
 * Which members have gone their own way, from their newest state marks: pure. A member that differs once differs for
 * ever, because all that follows is folded into what differs. Whoever leads compares with its own marks; it may be the
 * one who is wrong.
 */

export interface HeardMark {
  readonly member: bigint
  /** Whether it is what this member has there; null when that cannot be said now. */
  readonly agrees: boolean | null
}

/** After the first difference the others have so long to be heard. */
const WAIT_MS = 10_000

/** In place of a member's id: they differ, and nobody knows who is right. */
export const NOBODY_KNOWS = 0n

export class StateComparison {
  readonly #agreeing = new Set<bigint>()
  readonly #differing = new Set<bigint>()
  #differsSinceMs = Infinity

  /** Of all others. Returns who is to be named; each look that finds a difference names again. */
  look(selfId: bigint, heard: readonly HeardMark[], nowMs: number): readonly bigint[] {
    for (const { member, agrees } of heard) {
      if (agrees === null) continue
      this.#agreeing.delete(member)
      if (agrees && !this.#differing.has(member)) this.#agreeing.add(member)
      if (!agrees) this.#differing.add(member)
    }
    const members = new Set(heard.map(({ member }) => member))
    for (const set of [this.#agreeing, this.#differing]) for (const id of set) if (!members.has(id)) set.delete(id)
    if (this.#differing.size === 0) {
      this.#differsSinceMs = Infinity
      return []
    }
    this.#differsSinceMs = Math.min(this.#differsSinceMs, nowMs)
    const isHeard = this.#agreeing.size + this.#differing.size === heard.length
    if (!isHeard && nowMs < this.#differsSinceMs + WAIT_MS) return []
    return this.#judge(selfId, heard.length + 1)
  }

  #judge(selfId: bigint, size: number): readonly bigint[] {
    const quorum = Math.floor(size / 2) + 1
    if (this.#agreeing.size + 1 >= quorum) return [...this.#differing]
    // Those who differ from this member need not agree with each other.
    return this.#differing.size >= quorum && size > 2 && this.#agreeing.size === 0 ? [selfId] : [NOBODY_KNOWS]
  }
}
