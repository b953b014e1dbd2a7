/**
 * The leader's side: what each member is sent, what its answers mean, and when an entry is
 * committed (Raft 5.3, 5.4.2).
 */

import { assert } from '../../base/assert.js'
import { EMPTY_BYTES } from '../../base/bytes.js'
import { changeConf, type ConfChange } from './conf-change.js'
import { appendOwn, becomeFollower } from './election.js'
import type { Progress } from './progress.js'
import { EntryType, LogEntry } from './raft-log.js'
import { MessageType, NOBODY, type RaftMessage, type SnapshotMeta } from './raft-message.js'
import type { RaftState } from './raft-state.js'
import { releaseReads } from './read-index.js'

export type ProposeRefusal =
  | 'no-leader' | 'not-leader' | 'too-many-uncommitted' | 'too-many-requests' | 'transferring'
  | 'conf-change-pending' | 'conf-change-joint'

/**
 * Why entries of `bytes` in all may not be appended now, or null. At most one of them changes
 * the configuration.
 */
export function refuseProposal(
  s: RaftState, bytes: number, confChange: LogEntry | null, goesFirst: boolean,
): ProposeRefusal | null {
  if (s.role !== 'leader') return s.leader === NOBODY ? 'no-leader' : 'not-leader'
  if (s.transferTo !== NOBODY) return 'transferring'
  const unappliedMax = goesFirst ? s.limits.unappliedCountMaxFirst : s.limits.unappliedCountMax
  if (s.log.committed - s.log.applied > unappliedMax) return 'too-many-requests'
  // One proposal of any size is taken when nothing waits, or it could never be taken.
  if (s.uncommittedBytes > 0 && s.uncommittedBytes + bytes > s.limits.uncommittedBytesMax) {
    return 'too-many-uncommitted'
  }
  if (confChange === null) return null
  if (s.pendingConfIndex > s.log.applying || s.confChangesOwed > 0) return 'conf-change-pending'
  const leavesJoint = confChange.type === EntryType.confChangeV2 && confChange.data.length === 0
  return s.members.joint === leavesJoint ? null : 'conf-change-joint'
}

/**
 * Leader: leaves a joint configuration that is in force, if that is the leader's business
 * (dissertation 4.3).
 */
export function proposeAutoLeave(s: RaftState): void {
  if (!s.members.confState.autoLeave || s.pendingConfIndex > s.log.applying || s.confChangesOwed > 0) return
  const entry = new LogEntry(EntryType.confChangeV2, EMPTY_BYTES)
  appendOwn(s, entry)
  s.pendingConfIndex = entry.index
}

/** Puts a committed change of configuration in force (dissertation 4.1). */
export function adoptConfChange(s: RaftState, change: ConfChange): void {
  const result = changeConf(s.members.confState, change)
  assert(result.ok, `configuration change refused: ${result.ok ? '' : result.code}`)
  s.members.adopt(result.confState, Math.max(s.log.lastIndex, s.log.firstIndex))
  s.confIndex = s.log.applying
  if (s.role !== 'leader') return
  if (!s.members.isVoter(s.id)) handOver(s)
  else if (!s.members.isVoter(s.transferTo)) s.transferTo = NOBODY
  // A smaller quorum may already hold what a larger one did not.
  if (maybeCommit(s)) releaseReads(s)
}

/** Moves the commit index to what a quorum holds durably. True when it moved. */
export function maybeCommit(s: RaftState): boolean {
  const index = s.members.quorumMatch()
  if (index <= s.log.committed) return false
  assert(index <= s.log.lastIndex, `quorum at ${index} past the last entry ${s.log.lastIndex}`)
  // Raft 5.4.2, Figure 8: entries of older terms are committed only through one of the leader's
  // own.
  if (s.log.termAt(index) !== s.term) return false
  for (let i = s.log.committed + 1; i <= index; i++) s.uncommittedBytes -= s.log.entry(i).sizeBytes
  s.log.commitTo(index)
  return true
}

