/**
 * Roles and elections: Raft 5.2 and 5.4.1, pre-vote and check-quorum from dissertation 9.6 and
 * 6.2.
 */

import { assert } from '../../base/assert.js'
import { EMPTY_BYTES } from '../../base/bytes.js'
import { EntryType, LogEntry } from './raft-log.js'
import { MessageType, NOBODY, type RaftMessage } from './raft-message.js'
import type { RaftState } from './raft-state.js'
import { abandonReads } from './read-index.js'

export type CampaignKind = 'preVote' | 'vote' | 'transfer'

export function becomeFollower(s: RaftState, term: number, leader: bigint): void {
  enterTerm(s, term)
  s.role = 'follower'
  s.leader = leader
}

/**
 * Stands for election. False when this member may not: a learner, not a member, or behind on
 * configurations.
 */
export function campaign(s: RaftState, kind: CampaignKind): boolean {
  if (s.role === 'leader' || !s.isPromotable() || hasUnappliedConfChange(s)) return false
  if (kind === 'preVote') becomePreCandidate(s)
  else becomeCandidate(s, kind === 'transfer')
  return true
}

/**
 * Raft 5.2: votes are asked for, and our own counted, only when term and vote are on our own
 * disk.
 */
export function onVoteDurable(s: RaftState): void {
  if (s.role === 'candidate' && s.voteRequestsOwed) {
    s.voteRequestsOwed = false
    requestVotes(s, MessageType.vote, s.term, s.campaignIsTransfer)
    recordVote(s, s.id, true)
  } else if (s.voteOwedTo !== NOBODY) {
    assert(s.voteOwedTo === s.vote, 'a vote is owed to one candidate and given to another')
    s.send(MessageType.voteResponse, s.voteOwedTo)
    s.voteOwedTo = NOBODY
  }
}

/** A message of a later term arrived (Raft 5.1). False when it must be ignored. */
export function enterLaterTerm(s: RaftState, message: RaftMessage): boolean {
  switch (message.type) {
    case MessageType.vote:
    case MessageType.preVote: {
      // Dissertation 6.2 and Raft 6: who hears from a leader does not help to depose it, unless
      // the leader itself asked.
      const leased = s.limits.checkQuorum && s.leader !== NOBODY
        && s.electionElapsed < s.limits.electionTicks
      if (leased && !message.transfer) return false
      if (message.type === MessageType.vote) becomeFollower(s, message.term, NOBODY)
      return true
    }
    case MessageType.preVoteResponse:
      // A grant carries the term that the election would have, which is not a term yet.
      if (message.reject) becomeFollower(s, message.term, NOBODY)
      return true
    case MessageType.append:
    case MessageType.heartbeat:
    case MessageType.snapshot:
      becomeFollower(s, message.term, message.from)
      return true
    default:
      becomeFollower(s, message.term, NOBODY)
      return true
  }
}

/** A message of an earlier term is answered only where silence would leave its sender stuck. */
export function answerEarlierTerm(s: RaftState, message: RaftMessage): void {
  switch (message.type) {
    case MessageType.append:
    case MessageType.heartbeat:
      // Behind check-quorum a member of a later term can not win votes; its term makes the old
      // leader give way.
      if (s.limits.checkQuorum || s.limits.preVote) {
        const response = s.send(MessageType.appendResponse, message.from)
        response.reject = true
        response.index = message.index
      }
      return
    case MessageType.preVote:
      s.send(MessageType.preVoteResponse, message.from).reject = true
      return
    default:
  }
}

/** Answers a vote or pre-vote request. */
export function onVoteRequest(s: RaftState, message: RaftMessage): void {
  const pre = message.type === MessageType.preVote
  // One vote per term, first come first served (Figure 2); a pre-vote for a later term binds
  // nobody.
  const free = s.vote === message.from || (s.vote === NOBODY && s.leader === NOBODY)
    || (pre && message.term > s.term)
  if (!free || !s.log.isUpToDate(message.index, message.logTerm)) {
    const type = pre ? MessageType.preVoteResponse : MessageType.voteResponse
    s.send(type, message.from).reject = true
    return
  }
  if (pre) {
    s.send(MessageType.preVoteResponse, message.from, message.term)
    return
  }
  s.electionElapsed = 0
  s.vote = message.from
  s.voteOwedTo = message.from
  if (s.voteIsDurable()) onVoteDurable(s)
}

export function onVoteResponse(s: RaftState, message: RaftMessage): void {
  const wanted = s.role === 'preCandidate' ? MessageType.preVoteResponse
    : s.role === 'candidate' ? MessageType.voteResponse : 0
  // A grant that answers an earlier pre-vote names another term.
  if (s.role === 'preCandidate' && !message.reject && message.term !== s.term + 1) return
  if (message.type === wanted) recordVote(s, message.from, !message.reject)
}

