/**
 * Tells lease which leases the store has, at start and when a snapshot has replaced the store, as much at a time as its
 * ring takes. No entry is applied meanwhile.
 */

import { KeyspaceView } from '../keyspace/keyspace-view.js'
import type { MvccContext } from './mvcc-context.js'

export class LeaseReplay {
  readonly #context: MvccContext
  #told = 0
  #isDone = false
  /** Lease knows those of the store that was replaced, and has not been told to forget them. */
  #isForgettingOwed = false

  constructor(context: MvccContext) {
    this.#context = context
  }

  /** A leader's store has taken the place of the one before. */
  startAgain(): void {
    this.#told = 0
    this.#isDone = false
    this.#isForgettingOwed = true
  }

  get isDone(): boolean {
    return this.#isDone
  }

  /** Returns how many leases were told. */
  work(): number {
    if (this.#isDone) return 0
    const { store, lease } = this.#context
    if (this.#isForgettingOwed && !lease.replaced({})) return 0
    this.#isForgettingOwed = false
    const snapshot = store.beginRead()
    const view = new KeyspaceView(snapshot)
    const before = this.#told
    let position = 0
    let hasRoom = true
    view.leases((leaseId, { ttlSeconds, renewedClockMs }) => {
      if (position++ < this.#told) return true
      hasRoom = lease.granted({ leaseId, ttlSeconds, clockMs: renewedClockMs })
      if (hasRoom) this.#told++
      return hasRoom
    })
    this.#isDone = hasRoom && lease.restored({ clockMs: view.leaseClockMs })
    snapshot.close()
    return this.#told - before + (this.#isDone ? 1 : 0)
  }
}
