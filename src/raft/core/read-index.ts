/**
 * Linearizable reads without a log entry (dissertation 6.4): the leader notes its commit index,
 * makes sure by a round of heartbeats that it still leads, and answers. A round has a number that
 * is never used again in its term; an answer to a heartbeat of round r was sent after r began, so
 * it vouches for every ticket stamped before r.
 */

import { assert } from '../../base/assert.js'
import { MessageType, NOBODY, type RaftMessage } from './raft-message.js'
import type { RaftState } from './raft-state.js'

/** The answer to a read ticket: read at or above `index`; -1 means ask again with a new ticket. */
export interface ReadState {
  readonly ticket: number
  readonly index: number
}

interface WaitingRead {
  readonly from: bigint
  readonly ticket: number
  readonly epoch: number
  /** Zero until stamped. */
  round: number
  index: number
}

export type ReadRefusal = 'no-leader' | 'too-many-reads'

export class ReadQueue {
  readonly countMax: number
  /**
   * This life of the member: an answer to a ticket of an earlier life would be too old (tickets
   * start again).
   */
  readonly epoch: number
  waiting: WaitingRead[] = []
  states: ReadState[] = []
  /** Local tickets sent to a leader. */
  forwarded: number[] = []
  round = 0
  lastTicket = 0

  constructor(countMax: number, epoch: number) {
    this.countMax = countMax
    this.epoch = epoch
  }
}

/** Asks for a read index under `ticket`, a number above all earlier ones. */
export function requestRead(s: RaftState, ticket: number): ReadRefusal | null {
  assert(ticket > s.reads.lastTicket, `ticket ${ticket} after ${s.reads.lastTicket}`)
  s.reads.lastTicket = ticket
  if (s.role === 'leader') return enqueueRead(s, s.id, ticket, s.reads.epoch)
  if (s.leader === NOBODY) return 'no-leader'
  if (s.reads.forwarded.length >= s.reads.countMax) return 'too-many-reads'
  s.reads.forwarded.push(ticket)
  const message = s.send(MessageType.readIndex, s.leader)
  message.context = ticket
  message.epoch = s.reads.epoch
  return null
}

/**
 * Leader: a follower asks. A full queue drops it, and the follower asks again under a new
 * ticket.
 */
export function onReadIndex(s: RaftState, message: RaftMessage): void {
  if (s.role !== 'leader') return
  if (enqueueRead(s, message.from, message.context, message.epoch) !== null) s.droppedCount++
}

/** Follower: the leader answers one of our tickets. */
export function onReadIndexResponse(s: RaftState, message: RaftMessage): void {
  if (message.epoch !== s.reads.epoch) return
  const at = s.reads.forwarded.indexOf(message.context)
  if (at < 0) return
  s.reads.forwarded.splice(at, 1)
  s.reads.states.push({ ticket: message.context, index: message.index })
}

/**
 * Leader, once per Ready: stamps what waits with the commit index of now and a round of its
 * own. True: send heartbeats.
 */
export function stampReads(s: RaftState): boolean {
  if (s.role !== 'leader' || s.reads.waiting.length === 0 || !s.ownTermCommitted()) return false
  const waiting = s.reads.waiting
  if ((waiting[waiting.length - 1] as WaitingRead).round !== 0) return false
  s.reads.round++
  for (let i = waiting.length - 1; i >= 0; i--) {
    const read = waiting[i] as WaitingRead
    if (read.round !== 0) break
    read.round = s.reads.round
    read.index = s.log.committed
  }
  if (s.members.self !== null) s.members.self.readRound = Infinity
  releaseReads(s)
  return s.reads.waiting.length > 0
}

/** Leader: answers every ticket whose round a quorum has confirmed. */
export function releaseReads(s: RaftState): void {
  const waiting = s.reads.waiting
  if (waiting.length === 0) return
  const confirmed = s.members.quorumReadRound()
  let count = 0
  for (const read of waiting) {
    if (read.round === 0 || read.round > confirmed) break
    answer(s, read, read.index)
    count++
  }
  if (count > 0) waiting.splice(0, count)
}

/** The role or the leader changed: nothing that waits may be answered any more. */
export function abandonReads(s: RaftState): void {
  for (const read of s.reads.waiting) {
    if (read.from === s.id) s.reads.states.push({ ticket: read.ticket, index: -1 })
  }
  for (const ticket of s.reads.forwarded) s.reads.states.push({ ticket, index: -1 })
  s.reads.waiting = []
  s.reads.forwarded = []
}

function enqueueRead(
  s: RaftState, from: bigint, ticket: number, epoch: number,
): ReadRefusal | null {
  if (s.reads.waiting.length >= s.reads.countMax) return 'too-many-reads'
  s.reads.waiting.push({ from, ticket, epoch, round: 0, index: 0 })
  return null
}

function answer(s: RaftState, read: WaitingRead, index: number): void {
  if (read.from === s.id) {
    s.reads.states.push({ ticket: read.ticket, index })
    return
  }
  const message = s.send(MessageType.readIndexResponse, read.from)
  message.context = read.ticket
  message.epoch = read.epoch
  message.index = index
}
