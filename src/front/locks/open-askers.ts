/** The calls of lock and election services that are under way: bounded, and released when the server stops. */

import { etcdErrors } from '../../proto/etcd-errors.js'
import type { Logger } from '../../metrics/logger.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import { Asker } from './asker.js'

/** Waiting costs a watch and a few objects; a client beyond this is told to come again. */
const ASKERS_MAX = 100_000

export class OpenAskers {
  readonly #open = new Set<Asker>()
  readonly #logger: Logger
  readonly #countMax: number
  #isClosing = false

  constructor(logger: Logger, countMax = ASKERS_MAX) {
    this.#logger = logger
    this.#countMax = countMax
  }

  /** Nobody is owed anything. */
  get isIdle(): boolean {
    return this.#open.size === 0
  }

  serve(call: GrpcCall, answer: (asker: Asker) => Promise<void>): void {
    const refusal = this.#isClosing ? etcdErrors.stopped : etcdErrors.requestTooManyRequests
    if (this.#isClosing || this.#open.size >= this.#countMax) return call.finish(refusal.code, refusal.message)
    const asker = new Asker(call)
    this.#open.add(asker)
    // What is thrown here is a broken invariant: it ends the thread, and with it the node.
    void answer(asker).finally(() => this.#open.delete(asker))
  }

  /** The call ended without our doing. */
  onClosed(call: GrpcCall): void {
    if (call.context instanceof Asker) call.context.leave()
  }

  onWritable(call: GrpcCall): void {
    if (call.context instanceof Asker) call.context.onWritable()
  }

  /** The server is going down: nobody waits any longer, and places in lines are given up. */
  closeAll(): void {
    this.#isClosing = true
    for (const asker of this.#open) {
      if (!asker.isGone) asker.call.abort(etcdErrors.stopped.code, etcdErrors.stopped.message)
      asker.leave()
    }
  }

  warn(message: string, cause: string): void {
    this.#logger.warn('front', message, { cause })
  }
}
