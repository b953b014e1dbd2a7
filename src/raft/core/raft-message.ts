/**
 * What members say to each other. Numbers and fields are raftpb's, so that the wire form is a
 * plain transcription.
 */

import type { ConfState } from './conf-change.js'
import type { LogEntry } from './raft-log.js'

/** raftpb.MessageType; the ones that never leave a member are calls on the core instead. */
export const MessageType = Object.freeze({
  propose: 2,
  append: 3,
  appendResponse: 4,
  vote: 5,
  voteResponse: 6,
  snapshot: 7,
  heartbeat: 8,
  heartbeatResponse: 9,
  transferLeader: 13,
  timeoutNow: 14,
  readIndex: 15,
  readIndexResponse: 16,
  preVote: 17,
  preVoteResponse: 18,
})
export type MessageType = (typeof MessageType)[keyof typeof MessageType]

/** What a snapshot stands for; its bytes travel beside the message. */
export interface SnapshotMeta {
  readonly index: number
  readonly term: number
  readonly confState: ConfState
}

/** The id that no member has. */
export const NOBODY = 0n

export const NO_ENTRIES: readonly LogEntry[] = Object.freeze([])

export class RaftMessage {
  readonly type: MessageType
  readonly to: bigint
  readonly from: bigint
  /**
   * The sender's term; of a pre-vote and its grant the term that the candidate would have. 0:
   * not bound to a term.
   */
  readonly term: number
  /**
   * append: term of the entry before the first; vote: of the last; append rejection: of the
   * hint.
   */
  logTerm = 0
  /**
   * append: index of the entry before the first; vote: of the last; acknowledgement: highest
   * durable match.
   */
  index = 0
  commit = 0
  reject = false
  rejectHint = 0
  entries: readonly LogEntry[] = NO_ENTRIES
  snapshot: SnapshotMeta | null = null
  /**
   * vote, preVote: the leader asked for this election, so the lease of check-quorum does not
   * apply.
   */
  transfer = false
  /** heartbeat and response: read round. readIndex and response: ticket. transferLeader: unused. */
  context = 0
  /** readIndex and response: which life of the asker numbered the ticket. */
  epoch = 0

  constructor(type: MessageType, to: bigint, from: bigint, term: number) {
    this.type = type
    this.to = to
    this.from = from
    this.term = term
  }
}
