/**
 * What the peer actor and the helper thread that sends snapshots tell each other over the thread's port:
 *
 *   peer:   send ........................ stop
 *   helper: ..... progress ... sent | log
 *
 * The helper makes the image, dials, and sends: nothing of it is done on the thread that heartbeats live on.
 */

import type { TlsSide } from '../../config/sections/tls-config.js'
import type { OwnIdentity } from '../streams/handshake.js'

export interface SnapshotSenderStart {
  readonly self: OwnIdentity
  readonly tls: TlsSide | null
  readonly localAddress: string | null
  readonly storeDir: string
  readonly words: SharedArrayBuffer
  readonly bytesPerSecond: number
}

export interface SendOrder {
  readonly kind: 'send'
  readonly to: bigint
  readonly urls: readonly string[]
  /** The encoded MsgSnap that raft asks to be sent; the image's own places are put into it. */
  readonly message: Uint8Array
}

export type SenderOrder = SendOrder | { readonly kind: 'stop' }

export type SenderReport =
  | { readonly kind: 'progress'; readonly to: bigint; readonly bytes: number }
  | { readonly kind: 'sent'; readonly to: bigint; readonly ok: boolean; readonly tookMs: number }
  | {
      readonly kind: 'log'
      readonly level: 'info' | 'warn'
      readonly message: string
      readonly fields: Readonly<Record<string, string | number>>
    }
