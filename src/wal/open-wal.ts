/** The log actor with its real devices: a directory and a helper thread. */

import { spawnThread } from '../actor/threads/spawn.js'
import type { ThreadContext } from '../actor/thread-context.js'
import type { Config } from '../config/config.js'
import { FRAME_OVERHEAD_BYTES_MAX, MIB, entryRingBytes } from '../config/limits.js'
import { raftMessages } from '../messages/raft-messages.js'
import { SyncTimesWriter } from '../messages/sync-times.js'
import { recordBytesMax } from '../ring/ring-layout.js'
import { ThreadSegmentSupply } from './preallocator.js'
import type { SegmentSupply, WalDevice } from './wal-device.js'
import { WalActor } from './wal-actor.js'
import { WalDirectory, listIfThere } from './wal-file.js'
import { readLogMetadata, type MetadataResult } from './wal-recovery.js'
import { SEGMENT_BYTES } from './wal-segment.js'

const SELF = { name: 'wal', index: 0 } as const
/** What the ring from wal to raft has at least; topology.ts gives it as much. */
const RAFT_RING_BYTES = 4 * MIB

export interface WalDevices {
  readonly device: WalDevice
  readonly supply: SegmentSupply
  readonly segmentBytes: number
  /** In [0, 1). */
  readonly random: () => number
}

/** The configured directory and a helper thread by default. */
export function openWal(context: ThreadContext, devices?: WalDevices): WalActor {
  const { config, identity, syncTimes } = context.start
  const toRaft = context.writerTo(SELF, { name: 'raft', index: 0 })
  const mvccBells = context.doorbellsOf('mvcc')
  return new WalActor({
    memberId: identity.memberId,
    clusterId: identity.clusterId,
    ...(devices ?? devicesOf(config)),
    segmentsMax: config.walsMax,
    noFsync: config.unsafeNoFsync,
    batchBytesMax: config.walBatchBytes,
    batchDelayMs: config.walBatchDelayMs,
    entryBytesMax: recordBytesMax(entryRingBytes(config.requestBytesMax, RAFT_RING_BYTES)) - FRAME_OVERHEAD_BYTES_MAX,
    raft: context.senderTo(raftMessages, SELF, { name: 'raft', index: 0 }),
    counters: context.countersOf(SELF),
    words: context.words,
    syncTimes: new SyncTimesWriter(syncTimes),
    ringMvcc: () => mvccBells.forEach((bell) => bell.ring()),
    mvccMayWait: devices === undefined && mvccBells.length > 0,
    publishToRaft: () => void toRaft.publish(),
    ringFront: (front) => context.doorbellOf('front', front).ring(),
    frontCount: config.frontWorkers,
    logger: context.logger,
    clock: () => context.clock.nowMs(),
  })
}

function devicesOf(config: Config): WalDevices {
  const noFsync = config.unsafeNoFsync
  const supplyOptions = { directory: config.walDir, fileBytes: SEGMENT_BYTES, noFsync }
  return {
    device: new WalDirectory(config.walDir, { noFsync }),
    supply: new ThreadSegmentSupply(supplyOptions, (start) => {
      // The thread that owns the log ends when it likes; a helper that is still filling does not hold it.
      spawnThread('prealloc', 'prealloc', start).unref()
    }),
    segmentBytes: SEGMENT_BYTES,
    random: Math.random,
  }
}

/** The identity that a log in `directory` was made for; null when there is none. Makes and changes nothing. */
export function readWalMetadata(directory: string): MetadataResult {
  try {
    const names = listIfThere(directory)
    if (names === null) return { ok: true, metadata: null }
    return readLogMetadata(new WalDirectory(directory, { noFsync: true }), names)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return { ok: false, message: `cannot read the write-ahead log: ${message}` }
  }
}
