/**
 * Tickets of fronts whose reads wait for a read index. The core numbers tickets for itself, so each of a front has two
 * numbers while it is under way. Any of them may be lost; the front asks again under a new one.
 */

import { counters } from '../../metrics/counter-catalogue.js'
import type { RaftCore } from '../core/raft-core.js'
import type { ReadState } from '../core/read-index.js'
import type { RaftContext } from '../raft-context.js'

/** Tickets of all fronts that may be under way; of more the oldest is forgotten. */
const TICKETS_MAX = 1024

interface Asker {
  readonly front: number
  readonly ticket: number
}

export class ReadTickets {
  readonly #context: RaftContext
  /** By the core's number, oldest first. */
  readonly #asked = new Map<number, Asker>()
  #last = 0

  constructor(context: RaftContext) {
    this.#context = context
  }

  /** Without a leader nobody can answer: the front asks again when there is one. */
  ask(core: RaftCore, asker: Asker): void {
    const number = ++this.#last
    if (core.readIndex(number) !== null) {
      this.#context.counters.add(counters.readTicketsDropped)
      return
    }
    this.#asked.set(number, { front: asker.front, ticket: asker.ticket })
    if (this.#asked.size <= TICKETS_MAX) return
    for (const oldest of this.#asked.keys()) {
      this.#asked.delete(oldest)
      break
    }
    this.#context.counters.add(counters.readTicketsDropped)
  }

  answer(states: readonly ReadState[]): void {
    for (const { ticket: number, index } of states) {
      const asker = this.#asked.get(number)
      if (asker === undefined) continue
      this.#asked.delete(number)
      const front = this.#context.fronts[asker.front]
      const isTold = front?.readReady({ ticket: asker.ticket, index }) ?? false
      if (!isTold) this.#context.counters.add(counters.readTicketsDropped)
    }
  }
}
