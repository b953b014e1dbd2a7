/** What a listener hands connections to that speak HTTP/1.1. */

import type { Socket } from 'node:net'
import type { Clock } from '../../base/clock.js'
import type { ConnectionOrigin } from './connection-origin.js'

/** A connection with something to write. */
export interface Flushable {
  /** Writes it. Called at the end of a turn. */
  flush(nowMs: number): void
}

/** The listener, as a carrier sees it. */
export interface CarrierHost {
  readonly clock: Clock
  /** Something was heard: the owner is to take a turn. */
  onActivity(): void
  onDirty(connection: Flushable): void
}

export interface HttpCarrier {
  /** `start` are the first octets of the connection. */
  accept(host: CarrierHost, socket: Socket, origin: ConnectionOrigin, start: Buffer): void
  /** Does what is due on connections. */
  onDeadline(nowMs: number): void
  /** Ends connections without a request at once, the others with their answer. */
  close(): void
}
