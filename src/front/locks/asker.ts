/**
 * The client behind a call that stays open for long: whether it is still there, and whether it takes more. It is the
 * `context` of its call.
 */

import type { GrpcCall } from '../grpc/grpc-call.js'
import { isEnded } from '../requests/proposer.js'

export class Asker {
  readonly call: GrpcCall
  readonly #onLeave = new Set<() => void>()
  #wakeWriter: (() => void) | null = null

  constructor(call: GrpcCall) {
    this.call = call
    call.context = this
  }

  /** Nobody waits for the answer any more. */
  get isGone(): boolean {
    return isEnded(this.call)
  }

  /** Calls `leave` when the client goes, unless that is taken back first. */
  whenGone(leave: () => void): () => void {
    this.#onLeave.add(leave)
    return () => this.#onLeave.delete(leave)
  }

  /** Resolves when the call takes more, or when its client has gone. */
  async whenWritable(): Promise<void> {
    while (!this.isGone && this.call.wantsWritable) {
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve
      })
    }
  }

  onWritable(): void {
    this.#wakeWriter?.()
    this.#wakeWriter = null
  }

  /** The call has ended. */
  leave(): void {
    for (const leave of this.#onLeave) leave()
    this.#onLeave.clear()
    this.onWritable()
  }
}
