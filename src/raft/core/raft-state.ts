/**
 * Everything one member remembers about consensus; election, replication and read-index are
 * functions over it.
 */

import { assert } from '../../base/assert.js'
import { AppendWindow } from './append-window.js'
import { Members } from './members.js'
import type { ConfState } from './conf-change.js'
import type { LogEntry, RaftLog } from './raft-log.js'
import { NOBODY, RaftMessage, type MessageType, type SnapshotMeta } from './raft-message.js'
import { ReadQueue } from './read-index.js'

export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader'

export interface RaftLimits {
  /** Ticks without a leader before an election; randomised in [n, 2n) (Raft 5.2). */
  readonly electionTicks: number
  readonly heartbeatTicks: number
  readonly preVote: boolean
  readonly checkQuorum: boolean
  /** Entry bytes of one append message. */
  readonly messageBytesMax: number
  /** Append messages under way to one member. */
  readonly inflightCountMax: number
  /** Bytes that a leader takes in beyond its commit index; more is refused. */
  readonly uncommittedBytesMax: number
  /** Committed entries that apply may be behind; more and proposals are refused. */
  readonly unappliedCountMax: number
  /** The same for requests that go before others; not below it. */
  readonly unappliedCountMaxFirst: number
  /** Entries handed to storage in one Ready. */
  readonly appendBytesMax: number
  /** Appends handed to storage and not yet reported durable. */
  readonly appendCountMax: number
  /** Committed entries handed to apply in one Ready. */
  readonly applyBytesMax: number
  readonly applyCountMax: number
  /** Entries kept in memory below a compaction for followers that are a little behind, and their bytes. */
  readonly catchupCountMax: number
  readonly catchupBytesMax: number
  /** Bytes of entries up to which those behind a snapshot are kept for the member that is being sent it. */
  readonly heldBytesMax: number
  /** Read tickets that wait for a confirmation of leadership. */
  readonly readCountMax: number
  /** Messages waiting to be taken by a Ready. */
  readonly outboxCountMax: number
}

const MIB = 1024 * 1024

export const RAFT_LIMITS_DEFAULT: RaftLimits = Object.freeze({
  electionTicks: 10,
  heartbeatTicks: 1,
  preVote: true,
  checkQuorum: true,
  messageBytesMax: MIB,
  inflightCountMax: 512,
  uncommittedBytesMax: 128 * MIB,
  unappliedCountMax: 5000,
  unappliedCountMaxFirst: 5000,
  appendBytesMax: 8 * MIB,
  appendCountMax: 1024,
  applyBytesMax: 8 * MIB,
  applyCountMax: 4096,
  catchupCountMax: 5000,
  catchupBytesMax: 128 * MIB,
  heldBytesMax: 512 * MIB,
  readCountMax: 4096,
  outboxCountMax: 16384,
})

/** raftpb.HardState. */
export interface HardState {
  term: number
  vote: bigint
  commit: number
}

/** What a member starts from. */
export interface RaftInitial {
  readonly hardState: HardState
  /** Where the log begins: the newest snapshot record, or 0 and 0. */
  readonly snapshotIndex: number
  readonly snapshotTerm: number
  /** What follows the snapshot, without gaps. */
  readonly entries: readonly LogEntry[]
  /**
   * Index that the store has applied; at least snapshotIndex. Later entries are handed out
   * again.
   */
  readonly applied: number
  /** The configuration as of `applied`; for a new cluster the one that its first entries make. */
  readonly confState: ConfState
  /** False: nothing of this is on disk yet, and the first Ready carries all of it. */
  readonly persisted: boolean
  /** With `persisted`: entries from here on are not on disk all the same, and replace what is there. */
  readonly addedFrom?: number
}

export interface RaftStatus {
  readonly id: bigint
  readonly role: Role
  readonly term: number
  readonly vote: bigint
  readonly leader: bigint
  readonly committed: number
  readonly applied: number
  readonly stable: number
  readonly firstIndex: number
  readonly lastIndex: number
  readonly logBytes: number
  readonly uncommittedBytes: number
  readonly transferTo: bigint
  readonly appendsInFlight: number
  /** Messages, reads and forwarded proposals dropped because a bound was reached. */
  readonly droppedCount: number
  readonly staleDurableCount: number
  readonly confState: ConfState
}

export class RaftState {
  readonly id: bigint
  readonly limits: RaftLimits
  readonly random: () => number
  readonly members: Members
  readonly window: AppendWindow
  readonly reads: ReadQueue
  log: RaftLog

  role: Role = 'follower'
  leader: bigint = NOBODY
  term: number
  vote: bigint

  /**
   * Term and vote as the disk has them. No vote and no acknowledgement leaves before they equal
   * term and vote.
   */
  durableTerm: number
  durableVote: bigint
  /** The three numbers last handed to storage. */
  offeredTerm: number
  offeredVote: bigint
  offeredCommit: number

