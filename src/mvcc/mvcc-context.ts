/** What the mvcc actor is built from. */

import type { Clock } from '../base/clock.js'
import { MIB } from '../config/limits.js'
import type { EventLogWriter } from '../keyspace/event-log-writer.js'
import type { FrontMessages } from '../messages/front-messages.js'
import type { LeaseMessages } from '../messages/lease-messages.js'
import type { PeerMessages } from '../messages/peer-messages.js'
import type { Sender } from '../messages/protocol.js'
import type { RaftMessages } from '../messages/raft-messages.js'
import type { SharedWords } from '../messages/shared-words.js'
import type { Counters } from '../metrics/counters.js'
import type { Logger } from '../metrics/logger.js'
import type { SwitchingStore } from '../store/generations/switching-store.js'
import type { Checkpointer } from './checkpoint/checkpointer.js'
import type { StoreGeneration, StoreGenerations } from './generations/store-generations.js'

export interface MvccLimits {
  /** Entries of one store transaction. */
  readonly batchEntriesMax: number
  /** Bytes of entries of one store transaction; one entry may pass it. */
  readonly batchBytesMax: number
  /** Pages written since the last checkpoint that make the next one due, in bytes. */
  readonly checkpointDirtyBytes: number
  /** Pages written that are worth a sync of their own on the way, so that a checkpoint's is short, in bytes. */
  readonly syncAheadBytes: number
  /** A change waits no longer than this for a checkpoint. */
  readonly checkpointMs: number
  /** Pause before a batch that found no space is tried again. */
  readonly noSpaceRetryMs: number
  /** How long a slice of a compaction may hold up writes; its rows are adapted to it. */
  readonly compactionSliceMs: number
  /** A store file with so many free bytes, and so many times what is in use, is made smaller. */
  readonly spareBytesMax: number
  readonly spareFactorMax: number
  /** And it has been so for this long: what a burst of writes leaves free, the next one uses. */
  readonly spareHeldMs: number
  /** A copy of a store file that is behind by so many bytes of keys is given up, unless a start needs it by now. */
  readonly copyBehindBytesMax: number
  /** Pause after it was made smaller, or could not be. */
  readonly shrinkPauseMs: number
  /** The longest that the pause becomes when files grow back at once. */
  readonly shrinkPauseMsMax: number
}

export const MVCC_LIMITS: MvccLimits = Object.freeze({
  // Small enough that its events fit half of the event log, and that no answer waits long for its batch.
  batchEntriesMax: 4096,
  batchBytesMax: 2 * MIB,
  checkpointDirtyBytes: 128 * MIB,
  // A sync of the log waits for what the disk writes at that moment.
  syncAheadBytes: 2 * MIB,
  checkpointMs: 5000,
  noSpaceRetryMs: 500,
  compactionSliceMs: 2,
  spareBytesMax: 32 * MIB,
  spareFactorMax: 1.6,
  spareHeldMs: 30_000,
  copyBehindBytesMax: 64 * MIB,
  shrinkPauseMs: 60_000,
  shrinkPauseMsMax: 240_000,
})

export interface MvccContext {
  readonly memberId: bigint
  /** Restored and pinned: holds everything up to its applied index, and nothing has been written since. */
  readonly store: SwitchingStore
  /** The store file that it begins with. */
  readonly firstGeneration: StoreGeneration
  /** Where files that follow it come from; null for a store that has no files. */
  readonly generations: StoreGenerations | null
  readonly checkpointer: Checkpointer
  readonly eventLog: EventLogWriter
  readonly words: SharedWords
  /** When wal wrote what it has on disk. */
  readonly syncTimes: SharedArrayBuffer
  readonly fronts: readonly Sender<FrontMessages>[]
  readonly raft: Sender<RaftMessages>
  readonly lease: Sender<LeaseMessages>
  /** Null where no other members are reached. */
  readonly peer: Sender<PeerMessages> | null
  /** Publishes what was sent so far, before the turn ends. */
  readonly publish: () => void
  /** Publishes what was sent to fronts so far, and wakes nobody. */
  readonly publishToFronts: () => void
  /** Sleeps until wal has the entry on disk, for a moment. False if it has not by then. */
  readonly awaitDurable: (index: number) => boolean
  /** Wake every front, and every watch worker: a word that they may wait for has moved. */
  readonly ringFronts: () => void
  readonly ringWatchers: () => void
  /** This member is none any more. */
  readonly onRemoved: () => void
  readonly config: {
    readonly compactionBatchMax: number
    readonly compactionSleepMs: number
    /** Applying a batch for longer than this is logged. */
    readonly slowApplyMs: number
    /** Infinity without a quota. */
    readonly quotaBytes: number
    readonly learnersMax: number
    /** A store file with so many free bytes is made smaller at the start; Infinity for never. */
    readonly bootstrapDefragBytesMin: number
  }
  readonly limits: MvccLimits
  readonly clock: Clock
  readonly counters: Counters
  readonly logger: Logger
}
