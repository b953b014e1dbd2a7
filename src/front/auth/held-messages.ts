/**
 * Messages of clients that cannot be judged yet: a change of users has been committed and not been heard here, a token
 * is being checked. Most wait for the next turn. Those of one call stay in order. Bounded; what comes above is refused.
 */

import { copyBytes } from '../../base/bytes.js'
import type { GrpcCall } from '../grpc/grpc-call.js'

const HELD_COUNT_MAX = 16_384
const HELD_BYTES_MAX = 64 * 1024 * 1024

interface HeldMessage {
  readonly call: GrpcCall
  readonly sinceMs: number
  /** Null: the client has half-closed. */
  readonly bytes: Buffer | null
}

export class HeldMessages {
  #held: HeldMessage[] = []
  /** Calls of held messages. */
  #calls = new Set<GrpcCall>()
  #bytes = 0

  get isEmpty(): boolean {
    return this.#held.length === 0
  }

  holds(call: GrpcCall): boolean {
    return this.#calls.has(call)
  }

  /** False when there is no room. */
  hold(call: GrpcCall, sinceMs: number, bytes: Uint8Array, start: number, end: number): boolean {
    const copy = copyBytes(bytes, start, end)
    return this.#add({ call, sinceMs, bytes: Buffer.from(copy.buffer, copy.byteOffset, copy.byteLength) })
  }

  holdHalfClose(call: GrpcCall, sinceMs: number): boolean {
    return this.#add({ call, sinceMs, bytes: null })
  }

  /**
   * Offers each message to `take`, in order; one that is not taken stays, and those of its call behind it. Returns how
   * many left.
   */
  release(take: (call: GrpcCall, bytes: Buffer | null, sinceMs: number) => boolean): number {
    const offered = this.#held
    this.#held = []
    this.#calls = new Set()
    this.#bytes = 0
    for (const held of offered) {
      const { call, bytes, sinceMs } = held
      if (!this.#calls.has(call) && take(call, bytes, sinceMs)) continue
      this.#keep(held)
    }
    return offered.length - this.#held.length
  }

  #add(held: HeldMessage): boolean {
    const length = held.bytes?.length ?? 0
    if (this.#held.length >= HELD_COUNT_MAX || this.#bytes + length > HELD_BYTES_MAX) return false
    this.#keep(held)
    return true
  }

  #keep(held: HeldMessage): void {
    this.#held.push(held)
    this.#calls.add(held.call)
    this.#bytes += held.bytes?.length ?? 0
  }
}