/**
 * Sends every member all that it may have now, a message at a time in turn, so that one that is far behind does not
 * take the room of the others. Called once per Ready, so that one message carries a whole turn.
 */
export function sendAppends(s: RaftState): void {
  const others = s.members.others
  // Until nothing is left, the windows are full or the room is used up.
  for (let hasSent = true; hasSent;) {
    hasSent = false
    for (let i = 0; i < others.length; i++) if (sendAppend(s, others[i] as Progress)) hasSent = true
  }
}

export function sendHeartbeats(s: RaftState): void {
  s.heartbeatElapsed = 0
  for (const member of s.members.others) {
    const message = s.send(MessageType.heartbeat, member.id)
    // Never beyond what the member is known to hold: it has no way to check (Figure 2,
    // AppendEntries 5).
    message.commit = Math.min(member.match, s.log.committed)
    message.context = s.reads.round
  }
}

export function onAppendResponse(s: RaftState, message: RaftMessage): void {
  const member = s.members.get(message.from)
  if (member === undefined || s.role !== 'leader') return
  member.recentActive = true
  if (message.reject) onRejection(s, member, message)
  else onAcknowledgement(s, member, message.index)
}

export function onHeartbeatResponse(s: RaftState, message: RaftMessage): void {
  const member = s.members.get(message.from)
  if (member === undefined || s.role !== 'leader') return
  member.recentActive = true
  member.probeSent = false
  if (member.state === 'replicate' && member.inflights.isFull()) member.inflights.freeFirst()
  // The member may have lost what was sent: an append, even an empty one, makes it say where it
  // stands.
  if (member.match < s.log.lastIndex || member.state === 'probe') member.appendWanted = true
  if (message.context > member.readRound) {
    member.readRound = message.context
    releaseReads(s)
  }
}

/** A leader's tick: check-quorum (dissertation 6.2), the bound on a transfer (3.10), heartbeats. */
export function tickLeader(s: RaftState): void {
  s.heartbeatElapsed++
  s.electionElapsed++
  if (s.electionElapsed >= s.limits.electionTicks) {
    s.electionElapsed = 0
    s.transferTo = NOBODY
    if (s.limits.checkQuorum && !quorumWasActive(s)) {
      becomeFollower(s, s.term, NOBODY)
      return
    }
    if (!s.members.isVoter(s.id)) handOver(s)
  }
  if (s.heartbeatElapsed >= s.limits.heartbeatTicks) sendHeartbeats(s)
}

/** Dissertation 3.10: bring the target up to date, then tell it to stand at once. */
export function transferLeader(s: RaftState, to: bigint): boolean {
  const target = s.members.get(to)
  if (s.role !== 'leader' || to === s.id || target === undefined || target.isLearner) return false
  s.electionElapsed = 0
  s.transferTo = to
  if (target.match === s.log.lastIndex) s.send(MessageType.timeoutNow, to)
  else target.appendWanted = true
  return true
}

/**
 * The leader makes way for the voter that knows most; false when there is none. One outside of its own configuration
 * must (dissertation 4.2.2 and 3.10). Until that one has the whole log the old leader leads on, without a vote and
 * without proposals: were it to step down with entries that no voter has, nobody who counts its
 * vote under the configuration before could win.
 */
export function handOver(s: RaftState): boolean {
  let best: Progress | null = null
  for (const member of s.members.others) {
    if (s.members.isVoter(member.id) && (best === null || isFitter(member, best))) best = member
  }
  return best !== null && transferLeader(s, best.id)
}

/** To lead in our place: who has been silent is perhaps gone, whatever it knows. */
function isFitter(member: Progress, other: Progress): boolean {
  if (member.recentActive !== other.recentActive) return member.recentActive
  return member.match > other.match
}

