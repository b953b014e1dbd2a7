/** The reading ends of one actor, drained in bounded batches. */

import type { RingReader } from '../ring/ring-reader.js'
import type { Actor } from './actor.js'

/** Records taken from one ring before the actor works and the other rings get their turn. */
export const INBOX_BATCH_MAX = 4096

interface Inlet {
  readonly reader: RingReader
  readonly from: number
}

export class Inbox {
  readonly #actor: Actor
  readonly #inlets: Inlet[] = []

  constructor(actor: Actor) {
    this.#actor = actor
  }

  add(reader: RingReader, from: number): void {
    this.#inlets.push({ reader, from })
  }

  /** Hands waiting records to the actor and returns how many. Memory of a record is released by `release`. */
  drain(nowMs: number): number {
    const actor = this.#actor
    let count = 0
    for (const { reader, from } of this.#inlets) {
      let taken = 0
      // The record first: whether an actor may take it can depend on words that its writer stored before it.
      while (taken < INBOX_BATCH_MAX && reader.hasNext() && !actor.isBlocked() && reader.next()) {
        actor.onFrame(reader, nowMs, from)
        taken++
      }
      count += taken
    }
    return count
  }

  /** Gives the memory of all drained records back to the writers. Views of them are dead from here on. */
  release(): void {
    for (const { reader } of this.#inlets) reader.release()
  }

  /** True if a record waits that the actor could take. */
  hasWork(): boolean {
    if (this.#actor.isBlocked()) return false
    for (const { reader } of this.#inlets) if (reader.hasNext()) return true
    return false
  }
}
