/** wal: owns log files and fsync. */

import type { ActorBuilder } from '../src/actor/thread-runner.js'
import { raftMessages } from '../src/messages/raft-messages.js'
import { openWal } from '../src/wal/open-wal.js'

export const buildWal: ActorBuilder = (context) => {
  const mvccBells = context.doorbellsOf('mvcc')
  return openWal({
    config: context.start.config,
    identity: context.start.identity,
    raft: context.senderTo(raftMessages, { name: 'wal', index: 0 }, { name: 'raft', index: 0 }),
    counters: context.countersOf({ name: 'wal', index: 0 }),
    words: context.words,
    syncTimes: context.start.syncTimes,
    ringMvcc: () => mvccBells.forEach((bell) => bell.ring()),
    logger: context.logger,
    clock: () => context.clock.nowMs(),
  })
}
