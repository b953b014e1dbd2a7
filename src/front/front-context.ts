/** What a front is built from, and what its services share. */

import type { ThreadProfiles } from '../actor/meter/thread-profiler.js'
import type { PasswordJobs } from '../actor/jobs/jobs-pool.js'
import type { Clock } from '../base/clock.js'
import type { Config } from '../config/config.js'
import type { LeaseMessages } from '../messages/lease-messages.js'
import type { PeerMessages } from '../messages/peer-messages.js'
import type { Sender } from '../messages/protocol.js'
import type { RaftMessages } from '../messages/raft-messages.js'
import type { SharedWords } from '../messages/shared-words.js'
import type { WatchMessages } from '../messages/watch-messages.js'
import type { Counters } from '../metrics/counters.js'
import type { Logger } from '../metrics/logger.js'
import type { ObservedNode } from '../metrics/observed-node.js'
import type { RecentRequests } from '../metrics/recent-requests.js'
import type { StageHistogram } from '../metrics/stage-histogram.js'
import type { GenerationHolds } from '../store/generations/generation-holds.js'
import type { ReadableStore } from '../store/store.js'

export interface FrontContext {
  /** This front's number. */
  readonly index: number
  readonly memberId: bigint
  readonly clusterId: bigint
  readonly config: Config
  readonly clock: Clock
  readonly words: SharedWords
  readonly raft: Sender<RaftMessages>
  readonly lease: Sender<LeaseMessages>
  /** Null where no other members are reached. */
  readonly peer: Sender<PeerMessages> | null
  readonly watches: readonly Sender<WatchMessages>[]
  /** Opens a store file for reading on this thread; called when the first is ready, and for every new one. */
  readonly openStore: (generation: number) => ReadableStore
  /** Null where the store is written without recent rows. */
  readonly recentRows: SharedArrayBuffer | null
  /** Store files that others read for this front. */
  readonly holds: GenerationHolds
  /** Where the store's files lie. */
  readonly storeDir: string
  /** This front's page of stage clocks. */
  readonly stages: StageHistogram
  /** This front's newest requests. */
  readonly recent: RecentRequests
  /** This front's page of counters. */
  readonly counters: Counters
  /** What all actors and threads of the node count. */
  readonly node: ObservedNode
  readonly profiles: ThreadProfiles
  readonly logger: Logger
  /** 64 random bits, for ids that the server chooses. */
  readonly randomId: () => bigint
  /** Hashes passwords in place of threads of its own. */
  readonly passwordJobs?: PasswordJobs | undefined
  /** Wakes mvcc: a word that it may wait for has moved. */
  readonly ringMvcc: () => void
  /** Publishes what was sent so far, before the turn ends. */
  readonly publish: () => void
  /** When wal wrote what it has on disk. */
  readonly syncTimes: SharedArrayBuffer
  /** Asks for a turn soon: something was heard. */
  readonly requestTurn: () => void
  /** Tells the supervisor that something it waits for has happened. */
  readonly notify: (event: string) => void
}
