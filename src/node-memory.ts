/** Shares out a node's memory: rings, doorbells, words and pages, then one start message for each thread. */

import { randomInt } from 'node:crypto'
import type { ActorName } from './actor/actor.js'
import type { ActorPlacement, Identity, RingPlacement, ThreadStart } from './actor/thread-start.js'
import type { Config } from './config/config.js'
import { EVENT_LOG_BYTES, RECENT_SLOT_BYTES } from './config/limits.js'
import { allocateWords } from './messages/shared-words.js'
import { allocateSyncTimes } from './messages/sync-times.js'
import { LOG_RING_BYTES } from './metrics/logger.js'
import { allocateActorPage } from './metrics/counter-catalogue.js'
import { allocateRecentRequests } from './metrics/recent-requests.js'
import { allocatePeerPage } from './metrics/peer-page.js'
import { allocateStagePage } from './metrics/stage-histogram.js'
import { allocateThreadPage } from './metrics/thread-catalogue.js'
import { allocateDoorbell } from './ring/doorbell.js'
import { allocateRing } from './ring/ring-layout.js'
import { allocateRecent } from './store/recent/recent-memory.js'
import { edges, instances, threads } from './topology.js'

/** How long a thread may drain when it is told to stop. */
const DRAIN_MS_MAX = 5000

export interface NodeMemory {
  readonly starts: readonly ThreadStart[]
  /** One ring per thread, then the main thread's. */
  readonly logRings: readonly SharedArrayBuffer[]
  readonly logDoorbell: SharedArrayBuffer
  readonly words: SharedArrayBuffer
}

/** Nodes of this process so far. */
let nodes = 0

/** How much memory a node's parts get. */
export interface NodeSizes {
  /** Given what topology.ts says of a ring. */
  readonly ringBytes: (bytes: number) => number
  readonly eventLogBytes: number
  readonly recentSlotBytes: number
  /** Of the hashes of keys in memory. */
  readonly recentSeed: () => number
}

const SIZES: NodeSizes = {
  ringBytes: (bytes) => bytes,
  eventLogBytes: EVENT_LOG_BYTES,
  recentSlotBytes: RECENT_SLOT_BYTES,
  recentSeed: () => randomInt(2 ** 31),
}

export function allocateNode(config: Config, identity: Identity, sizes: NodeSizes = SIZES): NodeMemory {
  const plans = threads(config)
  const actors: ActorPlacement[] = plans.flatMap((plan, thread) =>
    plan.actors.map(({ name, index }) => ({ name, index, thread })),
  )
  const rings = allocateRings(config, sizes)
  const doorbells = plans.map(() => allocateDoorbell())
  const logRings = Array.from({ length: plans.length + 1 }, () => allocateRing(LOG_RING_BYTES))
  const logDoorbell = allocateDoorbell()
  const words = allocateWords()
  const syncTimes = allocateSyncTimes()
  const eventLog = new SharedArrayBuffer(sizes.eventLogBytes)
  const recentRows = allocateRecent(sizes.recentSlotBytes, sizes.recentSeed())
  const stagePages = Array.from({ length: config.frontWorkers }, () => allocateStagePage())
  const recentRequests = Array.from({ length: config.frontWorkers }, () => allocateRecentRequests())
  const actorPages = actors.map(() => allocateActorPage())
  const threadPages = plans.map(() => allocateThreadPage())
  const peerPage = allocatePeerPage()
  const profileChannel = `raftring-profiles-${++nodes}`
  const threadNames = plans.map(({ name }) => name)
  const starts = plans.map((plan, threadIndex): ThreadStart => ({
    threadIndex,
    threadName: plan.name,
    eventLoop: plan.eventLoop,
    config,
    identity,
    actors,
    rings,
    doorbells,
    words,
    eventLog,
    recentRows,
    actorPages,
    threadPages,
    threadNames,
    profileChannel,
    syncTimes,
    stagePages,
    recentRequests,
    peerPage,
    logRing: logRings[threadIndex] as SharedArrayBuffer,
    logDoorbell,
    drainMsMax: DRAIN_MS_MAX,
  }))
  return { starts, logRings, logDoorbell, words }
}

function allocateRings(config: Config, sizes: NodeSizes): RingPlacement[] {
  const count = instances(config)
  const rings: RingPlacement[] = []
  for (const { from, to, bytes } of edges(config)) {
    for (const fromIndex of indexes(count, from)) {
      for (const toIndex of indexes(count, to)) {
        rings.push({ from, fromIndex, to, toIndex, memory: allocateRing(sizes.ringBytes(bytes)) })
      }
    }
  }
  return rings
}

function indexes(count: Readonly<Record<ActorName, number>>, name: ActorName): number[] {
  return Array.from({ length: count[name] }, (_, index) => index)
}
