/** A member alone: it leads, commits on its own disk, and keeps the order of persisting and sending. */

import { test } from 'node:test'
import assert from 'node:assert/strict'
import { confStateOf } from '../../src/raft/core/conf-change.js'
import { RaftCore } from '../../src/raft/core/raft-core.js'
import { EntryType, LogEntry, placedEntry } from '../../src/raft/core/raft-log.js'
import { RAFT_LIMITS_DEFAULT } from '../../src/raft/core/raft-state.js'
import { utf8 } from '../../src/base/bytes.js'

function freshSolo(): RaftCore {
  return new RaftCore(1n, {
    hardState: { term: 1, vote: 0n, commit: 1 }, snapshotIndex: 0, snapshotTerm: 0,
    entries: [placedEntry(1, 1, EntryType.confChange, utf8('member 1'))],
    applied: 0, confState: confStateOf([1n]), persisted: false,
  }, { limits: RAFT_LIMITS_DEFAULT, random: () => 0.5 })
}

test('a fresh one-voter cluster stores, elects itself and commits a put only when it is durable', () => {
  const core = freshSolo()
  const first = core.ready()
  assert.ok(first)
  assert.deepEqual([first.appendFirst, first.appendLast, first.mustSync], [1, 1, true])
  assert.deepEqual([first.applyFirst, first.applyLast], [1, 1])
  core.refuseConfChange()
  core.onDurable(first.appendTerm, first.appendIndex)
  assert.equal(core.campaign(), true)
  const vote = core.ready()
  assert.ok(vote?.mustSync)
  assert.deepEqual({ ...vote.hardState }, { term: 2, vote: 1n, commit: 1 })
  assert.equal(core.role, 'candidate')
  core.onDurable(2, 1)
  assert.equal(core.role, 'leader')
  assert.equal(core.soloReadable(), false)
  const noop = core.ready()
  assert.deepEqual([noop?.appendFirst, noop?.appendLast, noop?.applyCount], [2, 2, 0])
  assert.deepEqual(core.proposeOne(new LogEntry(EntryType.normal, utf8('x'))), { ok: true })
  const put = core.ready()
  assert.deepEqual([put?.appendFirst, put?.appendLast, put?.applyCount], [3, 3, 0])
  core.onDurable(2, 2)
  assert.equal(core.soloReadable(), true)
  assert.equal(core.committed, 2)
  core.onDurable(2, 3)
  const apply = core.ready()
  assert.deepEqual([apply?.applyFirst, apply?.applyLast, apply?.mustSync], [2, 3, false])
  assert.equal(core.ready(), null)
})
