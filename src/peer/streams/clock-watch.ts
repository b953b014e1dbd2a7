/** Compares a member's wall clock with ours, from the answers to pings; much difference is said in the log. */

import { hexId } from '../../base/bytes.js'
import type { Logger } from '../../metrics/logger.js'
import { PeerWord, type PeerSlot } from '../../metrics/peer-page.js'

/** Leases and certificates live by clocks; etcd warns from here on. */
const DIFFERENCE_MS_MAX = 1000
const LOG_PERIOD_MS = 30_000

export class ClockWatch {
  readonly #id: bigint
  readonly #slot: PeerSlot
  readonly #logger: Logger
  #logAtMs = -Infinity

  constructor(id: bigint, slot: PeerSlot, logger: Logger) {
    this.#id = id
    this.#slot = slot
    this.#logger = logger
  }

  /** The other clock was read about half a round trip ago. */
  onPong(roundTripMs: number, remoteWallMs: number, wallMs: number, nowMs: number): void {
    const aheadMs = remoteWallMs - (wallMs - roundTripMs / 2)
    this.#slot.set(PeerWord.clockAheadMs, aheadMs)
    // What the way itself took cannot be told from a difference.
    if (Math.abs(aheadMs) - roundTripMs / 2 <= DIFFERENCE_MS_MAX || nowMs < this.#logAtMs) return
    this.#logAtMs = nowMs + LOG_PERIOD_MS
    this.#logger.warn('peer', 'prober found high clock drift', {
      'remote-peer-id': hexId(this.#id),
      'clock-drift': `${Math.round(aheadMs)}ms`,
      rtt: `${roundTripMs.toFixed(3)}ms`,
    })
  }
}
