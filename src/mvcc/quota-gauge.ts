/**
 * How much of the quota is in use: pages in use, retained revisions included. To ask the store costs as much as a few
 * puts, so while the quota is far away it is asked once a second, and what has come since is estimated from above.
 */

import type { Store } from '../store/store.js'

/** A put stands in two tables, whose pages are half full at worst. */
const PAGES_PER_BYTE = 4
/** What a batch may take beside its requests: the paths from changed rows to their roots. */
const BATCH_BYTES = 1024 * 1024

export class QuotaGauge {
  readonly #store: Store
  readonly #quotaBytes: number
  #usedBytes = 0
  /** Of requests since the store was asked. */
  #costSince = 0

  constructor(store: Store, quotaBytes: number) {
    this.#store = store
    this.#quotaBytes = quotaBytes
  }

  /** What the store says. */
  set(usedBytes: number): void {
    this.#usedBytes = usedBytes
    this.#costSince = 0
  }

  /** Before a batch of so many bytes: asks the store when the quota is near. */
  beginBatch(batchBytes: number): void {
    const estimate = this.#usedBytes + PAGES_PER_BYTE * (this.#costSince + batchBytes) + BATCH_BYTES
    if (estimate >= this.#quotaBytes && this.#costSince > 0) this.set(this.#store.stats().usedBytes)
  }

  /** Counts a request; false when it goes over the quota. */
  take(cost: number): boolean {
    const isWithin = this.#usedBytes + this.#costSince + cost < this.#quotaBytes
    this.#costSince += cost
    return isWithin
  }
}