export function onUnreachable(s: RaftState, id: bigint): void {
  const member = s.members.get(id)
  // What was sent optimistically is probably lost: find out with one message at a time.
  if (s.role === 'leader' && member?.state === 'replicate') member.becomeProbe()
}

export function onSnapshotSent(s: RaftState, id: bigint, ok: boolean): void {
  const member = s.members.get(id)
  if (s.role !== 'leader' || member?.state !== 'snapshot') return
  if (!ok) member.pendingSnapshot = 0
  member.becomeProbe()
  // The member's acknowledgement, or the next heartbeat's answer, lets the probe go.
  member.probeSent = true
}

function onAcknowledgement(s: RaftState, member: Progress, index: number): void {
  assert(index <= s.log.lastIndex, `member acknowledged ${index} past ${s.log.lastIndex}`)
  const moved = member.acknowledged(index)
  if (!moved && !(member.state === 'probe' && member.match === index)) return
  if (member.state === 'replicate') member.inflights.freeTo(index)
  // Behind the log it waits for what its snapshot stands for: that is on its way, and its old
  // acknowledgements are no reason for another.
  else if (index >= s.log.compactedIndex) member.becomeReplicate()
  if (maybeCommit(s)) releaseReads(s)
  if (member.id === s.transferTo && member.match === s.log.lastIndex) {
    s.send(MessageType.timeoutNow, member.id)
  }
}

function onRejection(s: RaftState, member: Progress, message: RaftMessage): void {
  // The follower's log at its hint has term `logTerm`; ours may already disagree further down
  // (Raft 5.3, end).
  const guess = message.logTerm > 0
    ? s.log.agreementGuess(message.rejectHint, message.logTerm) : message.rejectHint
  if (!member.rejectedAt(message.index, guess)) return
  if (member.state === 'replicate') member.becomeProbe()
  member.appendWanted = true
}

/**
 * One append or snapshot to one member. True when something was sent that may be followed by
 * more.
 */
function sendAppend(s: RaftState, member: Progress): boolean {
  if (member.isPaused()) return false
  const previous = member.next - 1
  const previousTerm = s.log.termAt(previous)
  if (previousTerm < 0) {
    sendSnapshot(s, member)
    return false
  }
  const hasEntries = previous < s.log.lastIndex
  const commitIsNews = member.sentCommit < Math.min(s.log.committed, previous)
  if (!hasEntries && !commitIsNews && !member.appendWanted) return false
  if (hasEntries && s.log.entry(member.next).sizeBytes > s.sendRoomBytes) {
    s.isSendHeld = true
    return false
  }
  const message = s.send(MessageType.append, member.id)
  message.index = previous
  message.logTerm = previousTerm
  message.commit = s.log.committed
  if (hasEntries) message.entries = s.log.slice(member.next, Math.min(s.limits.messageBytesMax, s.sendRoomBytes))
  for (const entry of message.entries) s.sendRoomBytes -= entry.sizeBytes
  const count = message.entries.length
  member.appendWanted = false
  member.sentCommit = Math.min(s.log.committed, previous + count)
  member.sent(count)
  return count > 0
}

function sendSnapshot(s: RaftState, member: Progress): void {
  // A member that does not answer would only tie up the transfer. While an applied change of the
  // configuration is not in force here, no configuration is known that belongs to the index.
  if (!member.recentActive || s.confChangesOwed > 0) return
  const index = Math.max(s.log.applied, s.confIndex)
  const meta: SnapshotMeta = {
    index, term: s.log.termAt(index), confState: s.members.confState,
  }
  s.send(MessageType.snapshot, member.id).snapshot = meta
  member.becomeSnapshot(index)
}

function quorumWasActive(s: RaftState): boolean {
  if (s.members.self !== null) s.members.self.recentActive = true
  const active = s.members.quorumActive()
  for (const member of s.members.others) {
    // Whoever is silent is not waited for: it may need another snapshot when it comes back.
    if (!member.recentActive) member.heldIndex = 0
    member.recentActive = false
  }
  return active
}
