/** The mvcc actor with its real devices: the restored store and the thread that makes its checkpoints. */

import { spawnThread } from '../actor/threads/spawn.js'
import type { ThreadContext } from '../actor/thread-context.js'
import { EventLogWriter } from '../keyspace/event-log-writer.js'
import { frontMessages } from '../messages/front-messages.js'
import { leaseMessages } from '../messages/lease-messages.js'
import { peerMessages } from '../messages/peer-messages.js'
import { raftMessages } from '../messages/raft-messages.js'
import { Word } from '../messages/shared-words.js'
import { settleRecent } from '../keyspace/tables/settle-recent.js'
import { Doorbell } from '../ring/doorbell.js'
import { SwitchingStore } from '../store/generations/switching-store.js'
import { RecentMemory } from '../store/recent/recent-memory.js'
import { restoreStore } from '../store/restore-store.js'
import { MvccActor } from './mvcc-actor.js'
import { MVCC_LIMITS, type MvccLimits } from './mvcc-context.js'
import type { Checkpointer } from './checkpoint/checkpointer.js'
import { StoreCheckpointSource, type StoreCheckpointTargetStart } from './checkpoint/store-checkpoint.js'
import { LmdbGenerations } from './generations/lmdb-generations-file.js'
import type { StoreGeneration, StoreGenerations } from './generations/store-generations.js'
import { ThreadCheckpointer, type CheckpointHelperStart } from './checkpoint/thread-checkpointer.js'

export type CheckpointThreadStart = CheckpointHelperStart & StoreCheckpointTargetStart

/** How soon a start that finds no space looks again. */
const NO_SPACE_RETRY_MS = 500

/** A sync takes some milliseconds at most; on a disk that stalls mvcc has other work to do. */
const SYNC_PATIENCE_MS = 50

const SELF = { name: 'mvcc', index: 0 } as const

/** The store that a start begins with, and where its checkpoints go. */
export interface MvccDevices {
  readonly firstGeneration: StoreGeneration
  readonly generations: StoreGenerations | null
  readonly checkpointer: Checkpointer
  readonly limits: MvccLimits
}

/** Throws when the store cannot be restored: there is nothing to serve from then. */
export function openMvcc(context: ThreadContext, devices: MvccDevices = devicesOf(context)): MvccActor {
  const { start, words, turn, clock, logger } = context
  const { config, identity } = start
  const frontBells = context.doorbellsOf('front')
  const watchBells = context.doorbellsOf('watch')
  const toFronts = context.writersTo(SELF, 'front')
  return new MvccActor({
    memberId: identity.memberId,
    store: openStore(devices.firstGeneration, context),
    ...devices,
    eventLog: new EventLogWriter(start.eventLog, words),
    words,
    syncTimes: start.syncTimes,
    fronts: context.sendersTo(frontMessages, SELF, 'front'),
    raft: context.senderTo(raftMessages, SELF, { name: 'raft', index: 0 }),
    lease: context.senderTo(leaseMessages, SELF, { name: 'lease', index: 0 }),
    peer: context.sendersTo(peerMessages, SELF, 'peer')[0] ?? null,
    publish: () => turn.outbox.flush(),
    publishToFronts: () => toFronts.forEach((writer) => writer.publish()),
    awaitDurable: (index) => words.awaitAtLeast(Word.durableIndex, index, SYNC_PATIENCE_MS),
    ringFronts: () => frontBells.forEach((bell) => bell.ring()),
    ringWatchers: () => watchBells.forEach((bell) => bell.ring()),
    onRemoved: () => context.notify('removed'),
    config,
    clock,
    counters: context.countersOf(SELF),
    logger,
  })
}

/** Rows that an earlier process had in memory only are made anew first. On a full disk a thread waits for room. */
function openStore({ store }: StoreGeneration, context: ThreadContext): SwitchingStore {
  const { start, logger } = context
  const doorbell = new Doorbell(start.doorbells[start.threadIndex] as SharedArrayBuffer)
  for (;;) {
    const settled = settleRecent(store)
    if (settled.ok) return new SwitchingStore(store, new RecentMemory(start.recentRows))
    if (start.eventLoop || context.stopRequested()) throw new Error(`cannot restore the store: ${settled.message}`)
    logger.error('mvcc', 'no space to restore the store; trying again', { message: settled.message })
    doorbell.park(NO_SPACE_RETRY_MS, () => context.stopRequested())
  }
}

function devicesOf(context: ThreadContext): MvccDevices {
  const { start, clock } = context
  const dir = start.identity.storeDir
  const restored = restoreStore(dir)
  if (!restored.ok) throw new Error(`cannot restore the store: ${restored.message}`)
  const { store, generation, isInstalled } = restored
  const target = { dir, noFsync: start.config.unsafeNoFsync }
  const checkpointer = new ThreadCheckpointer({
    mvccDoorbell: start.doorbells[start.threadIndex] as SharedArrayBuffer,
    nowMs: () => clock.nowMs(),
    spawn: (helper) => {
      const data: CheckpointThreadStart = { ...helper, ...target }
      spawnThread('checkpoint', 'checkpoint', data).unref()
    },
  })
  return {
    firstGeneration: { number: generation, store, isInstalled, source: new StoreCheckpointSource(store, generation) },
    generations: new LmdbGenerations(dir),
    checkpointer,
    limits: {
      ...MVCC_LIMITS,
      batchEntriesMax: context.start.config.applyBatchEntries,
      batchBytesMax: context.start.config.applyBatchBytes,
    },
  }
}