  /** Told by the caller, see RaftCore. */
  mayStand = true
  electionElapsed = 0
  heartbeatElapsed = 0
  /**
   * Randomised again at every change of role or term, so that split votes do not repeat (Raft
   * 5.2).
   */
  electionTimeout = 0

  /** The candidate that is owed our vote once the vote is durable. */
  voteOwedTo: bigint = NOBODY
  /** This candidacy was asked for by the leader (dissertation 3.10). */
  campaignIsTransfer = false
  /** Candidate: the vote requests still wait for our own vote to be durable. */
  voteRequestsOwed = false

  /**
   * Follower: highest index known to equal the leader's log in this term, and what of it was
   * acknowledged.
   */
  matched = 0
  acknowledged = 0
  ackOwed = false

  /** Leader: bytes of entries that messages may take now, see `ready`. */
  sendRoomBytes = Infinity
  /** Entries were left in the log because that room was used up. */
  isSendHeld = false

  /** Leader: bytes above the commit index. */
  uncommittedBytes = 0
  /** No change of configuration may be proposed until this index is applied (dissertation 4.1). */
  pendingConfIndex = 0
  /** Configuration changes handed out whose outcome the caller has not reported yet. */
  confChangesOwed = 0
  confIndex = 0
  transferTo: bigint = NOBODY
  /** A snapshot that the caller must install before anything after it is applied. */
  snapshot: SnapshotMeta | null = null
  snapshotOffered = false
  /** The caller is making the snapshot's store durable: until it has, storage is offered nothing. */
  storageHeld = false

  outbox: RaftMessage[] = []
  droppedCount = 0
  staleDurableCount = 0

  constructor(id: bigint, limits: RaftLimits, random: () => number, log: RaftLog) {
    this.id = id
    this.limits = limits
    this.random = random
    this.log = log
    this.members = new Members(id, limits.inflightCountMax)
    this.window = new AppendWindow(limits.appendCountMax)
    this.reads = new ReadQueue(limits.readCountMax, Math.floor(random() * 2 ** 48))
    this.term = this.durableTerm = this.offeredTerm = 0
    this.vote = this.durableVote = this.offeredVote = NOBODY
    this.offeredCommit = 0
  }

  /** A message of the current term, queued for the next Ready; the caller fills in the rest. */
  send(type: MessageType, to: bigint, term = this.term): RaftMessage {
    const message = new RaftMessage(type, to, this.id, term)
    // Raft survives any lost message, so a full outbox drops; it is full only if nobody calls
    // ready().
    if (this.outbox.length < this.limits.outboxCountMax) this.outbox.push(message)
    else this.droppedCount++
    return message
  }

  /** Is the promise that term and vote make already on disk? */
  voteIsDurable(): boolean {
    return this.durableTerm === this.term && this.durableVote === this.vote
  }

  /**
   * Raft 5.4.2: only with an entry of its own term committed does a leader know what is
   * committed.
   */
  ownTermCommitted(): boolean {
    return this.log.termAt(this.log.committed) === this.term
  }

  /** This member may stand for election: a voter, with nothing half installed. */
  isPromotable(): boolean {
    return this.members.isVoter(this.id) && this.snapshot === null
  }

  /** Takes over what the member remembers. Its role and timers are set by the caller. */
  restore(initial: RaftInitial): void {
    const { hardState, entries } = initial
    for (const entry of entries) this.log.append(entry)
    assert(hardState.term >= this.log.lastTerm, `term ${hardState.term} < ${this.log.lastTerm}`)
    this.term = hardState.term
    this.vote = hardState.vote
    // The store may be ahead of the commit index on disk, which is written without sync.
    this.log.commitTo(Math.max(hardState.commit, initial.applied))
    this.log.applyingTo(initial.applied)
    this.log.appliedTo(initial.applied)
    this.members.adopt(initial.confState, this.log.lastIndex + 1)
    if (!initial.persisted) return
    const persistedTo = initial.addedFrom === undefined ? this.log.lastIndex : initial.addedFrom - 1
    this.log.offeredTo(persistedTo)
    this.log.stableTo(persistedTo)
    this.durableTerm = this.offeredTerm = hardState.term
    this.durableVote = this.offeredVote = hardState.vote
    this.offeredCommit = Math.min(hardState.commit, persistedTo)
  }

  status(): RaftStatus {
    const log = this.log
    return {
      id: this.id, role: this.role, term: this.term, vote: this.vote, leader: this.leader,
      committed: log.committed, applied: log.applied, stable: log.stable,
      firstIndex: log.firstIndex, lastIndex: log.lastIndex, logBytes: log.bytes,
      uncommittedBytes: this.uncommittedBytes, appendsInFlight: this.window.count,
      droppedCount: this.droppedCount, staleDurableCount: this.staleDurableCount,
      transferTo: this.transferTo, confState: this.members.confState,
    }
  }
}
