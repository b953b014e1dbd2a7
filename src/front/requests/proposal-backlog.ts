/**
 * Proposals that found the ring to raft full, in order: a burst of large requests is taken in and sent as raft makes
 * room, as etcd's clients expect. Bounded in bytes; beyond it requests are refused.
 */

import { Slice } from '../../base/slice.js'
import { copyBytes, type Bytes } from '../../base/bytes.js'
import type { Sender } from '../../messages/protocol.js'
import type { RaftMessages } from '../../messages/raft-messages.js'

/** How soon a full ring is looked at again: its reader does not ring its writers. */
const RETRY_MS = 1

interface Waiting {
  readonly high: number
  readonly low: number
  readonly data: Bytes
}

export class ProposalBacklog {
  readonly #raft: Sender<RaftMessages>
  readonly #bytesMax: number
  readonly #slice = new Slice()
  #waiting: Waiting[] = []
  #bytes = 0

  constructor(raft: Sender<RaftMessages>, bytesMax: number) {
    this.#raft = raft
    this.#bytesMax = bytesMax
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** Sends now, or keeps a copy. False when neither is possible. */
  send(high: number, low: number, data: Slice): boolean {
    if (this.isEmpty && this.#raft.propose({ requestHigh: high, requestLow: low, data })) return true
    if (this.#bytes + data.length > this.#bytesMax) return false
    this.#waiting.push({ high, low, data: copyBytes(data.bytes, data.start, data.end) })
    this.#bytes += data.length
    return true
  }

  /** Sends what fits now; requests that are not waited for any more are left out. Returns how many left the backlog. */
  retry(isWanted: (high: number, low: number) => boolean): number {
    let gone = 0
    for (const { high, low, data } of this.#waiting) {
      const slice = this.#slice.at(data, 0, data.length)
      const isDone = !isWanted(high, low) || this.#raft.propose({ requestHigh: high, requestLow: low, data: slice })
      if (!isDone) break
      this.#bytes -= data.length
      gone++
    }
    if (gone > 0) this.#waiting = this.#waiting.slice(gone)
    return gone
  }

  retryAtMs(nowMs: number): number {
    return this.isEmpty ? Infinity : nowMs + RETRY_MS
  }
}
