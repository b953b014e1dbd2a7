/** What a member begins with after a start: its log and its store, as far as they go. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Slice } from '../../../src/base/slice.js'
import { bootstrapEntries } from '../../../src/cluster/bootstrap-entries.js'
import { RaftRecovery } from '../../../src/raft/raft-recovery.js'
import { EntryType, placedEntry } from '../../../src/raft/core/raft-log.js'
import type { RaftInitial } from '../../../src/raft/core/raft-state.js'

const MEMBERS = [1n, 2n, 3n].map((id) => ({
  id, peerUrls: [`http://${id}:1`], isLearner: false, name: `m${id}`, clientUrls: [],
}))

function begin(
  first: readonly Uint8Array[], hardState: { term: number; vote: bigint; commit: number }, entryCount = 0,
): RaftInitial {
  const recovery = new RaftRecovery(first)
  for (let index = 1; index <= entryCount; index++) {
    recovery.onEntry(placedEntry(1, index, EntryType.confChange, first[index - 1] ?? new Uint8Array(0)))
  }
  recovery.onLog({ fresh: 0, ...hardState, snapshotIndex: 0, snapshotTerm: 0, confState: new Slice() })
  recovery.onStore({ appliedIndex: 0, appliedTerm: 0, installed: 0, confState: new Slice() })
  const recovered = recovery.take()
  assert.ok(recovered !== null)
  return recovered.initial
}

test('a member that joins and has voted before its first entry remembers its vote', () => {
  const initial = begin([], { term: 8, vote: 3n, commit: 0 })
  assert.deepEqual(initial.hardState, { term: 8, vote: 3n, commit: 0 })
  assert.equal(initial.persisted, true)
})

test('a first start begins with the entries of its flags, also after one that was cut off while it wrote them', () => {
  const first = bootstrapEntries(MEMBERS)
  for (const entryCount of [0, 1, 3]) {
    const initial = begin(first, { term: 0, vote: 0n, commit: 0 }, entryCount)
    assert.deepEqual(initial.hardState, { term: 1, vote: 0n, commit: 3 })
    assert.deepEqual(initial.confState.voters, [1n, 2n, 3n])
    assert.deepEqual(initial.entries.map(({ index, term }) => [index, term]), [[1, 1], [2, 1], [3, 1]])
    assert.equal(initial.persisted, false)
  }
})
