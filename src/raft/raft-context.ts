/** What the raft actor is built from: its neighbours, its words, its bounds. */

import type { FrontMessages } from '../messages/front-messages.js'
import type { LeaseMessages } from '../messages/lease-messages.js'
import type { MvccMessages } from '../messages/mvcc-messages.js'
import type { Sender } from '../messages/protocol.js'
import type { SharedWords } from '../messages/shared-words.js'
import type { WalMessages } from '../messages/wal-messages.js'
import type { Counters } from '../metrics/counters.js'
import type { Logger } from '../metrics/logger.js'
import type { RaftLimits } from './core/raft-state.js'
import type { PeerOutlet } from './peer-outlet.js'

export interface RaftContext {
  readonly memberId: bigint
  /** Encoded ConfChange entries of a first start and the members that they add. */
  readonly bootstrapEntries: readonly Uint8Array[]
  /** Not null: this member goes on alone, under these peer URLs if it is none any more (`--force-new-cluster`). */
  readonly forcedWithUrls: readonly string[] | null
  readonly heartbeatMs: number
  /** A member alone stands for election at once, others after less than a timeout; false: all wait for the timeout. */
  readonly advancesElection: boolean
  readonly snapshotCount: number
  /** A leader whose log's disk does not answer for so long hands over; 0 for never. */
  readonly walStallHandoverMs: number
  /** How long who asked waits for an outcome. */
  readonly requestTimeoutMs: number
  readonly limits: RaftLimits
  readonly random: () => number
  /** Monotonic milliseconds with fraction, for the clocks of stages. */
  readonly clock: () => number
  readonly words: SharedWords
  readonly wal: Sender<WalMessages>
  readonly mvcc: Sender<MvccMessages>
  readonly fronts: readonly Sender<FrontMessages>[]
  readonly lease: Sender<LeaseMessages>
  /** The way to other members; null where there is none, which only a member that is alone can do without. */
  readonly peer: PeerOutlet | null
  /** Bytes of entries that the rings to wal and mvcc can take now, record overhead already taken off. */
  readonly walRoomBytes: () => number
  readonly mvccRoomBytes: () => number
  /** Publishes what was sent to mvcc without waking it. */
  readonly publishToMvcc: () => void
  /** Wakes every front: what linearizable reads wait for may have come, or another leader. */
  readonly ringFronts: () => void
  readonly counters: Counters
  readonly logger: Logger
}
