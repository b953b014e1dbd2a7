/** What a thread is told when it starts: plain data and shared memory, nothing else crosses. */

import type { Config } from '../config/config.js'
import type { ActorName } from './actor.js'

export interface RingPlacement {
  readonly from: ActorName
  readonly fromIndex: number
  readonly to: ActorName
  readonly toIndex: number
  readonly memory: SharedArrayBuffer
}

export interface ActorPlacement {
  readonly name: ActorName
  readonly index: number
  readonly thread: number
}

/** Identity of this member and its cluster, known before any thread starts. */
export interface Identity {
  readonly memberId: bigint
  readonly clusterId: bigint
  /** Encoded raftpb.ConfChange entries for a first start, one for each member of the initial cluster. */
  readonly bootstrapEntries: readonly Uint8Array[]
  readonly storeDir: string
}

export interface ThreadStart {
  readonly threadIndex: number
  readonly threadName: string
  readonly eventLoop: boolean
  readonly config: Config
  readonly identity: Identity
  readonly actors: readonly ActorPlacement[]
  readonly rings: readonly RingPlacement[]
  /** One per thread, by thread index. */
  readonly doorbells: readonly SharedArrayBuffer[]
  readonly words: SharedArrayBuffer
  readonly eventLog: SharedArrayBuffer
  /** Rows of the store that are not in its file yet; see store/recent. */
  readonly recentRows: SharedArrayBuffer
  /** The counters of each actor, in the order of `actors`. */
  readonly actorPages: readonly SharedArrayBuffer[]
  /** The counters of each thread, by thread index, and its name. */
  readonly threadPages: readonly SharedArrayBuffer[]
  readonly threadNames: readonly string[]
  /** Where threads post profiles of themselves; no other node of the process has that name. */
  readonly profileChannel: string
  /** From wal to mvcc. */
  readonly syncTimes: SharedArrayBuffer
  /** One page of stage clocks per front. */
  readonly stagePages: readonly SharedArrayBuffer[]
  /** The newest requests of each front, with their stages. */
  readonly recentRequests: readonly SharedArrayBuffer[]
  /** What peer knows of other members; see metrics/peer-page.ts. */
  readonly peerPage: SharedArrayBuffer
  /** This thread's ring to the log writer, and the log writer's doorbell. */
  readonly logRing: SharedArrayBuffer
  readonly logDoorbell: SharedArrayBuffer
  readonly drainMsMax: number
}
