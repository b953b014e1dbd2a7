/** Builds a front with its real neighbours. */

import type { PasswordJobs } from '../actor/jobs/jobs-pool.js'
import { ThreadProfiles } from '../actor/meter/thread-profiler.js'
import type { ThreadContext } from '../actor/thread-context.js'
import { randomIds } from '../base/random-ids.js'
import { jobReader } from '../messages/shared-words.js'
import { GenerationHolds } from '../store/generations/generation-holds.js'
import { leaseMessages } from '../messages/lease-messages.js'
import { peerMessages } from '../messages/peer-messages.js'
import { raftMessages } from '../messages/raft-messages.js'
import { watchMessages } from '../messages/watch-messages.js'
import { observeNode } from '../metrics/observed-node.js'
import { RecentRequests } from '../metrics/recent-requests.js'
import { StageHistogram } from '../metrics/stage-histogram.js'
import { openLmdbStore } from '../store/lmdb-store.js'
import { storePath } from '../store/restore-store.js'
import type { ReadableStore } from '../store/store.js'
import { FrontActor } from './front-actor.js'

export interface FrontDevices {
  readonly openStore: (generation: number) => ReadableStore
  /** 64 random bits. */
  readonly randomId: () => bigint
  /** Hashes passwords; without it threads of the front's own do. */
  readonly passwordJobs?: PasswordJobs
}

export function openFront(
  context: ThreadContext,
  index: number,
  devices: FrontDevices = devicesOf(context),
): FrontActor {
  const { config, identity, stagePages, recentRequests } = context.start
  const self = { name: 'front', index } as const
  const page = stagePages[index]
  const recent = recentRequests[index]
  if (page === undefined || recent === undefined) throw new Error(`front ${index} has no page of stage clocks`)
  const mvccBells = context.doorbellsOf('mvcc')
  const node = observeNode(context.start, context.words)
  return new FrontActor({
    index,
    memberId: identity.memberId,
    clusterId: identity.clusterId,
    config,
    clock: context.clock,
    words: context.words,
    raft: context.senderTo(raftMessages, self, { name: 'raft', index: 0 }),
    lease: context.senderTo(leaseMessages, self, { name: 'lease', index: 0 }),
    peer: context.sendersTo(peerMessages, self, 'peer')[0] ?? null,
    watches: context.sendersTo(watchMessages, self, 'watch'),
    holds: new GenerationHolds(context.words, jobReader(index)),
    storeDir: identity.storeDir,
    openStore: devices.openStore,
    recentRows: context.start.recentRows,
    stages: new StageHistogram(page),
    recent: new RecentRequests(recent),
    counters: context.countersOf(self),
    node,
    profiles: new ThreadProfiles(node.threads, context.start.profileChannel),
    logger: context.logger,
    randomId: devices.randomId,
    passwordJobs: devices.passwordJobs,
    publish: () => void context.turn.outbox.flush(),
    syncTimes: context.start.syncTimes,
    ringMvcc: () => mvccBells.forEach((bell) => bell.ring()),
    requestTurn: () => context.requestTurn(),
    notify: context.notify,
  })
}

function devicesOf({ start }: ThreadContext): FrontDevices {
  const { storeDir } = start.identity
  return {
    openStore: (generation) => openLmdbStore({ path: storePath(storeDir, generation), readOnly: true }),
    randomId: randomIds(),
  }
}
