/**
 * `--force-new-cluster`: this member goes on alone with what it has. What it does not know to be committed is dropped,
 * and the log is continued with changes that make it a voter and remove everybody else. They count as committed: that
 * nobody else agrees to them is what the flag is for.
 */

import { encodeMemberChange, type MemberChange } from '../cluster/member-change.js'
import { confChangeOf } from './conf-codec.js'
import type { ConfState } from './core/conf-change.js'
import { EntryType, placedEntry, type LogEntry } from './core/raft-log.js'
import type { RaftInitial } from './core/raft-state.js'

export function forcedCluster(initial: RaftInitial, selfId: bigint, peerUrls: readonly string[]): RaftInitial {
  const { term, vote, commit } = initial.hardState
  const kept = initial.entries.filter(({ index }) => index <= commit)
  const changes = changesTo(initial, kept, selfId, peerUrls)
  const added = changes.map((change, i) => {
    return placedEntry(term, commit + 1 + i, EntryType.confChange, encodeMemberChange(0n, change))
  })
  return {
    ...initial,
    entries: [...kept, ...added],
    hardState: { term, vote, commit: commit + added.length },
    addedFrom: commit + 1,
  }
}

/** Somebody always votes: this member comes first. */
function changesTo(
  { applied, confState }: RaftInitial,
  kept: readonly LogEntry[],
  selfId: bigint,
  peerUrls: readonly string[],
): MemberChange[] {
  const { voters, others } = membersAfter(confState, kept.filter(({ index }) => index > applied))
  const changes: MemberChange[] = []
  if (!voters.has(selfId) && others.has(selfId)) changes.push({ kind: 'promote', id: selfId })
  else if (!voters.has(selfId)) {
    changes.push({ kind: 'add', member: { id: selfId, peerUrls, isLearner: false, name: '', clientUrls: [] } })
  }
  const ids = new Set([...voters, ...others])
  ids.delete(selfId)
  for (const id of [...ids].sort((a, b) => (a < b ? -1 : 1))) changes.push({ kind: 'remove', id })
  return changes
}

/** Changes that are not applied yet may turn out to have no effect; then removing what they add has none either. */
function membersAfter(conf: ConfState, entries: readonly LogEntry[]): { voters: Set<bigint>; others: Set<bigint> } {
  const voters = new Set(conf.voters)
  const others = new Set([...conf.learners, ...conf.learnersNext, ...conf.votersOutgoing])
  for (const id of voters) others.delete(id)
  for (const entry of entries) {
    if (entry.type !== EntryType.confChange) continue
    for (const { nodeId } of confChangeOf(entry.data).changes) {
      if (nodeId !== 0n && !voters.has(nodeId)) others.add(nodeId)
    }
  }
  return { voters, others }
}
