/** What entries do, told when the first of all members applies them: a leader's removal, renewals of leases. */

import { ConfChangeType, EntryType, decodeConfChange } from '../../proto/generated/raftpb.js'
import { decodeExtension } from '../../proto/generated/raftringpb.js'
import { RaftRequestView } from '../../proto/hot/raft-request.js'
import { AuthTruth } from '../checkers/auth-truth.js'
import type { AppliedEntry } from './observed-mvcc.js'

export class FirstApplied {
  /** When each lease was last renewed, acknowledged or not. */
  readonly renewedMs = new Map<bigint, number>()
  readonly auth = new AuthTruth()
  readonly #request = new RaftRequestView()
  readonly #onLeaderRemoved: () => void
  #index = 0

  constructor(onLeaderRemoved: () => void) {
    this.#onLeaderRemoved = onLeaderRemoved
  }

  /** A member that knows of this leader is given the entry. */
  take({ index, type, data }: AppliedEntry, leaderId: bigint, nowMs: number): void {
    if (index <= this.#index) return
    this.#index = index
    if (data.length === 0) return
    if (type === EntryType.EntryConfChange) this.#confChange(data, leaderId)
    if (type === EntryType.EntryNormal) this.#normal(data, nowMs)
  }

  #confChange(data: Uint8Array, leaderId: bigint): void {
    const { type: change, node_id } = decodeConfChange(data)
    if (change === ConfChangeType.ConfChangeRemoveNode && node_id === leaderId) this.#onLeaderRemoved()
  }

  #normal(data: Uint8Array, nowMs: number): void {
    const request = this.#request
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.length)
    if (!request.decode(bytes, 0, bytes.length)) return
    this.auth.onEntry(request, nowMs)
    if (!request.hasExtension) return
    const { renew } = decodeExtension(bytes, request.extensionStart, request.extensionEnd)
    for (const id of renew?.ids ?? []) this.renewedMs.set(id, nowMs)
  }
}
