/**
 * The trees that must stay whole on disk: that of the newest durable checkpoint, and that of the one being made. While
 * one is held, LMDB never reuses a page of it.
 */

import { assert } from '../base/assert.js'
import type { StorePin } from './store.js'

export class CheckpointPins {
  #durable: StorePin | null = null
  #pending: StorePin | null = null

  /** True between `hold` and `adopt` or `drop`. */
  get hasPending(): boolean {
    return this.#pending !== null
  }

  /** What a start has restored: durable already. */
  holdRestored(pin: StorePin): void {
    assert(this.#durable === null, 'a restored tree is pinned once')
    this.#durable = pin
  }

  hold(pin: StorePin): void {
    assert(this.#pending === null, 'one checkpoint at a time')
    this.#pending = pin
  }

  /** The one being made is durable: only now may the pages of the one before be reused. */
  adopt(): void {
    assert(this.#pending !== null, 'no checkpoint is being made')
    this.#durable?.release()
    this.#durable = this.#pending
    this.#pending = null
  }

  /** The one being made is given up; the one before stands. */
  drop(): void {
    assert(this.#pending !== null, 'no checkpoint is being made')
    this.#pending.release()
    this.#pending = null
  }

  releaseAll(): void {
    this.#durable?.release()
    this.#pending?.release()
    this.#durable = null
    this.#pending = null
  }
}
