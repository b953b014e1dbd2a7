/**
 * The table of contents: every actor, every ring between two of them, in the order a put travels, and which actors
 * share a thread in each mode. Read this second, after README's table of a put's way.
 */

import type { ActorName } from './actor/actor.js'
import { parseInitialCluster } from './cluster/initial-cluster.js'
import type { Config } from './config/config.js'
import { ANSWER_RING_BYTES, KIB, MIB, batchRingBytes, entryRingBytes } from './config/limits.js'

/** One directed edge between two kinds of actors: a ring for every pair of their instances. */
export interface Edge {
  readonly from: ActorName
  readonly to: ActorName
  readonly bytes: number
}

/** One thread and the actors on it, in the order they take their turns. */
export interface ThreadPlan {
  readonly name: string
  readonly actors: readonly { readonly name: ActorName; readonly index: number }[]
  /** True if an actor on it owns sockets and so needs the event loop; otherwise the thread sleeps in Atomics.wait. */
  readonly eventLoop: boolean
}

export function edges(config: Config): readonly Edge[] {
  const entries = (floor: number): number => entryRingBytes(config.requestBytesMax, floor)
  const count = instances(config)
  const all = [
    // Raft takes from its rings in this order: what other members, the store and the disk say goes before new requests.
    ring('peer', 'raft', entries(8 * MIB)),
    ring('mvcc', 'raft', 64 * KIB),
    ring('wal', 'raft', entries(4 * MIB)),
    ring('front', 'raft', entries(4 * MIB)),
    ring('raft', 'peer', batchRingBytes(config.requestBytesMax, 8 * MIB)),
    ring('raft', 'wal', batchRingBytes(config.requestBytesMax, 8 * MIB)),
    ring('raft', 'mvcc', batchRingBytes(config.requestBytesMax, 8 * MIB)),
    ring('mvcc', 'front', ANSWER_RING_BYTES),
    ring('raft', 'front', 256 * KIB),
    ring('mvcc', 'peer', 256 * KIB),
    ring('front', 'peer', 256 * KIB),
    ring('peer', 'front', 256 * KIB),
    ring('mvcc', 'lease', 1 * MIB),
    ring('lease', 'raft', 1 * MIB),
    ring('raft', 'lease', 64 * KIB),
    ring('front', 'lease', 1 * MIB),
    ring('lease', 'front', 1 * MIB),
    ring('front', 'watch', entries(1 * MIB)),
    ring('watch', 'front', 4 * MIB),
  ]
  return all.filter(({ from, to }) => count[from] > 0 && count[to] > 0)
}

function ring(from: ActorName, to: ActorName, bytes: number): Edge {
  return { from, to, bytes }
}

/** How many instances of each kind a node runs. */
export function instances(config: Config): Readonly<Record<ActorName, number>> {
  return {
    front: config.frontWorkers,
    raft: 1,
    wal: 1,
    peer: 1,
    mvcc: 1,
    watch: config.watchWorkers,
    lease: 1,
  }
}

/**
 * `shared`: a front with its watch worker and lease | raft | wal | mvcc, where a hop between neighbours costs a
 * function call. `dedicated`: one thread each. `inline`: all on the calling thread. In every mode but inline wal is
 * alone, because it sleeps in the kernel, and raft shares with no client's work.
 *
 * Raft and peer share a thread in a cluster, so that what another member says is acted on without a wake-up. A member
 * that is started alone waits for its disk only, for which a thread without an event loop is quicker: peer has one of
 * its own there.
 */
export function threads(config: Config): readonly ThreadPlan[] {
  const fronts = range(config.frontWorkers)
  const watches = range(config.watchWorkers)
  const core: ThreadPlan[] = [
    ...consensus(config),
    { name: 'wal', actors: [{ name: 'wal', index: 0 }], eventLoop: false },
    { name: 'mvcc', actors: [{ name: 'mvcc', index: 0 }], eventLoop: false },
  ]
  switch (config.threadsMode) {
    case 'dedicated':
      return [
        ...fronts.map((index) => alone('front', index, true)),
        ...core,
        ...watches.map((index) => alone('watch', index, false)),
        alone('lease', 0, false),
      ]
    case 'shared':
      return [
        ...fronts.map((index) => ({
          name: `front-${index}`,
          // Watch and lease first: what they answer reaches the front in the same turn.
          actors: [
            ...watches
              .filter((watch) => watch % fronts.length === index)
              .map((watch) => ({ name: 'watch' as const, index: watch })),
            ...(index === 0 ? [{ name: 'lease' as const, index: 0 }] : []),
            { name: 'front' as const, index },
          ],
          eventLoop: true,
        })),
        ...core,
      ]
    case 'inline':
      return [
        {
          name: 'inline',
          actors: [
            { name: 'front', index: 0 },
            { name: 'raft', index: 0 },
            { name: 'peer', index: 0 },
            { name: 'wal', index: 0 },
            { name: 'mvcc', index: 0 },
            { name: 'watch', index: 0 },
            { name: 'lease', index: 0 },
          ],
          eventLoop: true,
        },
      ]
  }
}

function consensus(config: Config): ThreadPlan[] {
  const raft = { name: 'raft', index: 0 } as const
  const peer = { name: 'peer', index: 0 } as const
  if (startsWithOthers(config)) return [{ name: 'raft', actors: [raft, peer], eventLoop: true }]
  return [
    { name: 'raft', actors: [raft], eventLoop: false },
    { name: 'peer', actors: [peer], eventLoop: true },
  ]
}

/** As far as flags tell: a cluster that has grown since is one as well, and only slower. */
function startsWithOthers(config: Config): boolean {
  if (config.initialClusterState === 'existing' || config.discovery !== null || config.discoverySrv !== '') return true
  const parsed = parseInitialCluster(config.initialCluster)
  return parsed.ok && parsed.members.length > 1
}

function alone(name: ActorName, index: number, eventLoop: boolean): ThreadPlan {
  return { name: `${name}-${index}`, actors: [{ name, index }], eventLoop }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}