/** A follower's or candidate's tick. */
export function tickElection(s: RaftState): void {
  s.electionElapsed++
  if (s.electionElapsed < s.electionTimeout || !s.isPromotable() || !s.mayStand) return
  s.electionElapsed = 0
  // While our own vote waits for the disk another term would only be another write to wait for.
  if (s.role === 'candidate' && s.voteRequestsOwed) return
  campaign(s, s.limits.preVote ? 'preVote' : 'vote')
}

function becomePreCandidate(s: RaftState): void {
  // A pre-vote changes neither term nor vote: a member that cannot win disturbs nobody
  // (dissertation 9.6).
  s.role = 'preCandidate'
  s.leader = NOBODY
  abandonReads(s)
  resetTimers(s)
  s.members.clearVotes()
  requestVotes(s, MessageType.preVote, s.term + 1, false)
  recordVote(s, s.id, true)
}

function becomeCandidate(s: RaftState, transfer: boolean): void {
  enterTerm(s, s.term + 1)
  s.role = 'candidate'
  s.vote = s.id
  s.campaignIsTransfer = transfer
  s.voteRequestsOwed = true
}

function becomeLeader(s: RaftState): void {
  assert(s.role === 'candidate', `leader from role ${s.role}`)
  assert(s.voteIsDurable(), `leader of term ${s.term} whose vote is not durable`)
  s.role = 'leader'
  s.leader = s.id
  resetTimers(s)
  s.members.resetProgress(s.log.lastIndex + 1)
  const self = s.members.self
  assert(self !== null, 'leader outside its own configuration')
  self.match = s.log.stable
  self.recentActive = true
  s.uncommittedBytes = 0
  for (let i = s.log.committed + 1; i <= s.log.lastIndex; i++) {
    s.uncommittedBytes += s.log.entry(i).sizeBytes
  }
  // There may be a change of configuration in the uncommitted tail: wait until the tail is applied.
  s.pendingConfIndex = s.log.lastIndex
  // Raft 5.4.2 and 8: an empty entry of the new term commits everything before it.
  appendOwn(s, new LogEntry(EntryType.normal, EMPTY_BYTES))
}

/** Appends to the leader's own log; it is sent and stored by the next Ready. */
export function appendOwn(s: RaftState, entry: LogEntry): void {
  entry.term = s.term
  entry.index = s.log.lastIndex + 1
  s.log.append(entry)
  s.uncommittedBytes += entry.sizeBytes
}

function requestVotes(s: RaftState, type: MessageType, term: number, transfer: boolean): void {
  for (const member of s.members.others) {
    if (!s.members.isVoter(member.id)) continue
    const message = s.send(type, member.id, term)
    message.index = s.log.lastIndex
    message.logTerm = s.log.lastTerm
    message.transfer = transfer
  }
}

function recordVote(s: RaftState, from: bigint, granted: boolean): void {
  const member = s.members.get(from)
  if (member === undefined) return
  // A second answer of the same member does not change its first one.
  if (member.vote === 0) member.vote = granted ? 1 : -1
  const result = s.members.voteResult()
  if (result === 'pending') return
  if (result === 'lost') becomeFollower(s, s.term, NOBODY)
  else if (s.role === 'preCandidate') becomeCandidate(s, false)
  // Others may have elected us before our own vote is durable; the leader's term must survive a
  // crash all the same.
  else if (s.voteIsDurable()) becomeLeader(s)
}

/** Raft 5.1: everything that belongs to a term ends with it. */
function enterTerm(s: RaftState, term: number): void {
  assert(term >= s.term, `term ${term} after ${s.term}`)
  assert(Number.isSafeInteger(term), `term ${term} is not safe`)
  if (term !== s.term) {
    s.term = term
    s.vote = NOBODY
    s.voteOwedTo = NOBODY
    s.matched = s.acknowledged = 0
    s.ackOwed = false
  }
  s.leader = NOBODY
  s.voteRequestsOwed = false
  s.campaignIsTransfer = false
  s.transferTo = NOBODY
  abandonReads(s)
  resetTimers(s)
  s.members.clearVotes()
}

function resetTimers(s: RaftState): void {
  s.electionElapsed = 0
  s.heartbeatElapsed = 0
  s.electionTimeout = s.limits.electionTicks + Math.floor(s.random() * s.limits.electionTicks)
}

/** A member that has not caught up on configurations might count votes under the wrong one. */
function hasUnappliedConfChange(s: RaftState): boolean {
  if (s.confChangesOwed > 0) return true
  for (let i = s.log.applying + 1; i <= s.log.committed; i++) {
    if (s.log.entry(i).type !== EntryType.normal) return true
  }
  return false
}
