/** What --force-new-cluster makes of a log: a cluster of this member alone, with all that is known to be committed. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeMemberChange, memberChangeOf, type MemberChange } from '../../../src/cluster/member-change.js'
import { decodeConfChange } from '../../../src/proto/generated/raftpb.js'
import { confStateOf, type ConfState } from '../../../src/raft/core/conf-change.js'
import { RaftCore } from '../../../src/raft/core/raft-core.js'
import { EntryType, placedEntry } from '../../../src/raft/core/raft-log.js'
import { RAFT_LIMITS_DEFAULT, type RaftInitial } from '../../../src/raft/core/raft-state.js'
import { confChangeOf } from '../../../src/raft/conf-codec.js'
import { forcedCluster } from '../../../src/raft/forced-cluster.js'

const SELF = 2n
const URLS = ['http://10.0.0.2:2380']

function initial(confState: ConfState, changes: Partial<RaftInitial> = {}): RaftInitial {
  const entries = [1, 2, 3, 4, 5].map((index) => placedEntry(3, index, EntryType.normal, new Uint8Array([index])))
  return {
    hardState: { term: 4, vote: 1n, commit: 3 }, snapshotIndex: 0, snapshotTerm: 0, entries, applied: 3, confState,
    persisted: true, ...changes,
  }
}

function addedChanges(forced: RaftInitial): (MemberChange | null)[] {
  return forced.entries
    .filter(({ index }) => index >= (forced.addedFrom ?? Infinity))
    .map(({ data }) => memberChangeOf(decodeConfChange(data)))
}

test('others are removed, and what is not committed is dropped', () => {
  const forced = forcedCluster(initial(confStateOf([1n, 2n, 3n], [9n])), SELF, URLS)
  assert.deepEqual(forced.entries.map(({ index, term }) => [index, term]), [
    [1, 3], [2, 3], [3, 3], [4, 4], [5, 4], [6, 4],
  ])
  assert.deepEqual(forced.hardState, { term: 4, vote: 1n, commit: 6 })
  assert.deepEqual(addedChanges(forced), [1n, 3n, 9n].map((id) => ({ kind: 'remove', id })))
})

test('a learner votes before the voters go, and one that is no member is added', () => {
  const learner = forcedCluster(initial(confStateOf([1n], [2n])), SELF, URLS)
  assert.deepEqual(addedChanges(learner), [{ kind: 'promote', id: 2n }, { kind: 'remove', id: 1n }])
  const stranger = forcedCluster(initial(confStateOf([1n])), SELF, URLS)
  const member = { id: 2n, peerUrls: URLS, isLearner: false, name: '', clientUrls: [] }
  assert.deepEqual(addedChanges(stranger), [{ kind: 'add', member }, { kind: 'remove', id: 1n }])
})

test('a member that a committed entry adds is removed, too, applied or not', () => {
  const member = { id: 7n, peerUrls: ['http://7:1'], isLearner: false, name: '', clientUrls: [] }
  const added = placedEntry(3, 3, EntryType.confChange, encodeMemberChange(0n, { kind: 'add', member }))
  const entries = [1, 2].map((index) => placedEntry(3, index, EntryType.normal, new Uint8Array([index])))
  const forced = forcedCluster(initial(confStateOf([2n]), { entries: [...entries, added], applied: 2 }), SELF, URLS)
  assert.deepEqual(addedChanges(forced), [{ kind: 'remove', id: 7n }])
})

test('a member that is alone stays as it is, but for what is not committed', () => {
  const forced = forcedCluster(initial(confStateOf([2n])), SELF, URLS)
  assert.deepEqual([forced.entries.length, forced.hardState.commit, forced.addedFrom], [3, 3, 4])
})

test('the core goes on alone: the changes are stored, applied, and then it leads', () => {
  const forced = forcedCluster(initial(confStateOf([1n, 2n, 3n])), SELF, URLS)
  const core = new RaftCore(SELF, forced, { limits: RAFT_LIMITS_DEFAULT, random: () => 0 })
  assert.equal(core.campaign(), false)
  const stored: number[] = []
  for (let ready = core.ready(); ready !== null; ready = core.ready()) {
    for (let i = ready.appendFirst; i <= ready.appendLast; i++) stored.push(i)
    const { applyFirst, applyLast, mustSync, appendTerm, appendIndex } = ready
    for (let i = applyFirst; i <= applyLast; i++) core.applyConfChange(confChangeOf(core.entry(i).data))
    if (mustSync) core.onDurable(appendTerm, appendIndex)
    if (applyLast >= applyFirst) core.appliedTo(applyLast)
  }
  assert.deepEqual(stored, [4, 5])
  assert.deepEqual([...core.confState.voters], [SELF])
  assert.equal(core.campaign(), true)
})
