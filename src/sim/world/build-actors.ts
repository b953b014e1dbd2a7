/** The real actors over simulated devices. */

import type { Actor, ActorName } from '../../actor/actor.js'
import type { ThreadContext } from '../../actor/thread-context.js'
import type { Prng } from '../../base/prng.js'
import { openFront } from '../../front/open-front.js'
import { openLease } from '../../lease/open-lease.js'
import { MVCC_LIMITS, type MvccLimits } from '../../mvcc/mvcc-context.js'
import { openMvcc } from '../../mvcc/open-mvcc.js'
import { openRaft } from '../../raft/open-raft.js'
import { openWal } from '../../wal/open-wal.js'
import { openWatch } from '../../watch/open-watch.js'
import { SimCheckpointer } from '../devices/sim-checkpointer.js'
import type { SimDisk } from '../devices/sim-disk.js'
import type { OpenStore } from '../devices/sim-store.js'
import { SimPasswordJobs } from '../devices/sim-password-jobs.js'
import { SimSupply } from '../devices/sim-supply.js'
import { openSimPeer } from '../network/sim-peer-actor.js'
import { ObservedMvcc, type ApplyObserver } from './observed-mvcc.js'
import type { SimNetwork } from '../network/sim-network.js'
import type { SimNode } from './sim-node.js'
import type { World } from './world.js'

const SEGMENT_BYTES = 64 * 1024
const LIMITS: MvccLimits = Object.freeze({ ...MVCC_LIMITS, checkpointMs: 2000, spareBytesMax: Infinity })

/** What a cluster adds to each of its nodes. */
export interface NodeParts {
  /** Hears of every entry that any member is given to apply. */
  readonly applies: ApplyObserver
  readonly network: SimNetwork
}

export interface NodeDevices {
  readonly disk: SimDisk
  readonly store: OpenStore
  /** The process that they belong to has ended. */
  readonly isGone: () => boolean
  readonly ringMvcc: () => void
  /** A helper of it has thrown this: it ends. */
  readonly onThrow: (error: unknown) => void
}

export interface BuildContext {
  readonly world: World
  readonly node: SimNode
  readonly device: NodeDevices
  readonly parts: NodeParts
}

export function buildActor(
  context: ThreadContext,
  { name, index }: { readonly name: ActorName; readonly index: number },
  build: BuildContext,
): Actor {
  const random = build.world.stream()
  const openStore = (generation: number): ReturnType<OpenStore['openReader']> =>
    build.device.store.openReader(generation)
  switch (name) {
    case 'front':
      return openFront(context, index, {
        openStore,
        randomId: () => randomId(random),
        passwordJobs: new SimPasswordJobs(build.world, build.device.isGone),
      })
    case 'raft':
      return openRaft(context, { random: () => random.float() })
    case 'wal':
      return buildWal(context, build, random)
    case 'mvcc':
      return buildMvcc(context, build)
    case 'watch':
      return openWatch(context, index, { openStore, seed: random.u32() })
    case 'lease':
      return openLease(context)
    case 'peer':
      return openSimPeer(context, build.node, build.parts.network)
  }
}

function buildWal(context: ThreadContext, { world, device }: BuildContext, random: Prng): Actor {
  const { disk, isGone, onThrow } = device
  return openWal(context, {
    device: disk,
    supply: new SimSupply(world, { disk, fileBytes: SEGMENT_BYTES, isGone, onThrow }),
    segmentBytes: SEGMENT_BYTES,
    random: () => random.float(),
  })
}

function buildMvcc(context: ThreadContext, { world, node, device, parts }: BuildContext): Actor {
  const { store, isGone, ringMvcc } = device
  const actor = openMvcc(context, {
    firstGeneration: store.generation,
    generations: store.generations,
    checkpointer: new SimCheckpointer(world, { target: store.target, isGone, ring: ringMvcc }),
    limits: LIMITS,
  })
  return new ObservedMvcc(actor, (entry) => parts.applies.onApply(node, entry))
}

function randomId(random: Prng): bigint {
  return (BigInt(random.u32()) << 32n) | BigInt(random.u32())
}
