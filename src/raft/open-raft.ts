/** Builds the raft actor with its real neighbours. */

import { randomInt } from 'node:crypto'
import type { ThreadContext } from '../actor/thread-context.js'
import { entryRoomBytes, requestTimeoutMs } from '../config/limits.js'
import { frontMessages } from '../messages/front-messages.js'
import { leaseMessages } from '../messages/lease-messages.js'
import { mvccMessages } from '../messages/mvcc-messages.js'
import { walMessages } from '../messages/wal-messages.js'
import { RAFT_LIMITS_DEFAULT } from './core/raft-state.js'
import { PeerOutlet } from './peer-outlet.js'
import { RaftActor } from './raft-actor.js'

const SELF = { name: 'raft', index: 0 } as const
const WAL = { name: 'wal', index: 0 } as const
const MVCC = { name: 'mvcc', index: 0 } as const
const LEASE = { name: 'lease', index: 0 } as const

const RANDOM_STEPS = 2 ** 32

export interface RaftDevices {
  /** In [0, 1). */
  readonly random: () => number
}

const DEVICES: RaftDevices = { random: () => randomInt(RANDOM_STEPS) / RANDOM_STEPS }

export function openRaft(context: ThreadContext, devices: RaftDevices = DEVICES): RaftActor {
  const { config, identity } = context.start
  const toWal = context.writerTo(SELF, WAL)
  const toMvcc = context.writerTo(SELF, MVCC)
  const fronts = context.doorbellsOf('front')
  const [toPeer] = context.writersTo(SELF, 'peer')
  return new RaftActor({
    memberId: identity.memberId,
    bootstrapEntries: identity.bootstrapEntries,
    forcedWithUrls: config.forceNewCluster ? config.advertisePeerUrls : null,
    heartbeatMs: config.heartbeatMs,
    advancesElection: config.electionTickAdvance,
    snapshotCount: config.snapshotCount,
    walStallHandoverMs: config.walStallHandoverMs,
    requestTimeoutMs: requestTimeoutMs(config.electionMs),
    limits: {
      ...RAFT_LIMITS_DEFAULT,
      preVote: config.preVote,
      electionTicks: Math.floor(config.electionMs / config.heartbeatMs),
      unappliedCountMaxFirst: RAFT_LIMITS_DEFAULT.unappliedCountMax * (config.gates.PriorityRequest ? 2 : 1),
      catchupCountMax: config.snapshotCatchupEntries,
      // The rings decide how much goes at once.
      appendBytesMax: Infinity,
      applyBytesMax: Infinity,
    },
    random: devices.random,
    clock: () => context.clock.nowMs(),
    words: context.words,
    wal: context.senderTo(walMessages, SELF, WAL),
    mvcc: context.senderTo(mvccMessages, SELF, MVCC),
    fronts: context.sendersTo(frontMessages, SELF, 'front'),
    lease: context.senderTo(leaseMessages, SELF, LEASE),
    peer: toPeer === undefined ? null : new PeerOutlet(toPeer, config.requestBytesMax),
    walRoomBytes: () => entryRoomBytes(toWal.freeBytes, config.requestBytesMax),
    mvccRoomBytes: () => entryRoomBytes(toMvcc.freeBytes, config.requestBytesMax),
    publishToMvcc: () => {
      toMvcc.publish()
    },
    ringFronts: () => {
      for (const doorbell of fronts) doorbell.ring()
    },
    counters: context.countersOf(SELF),
    logger: context.logger,
  })
}
