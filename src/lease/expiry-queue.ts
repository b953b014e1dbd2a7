/** Leases by the time at which something is due for them: a binary heap in which every lease knows its place. */

import { assert } from '../base/assert.js'
import type { Lease } from './lease.js'

/** `place` of a lease that is in no queue. */
export const NO_PLACE = -1

export class ExpiryQueue {
  readonly #heap: Lease[] = []

  get size(): number {
    return this.#heap.length
  }

  /** The lease that is due next. */
  get first(): Lease | undefined {
    return this.#heap[0]
  }

  has(lease: Lease): boolean {
    return lease.place !== NO_PLACE
  }

  /** Puts the lease in at `dueMs`, or moves it there. */
  schedule(lease: Lease, dueMs: number): void {
    lease.dueMs = dueMs
    if (lease.place === NO_PLACE) {
      lease.place = this.#heap.length
      this.#heap.push(lease)
    }
    this.#settle(lease)
  }

  /** Takes the lease out; nothing happens if it is not in. */
  remove(lease: Lease): void {
    const { place } = lease
    if (place === NO_PLACE) return
    assert(this.#heap[place] === lease, `lease ${lease.id} is not where it says`)
    lease.place = NO_PLACE
    const last = this.#heap.pop() as Lease
    if (last === lease) return
    this.#heap[place] = last
    last.place = place
    this.#settle(last)
  }

  clear(): void {
    for (const lease of this.#heap) lease.place = NO_PLACE
    this.#heap.length = 0
  }

  #settle(lease: Lease): void {
    this.#rise(lease)
    this.#sink(lease)
  }

  #rise(lease: Lease): void {
    const heap = this.#heap
    let place = lease.place
    while (place > 0) {
      const parentPlace = (place - 1) >> 1
      const parent = heap[parentPlace] as Lease
      if (parent.dueMs <= lease.dueMs) break
      heap[place] = parent
      parent.place = place
      place = parentPlace
    }
    heap[place] = lease
    lease.place = place
  }

  #sink(lease: Lease): void {
    const heap = this.#heap
    let place = lease.place
    for (;;) {
      let childPlace = 2 * place + 1
      if (childPlace >= heap.length) break
      let child = heap[childPlace] as Lease
      const other = heap[childPlace + 1]
      if (other !== undefined && other.dueMs < child.dueMs) {
        child = other
        childPlace++
      }
      if (child.dueMs >= lease.dueMs) break
      heap[place] = child
      child.place = place
      place = childPlace
    }
    heap[place] = lease
    lease.place = place
  }
}
