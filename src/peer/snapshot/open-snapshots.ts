/** Snapshots with their real devices: the directory of images and the thread that sends them. */

import { spawnThread } from '../../actor/threads/spawn.js'
import type { ThreadContext } from '../../actor/thread-context.js'
import { utf8 } from '../../base/bytes.js'
import type { Sender } from '../../messages/protocol.js'
import type { RaftMessages } from '../../messages/raft-messages.js'
import { counters } from '../../metrics/counter-catalogue.js'
import { PAGE_BYTES_DEFAULT } from '../../store/lmdb-store.js'
import type { OwnIdentity } from '../streams/handshake.js'
import { clearImageDir, imageDirOf } from './image-file.js'
import type { SenderReport, SnapshotSenderStart } from './sender-protocol.js'
import { Snapshots } from './snapshots.js'

export function openSnapshots(
  context: ThreadContext,
  { self, localAddress, raft }: {
    readonly self: OwnIdentity
    readonly localAddress: string | null
    readonly raft: Sender<RaftMessages>
  },
): Snapshots {
  const { clock, logger, start } = context
  const { config, identity } = start
  const { storeDir } = identity
  const page = context.countersOf({ name: 'peer', index: 0 })
  const dir = imageDirOf(storeDir)
  clearImageDir(dir)
  const helperStart: SnapshotSenderStart = {
    self,
    tls: config.peerTls,
    localAddress,
    storeDir,
    words: start.words,
    bytesPerSecond: config.snapshotBytesPerSecond,
  }
  return new Snapshots({
    sending: {
      start: (onReport, onEnd) => {
        const worker = spawnThread('snapshot-sender', 'snapshot-sender', helperStart)
        // A node that ends does not wait for it.
        worker.unref()
        let reason = 'it was told to'
        worker.on('message', (report: SenderReport) => onReport(report))
        worker.on('error', (error: Error) => {
          reason = error.message
        })
        worker.on('exit', () => onEnd(reason))
        return { order: (order) => worker.postMessage(order) }
      },
      tellRaft: (to, ok) => raft.snapshotSent({ member: BigInt.asIntN(64, to), ok: ok ? 1 : 0 }),
      requestTurn: () => context.requestTurn(),
      clock,
      logger,
    },
    receiving: {
      memberId: self.memberId,
      dir,
      noFsync: config.unsafeNoFsync,
      pageBytes: PAGE_BYTES_DEFAULT,
      times: { save: page.histogram(counters.snapshotSave), sync: page.histogram(counters.snapshotSync) },
      clock,
      logger,
      deliver: (path, data) => {
        const isTold = raft.snapshotReceived({ path: utf8(path), data })
        context.requestTurn()
        return isTold
      },
    },
  })
}
