/** When a leader looks at versions: by the clock, and only while it leads. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DOWNGRADE_KEY, encodeDowngradeInfo } from '../../../src/cluster/membership-table.js'
import type { FrontContext } from '../../../src/front/front-context.js'
import type { ReadPath, ReadTask } from '../../../src/front/kv/read-path.js'
import type { Proposer } from '../../../src/front/requests/proposer.js'
import { VersionMonitor } from '../../../src/front/upkeep/version-monitor.js'
import { allocateWords, SharedWords, Word } from '../../../src/messages/shared-words.js'
import { RaftBody } from '../../../src/proto/hot/raft-request.js'
import { MemoryStore } from '../../../src/store/memory-store.js'
import { TABLE } from '../../../src/store/store.js'
import { QUIET_LOGGER } from '../../mvcc/support/quiet-logger.js'

const MEMBER = 7n
const CHECK_MS = 9000

/** A cluster whose members all run what a downgrade was enabled for. */
class Rig {
  readonly words = new SharedWords(allocateWords())
  readonly proposed: number[] = []
  readonly monitor: VersionMonitor
  nowMs = 0

  constructor() {
    const store = new MemoryStore()
    const info = encodeDowngradeInfo({ enabled: true, targetVersion: '3.7.0' })
    store.transact((transaction) => {
      transaction.put(TABLE.cluster, DOWNGRADE_KEY, 0, DOWNGRADE_KEY.length, info, 0, info.length)
    })
    const snapshot = store.beginRead()
    const context = {
      words: this.words,
      memberId: MEMBER,
      config: { downgradeCheckMs: CHECK_MS },
      clock: { nowMs: () => this.nowMs, wallMs: () => 0 },
      logger: QUIET_LOGGER,
      node: { peers: { find: () => undefined } },
    }
    const reads = {
      isFull: false,
      whenFresh: (task: ReadTask) => task.run(),
      members: () => [{ id: MEMBER }],
      clusterVersion: () => '3.7.0',
      store: () => snapshot,
    }
    const proposer = {
      heardMs: 0,
      admit: () => ({}),
      proposeBody: (_: unknown, field: number) => {
        assert.equal(field, RaftBody.downgradeInfoSet)
        this.proposed.push(this.nowMs)
        return 0
      },
    }
    this.monitor = new VersionMonitor(
      context as unknown as FrontContext, proposer as unknown as Proposer, reads as unknown as ReadPath,
    )
  }

  runUntil(ms: number): void {
    for (; this.nowMs < ms; this.nowMs += 100) this.monitor.advance(this.nowMs)
  }
}

test('a downgrade that is over is ended at the end of each period, and no sooner', () => {
  const rig = new Rig()
  rig.words.storeId(Word.leaderId, MEMBER)
  rig.runUntil(3 * CHECK_MS)
  assert.deepEqual(rig.proposed, [CHECK_MS, 2 * CHECK_MS])
})

test('a member that does not lead looks at nothing; the period begins when it does', () => {
  const rig = new Rig()
  rig.words.storeId(Word.leaderId, MEMBER + 1n)
  rig.runUntil(2 * CHECK_MS)
  assert.deepEqual([rig.proposed, rig.monitor.dueAtMs], [[], Infinity])
  rig.words.storeId(Word.leaderId, MEMBER)
  rig.runUntil(4 * CHECK_MS)
  assert.deepEqual(rig.proposed, [3 * CHECK_MS])
})
