/** What raft says of itself in shared words, and to lease whether it leads. */

import { Word } from '../messages/shared-words.js'
import { counters } from '../metrics/counter-catalogue.js'
import { NOBODY } from './core/raft-message.js'
import type { RaftCore } from './core/raft-core.js'
import type { RaftContext } from './raft-context.js'

export class RaftWords {
  readonly #context: RaftContext
  #commit = -1
  #term = -1
  #lastIndex = -1
  #leader = -1n
  #notOnDiskFrom = 0
  #leadersSeen = 0
  #wasSolo = false
  /** What lease knows: the term that this member leads, 0 when it does not. */
  #ledTerm = 0

  constructor(context: RaftContext) {
    this.#context = context
  }

  /** Each word is one atomic store, in an order that never promises too much. */
  publish(core: RaftCore, isStoreFull: boolean): void {
    const { words } = this.#context
    const solo = core.soloReadable()
    let isNews = false
    if (core.term !== this.#term) words.store(Word.term, (this.#term = core.term))
    if (core.leader !== this.#leader) {
      this.#publishLeader(core)
      isNews = true
    }
    if (core.lastIndex !== this.#lastIndex) words.store(Word.lastIndex, (this.#lastIndex = core.lastIndex))
    const notOnDiskFrom = solo || core.stable === core.lastIndex ? 0 : core.stable + 1
    if (notOnDiskFrom !== this.#notOnDiskFrom) {
      words.store(Word.notOnDiskFrom, (this.#notOnDiskFrom = notOnDiskFrom))
    }
    const readable = readableIndex(core, isStoreFull)
    if (readable !== this.#commit || solo !== this.#wasSolo) {
      words.store(Word.commitAndSolo, readable * 2 + (solo ? 1 : 0))
      this.#commit = readable
    }
    if (solo !== this.#wasSolo) {
      this.#wasSolo = solo
      isNews ||= solo
    }
    if (isNews) this.#context.ringFronts()
    const ledTerm = core.role === 'leader' ? core.term : 0
    if (ledTerm === this.#ledTerm) return
    const isTold = this.#context.lease.leading({ term: core.term, leads: ledTerm === 0 ? 0 : 1 })
    if (isTold) this.#ledTerm = ledTerm
  }

  #publishLeader(core: RaftCore): void {
    const { words } = this.#context
    words.storeId(Word.leaderId, (this.#leader = core.leader))
    if (core.leader === NOBODY) return
    this.#context.counters.add(counters.leaderChanges)
    words.store(Word.leadersSeen, ++this.#leadersSeen)
  }
}

/**
 * What a linearizable read has to wait for. While the store is out of space, committed entries stay unapplied for
 * as long as that lasts; the only voter has acknowledged nothing above what is applied, so reads need not wait for
 * them.
 */
function readableIndex(core: RaftCore, isStoreFull: boolean): number {
  const isAlone = core.confState.voters.length === 1 && core.confState.learners.length === 0
  return isStoreFull && isAlone ? core.applied : core.committed
}
