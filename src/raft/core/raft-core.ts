/**
 * Consensus for one member, pure: no clock, no disk, no network; random numbers are handed in.
 *
 *   in   tick()                   one heartbeat interval has passed
 *        hastenElection(ticks)    wait so much less for a leader
 *        campaign()               stand for election now; false when not possible yet
 *        proposeOne(entry)        append one entry; or a reason why not
 *        propose(entries)         append all or none
 *        step(message)            a member said something
 *        onDurable(term, index)   storage finished the append with that tag: see Ready.mustSync
 *        appliedTo(index)         apply finished everything up to index
 *        applyConfChange(change)  outcome of a configuration entry that was handed to apply,
 *        refuseConfChange()       or that entry turned out to change nothing
 *        readIndex(ticket)        ask for a read index; the answer is in Ready.readStates
 *        compactLog(index)        forget entries that are applied, durable and below index
 *   out  ready()                  what to store, send and apply now, or null; ready.ts has the law
 *        entry(index)             an entry that a Ready names
 *        commitsAlone()           what is appended now needs no other disk than this one
 *        soloReadable, committed  the pair that linearizable reads of a one-voter cluster need
 *        status()                 for operators
 *
 * One turn of an actor: feed everything, then call ready() until it returns null (or its rooms
 * are used up).
 */

import { assert } from '../../base/assert.js'
import {
  changeConf, type ConfChange, type ConfChangeRefusal, type ConfState,
} from './conf-change.js'
import {
  answerEarlierTerm, appendOwn, becomeFollower, campaign, enterLaterTerm, onVoteDurable,
  onVoteRequest, onVoteResponse, tickElection,
} from './election.js'
import { onAppend, onHeartbeat, onSnapshot } from './follower.js'
import { EntryType, RaftLog, type LogEntry } from './raft-log.js'
import { MessageType, NOBODY, type RaftMessage, type SnapshotMeta } from './raft-message.js'
import {
  RaftState, type RaftInitial, type RaftLimits, type RaftStatus, type Role,
} from './raft-state.js'
import { fillReady, Ready } from './ready.js'
import {
  onReadIndex, onReadIndexResponse, releaseReads, requestRead, type ReadRefusal,
} from './read-index.js'
import {
  maybeCommit, onAppendResponse, onHeartbeatResponse, onSnapshotSent, onUnreachable, refuseProposal,
  adoptConfChange, handOver, tickLeader, transferLeader, type ProposeRefusal,
} from './replication.js'

export type ProposeResult =
  | { readonly ok: true }
  | { readonly ok: false, readonly code: ProposeRefusal }

const OK: ProposeResult = Object.freeze({ ok: true })
const REFUSALS = Object.freeze({
  'no-leader': refusal('no-leader'),
  'not-leader': refusal('not-leader'),
  'too-many-uncommitted': refusal('too-many-uncommitted'),
  'too-many-requests': refusal('too-many-requests'),
  'transferring': refusal('transferring'),
  'conf-change-pending': refusal('conf-change-pending'),
  'conf-change-joint': refusal('conf-change-joint'),
})

export class RaftCore {
  readonly #s: RaftState
  readonly #ready = new Ready()
  readonly #one: LogEntry[] = []

  constructor(
    id: bigint, initial: RaftInitial, options: { limits: RaftLimits, random: () => number },
  ) {
    const log = new RaftLog(initial.snapshotIndex, initial.snapshotTerm)
    this.#s = new RaftState(id, options.limits, options.random, log)
    this.#s.restore(initial)
    becomeFollower(this.#s, this.#s.term, NOBODY)
  }

  get id(): bigint { return this.#s.id }
  get role(): Role { return this.#s.role }
  get term(): number { return this.#s.term }
  get leader(): bigint { return this.#s.leader }
  get committed(): number { return this.#s.log.committed }
  /** The last entry that a Ready has named to apply. */
  get applying(): number { return this.#s.log.applying }
  get applied(): number { return this.#s.log.applied }
  get lastIndex(): number { return this.#s.log.lastIndex }
  /** The last entry that is on this member's disk, as far as it is in force. */
  get stable(): number { return this.#s.log.stable }
  get firstIndex(): number { return this.#s.log.firstIndex }
  get confState(): ConfState { return this.#s.members.confState }

  /** False while this member's disk does not answer: it stands for no election, as its own vote would wait for it. */
  set mayStand(mayStand: boolean) { this.#s.mayStand = mayStand }

  entry(index: number): LogEntry {
    return this.#s.log.entry(index)
  }

  tick(): void {
    if (this.#s.role === 'leader') tickLeader(this.#s)
    else tickElection(this.#s)
  }

  /** So many ticks of the time without a leader are taken for passed, unless one was heard by now. */
  hastenElection(ticks: number): void {
    if (this.#s.leader === NOBODY) this.#s.electionElapsed += ticks
  }

  /** Stands for election now. False when this member may not (yet). */
  campaign(): boolean {
    return campaign(this.#s, this.#s.limits.preVote ? 'preVote' : 'vote')
  }

  proposeOne(entry: LogEntry, goesFirst = false): ProposeResult {
    this.#one[0] = entry
    return this.propose(this.#one, goesFirst)
  }

  /** Appends all entries to the leader's log, or none. The core fills in term and index. */
  propose(entries: readonly LogEntry[], goesFirst = false): ProposeResult {
    const s = this.#s
    let bytes = 0
    let confChange: LogEntry | null = null
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as LogEntry
      bytes += entry.sizeBytes
      if (entry.type === EntryType.normal) continue
      if (confChange !== null) return REFUSALS['conf-change-pending']
      confChange = entry
    }
    const code = refuseProposal(s, bytes, confChange, goesFirst)
    if (code !== null) return REFUSALS[code]
    for (let i = 0; i < entries.length; i++) appendOwn(s, entries[i] as LogEntry)
    if (confChange !== null) s.pendingConfIndex = confChange.index
    return OK
  }

  /**
   * Asks for a read index under a ticket above all earlier ones. Null: the answer will be in
   * Ready.readStates.
   */
  readIndex(ticket: number): ReadRefusal | null {
    return requestRead(this.#s, ticket)
  }

  /** Asks the voter that knows most to lead; false when this member does not lead or is the only voter. */
  handOver(): boolean {
    return this.#s.role === 'leader' && handOver(this.#s)
  }

  transferLeader(to: bigint): boolean {
    return transferLeader(this.#s, to)
  }

  reportUnreachable(id: bigint): void {
    onUnreachable(this.#s, id)
  }

  reportSnapshot(id: bigint, ok: boolean): void {
    onSnapshotSent(this.#s, id, ok)
  }

  step(message: RaftMessage): void {
    const s = this.#s
    assert(message.to === s.id, `message for ${message.to.toString(16)}`)
    if (message.term > s.term && !enterLaterTerm(s, message)) return
    if (message.term !== 0 && message.term < s.term) {
      answerEarlierTerm(s, message)
      return
    }
    switch (message.type) {
      case MessageType.vote:
      case MessageType.preVote: return onVoteRequest(s, message)
      case MessageType.voteResponse:
      case MessageType.preVoteResponse: return onVoteResponse(s, message)
      case MessageType.append:
      case MessageType.heartbeat:
      case MessageType.snapshot: return this.#fromLeader(message)
      case MessageType.appendResponse: return onAppendResponse(s, message)
      case MessageType.heartbeatResponse: return onHeartbeatResponse(s, message)
      case MessageType.propose:
        if (!this.propose(message.entries).ok) s.droppedCount++
        return
      case MessageType.readIndex: return onReadIndex(s, message)
      case MessageType.readIndexResponse: return onReadIndexResponse(s, message)
      case MessageType.transferLeader:
        transferLeader(s, message.from)
        return
      case MessageType.timeoutNow:
        if (s.mayStand) campaign(s, 'transfer')
        return
    }
  }

  /**
   * Storage made the append with this tag durable, and all before it. False when the report is
   * stale: the term has changed since (the append that saves the new term speaks for the log
   * again), or the tag is unknown.
   */
  onDurable(leaderTerm: number, index: number): boolean {
    const s = this.#s
    if (!s.window.retire(leaderTerm, index)) {
      s.staleDurableCount++
      return false
    }
    s.durableTerm = leaderTerm
    s.durableVote = s.window.retiredVote
    if (leaderTerm !== s.term) {
      s.staleDurableCount++
      return false
    }
    s.log.stableTo(s.window.retiredAttests)
    if (s.voteIsDurable()) onVoteDurable(s)
    if (s.role === 'leader' && s.members.self !== null) {
      // A leader counts itself only for what is on its own disk; others may commit entries before
      // that.
      s.members.self.match = s.log.stable
      if (maybeCommit(s)) releaseReads(s)
    }
    return true
  }

  appliedTo(index: number): void {
    const s = this.#s
    s.log.appliedTo(index)
    if (s.snapshot !== null && index >= s.snapshot.index) s.snapshot = null
  }

  /** Why a change could not follow the present configuration, or null. */
  checkConfChange(change: ConfChange): ConfChangeRefusal | null {
    const result = changeConf(this.#s.members.confState, change)
    return result.ok ? null : result.code
  }

  /**
   * Puts a committed change in force (dissertation 4.1) and returns the configuration that it
   * makes.
   */
  applyConfChange(change: ConfChange): ConfState {
    this.refuseConfChange()
    adoptConfChange(this.#s, change)
    return this.#s.members.confState
  }

  /** A configuration entry that was handed to apply changes nothing. */
  refuseConfChange(): void {
    assert(this.#s.confChangesOwed > 0, 'no configuration entry was handed out')
    this.#s.confChangesOwed--
  }

  /**
   * Forgets entries up to `index`, but never past applied or durable, and keeps some for slow
   * followers. A member without any keeps none: what is applied is not asked for again.
   */
  compactLog(index: number): number {
    const { log, limits, members } = this.#s
    const { voters, learners, votersOutgoing } = members.confState
    const isAlone = voters.length === 1 && learners.length === 0 && votersOutgoing.length === 0
    const held = log.bytes > limits.heldBytesMax ? Infinity : heldFrom(this.#s)
    const known = Math.min(index, log.applied, log.stable)
    const last = Math.min(known, held)
    log.compactTo(Math.min(last, known - (isAlone ? 0 : limits.catchupCountMax)))
    while (log.bytes > limits.catchupBytesMax && log.compactedIndex < last) log.compactTo(log.compactedIndex + 1)
    return log.compactedIndex
  }

  /** A snapshot that was taken over and has not been given to storage yet. */
  get snapshotTaken(): SnapshotMeta | null {
    return this.#s.snapshotOffered ? null : this.#s.snapshot
  }

  /**
   * The snapshot that was taken over must not be recorded before the store that holds it is durable. Until
   * `releaseStorage` nothing is offered to storage, so nothing is promised; everything else goes on.
   */
  holdStorage(): void {
    assert(this.snapshotTaken !== null, 'storage is held for a snapshot')
    this.#s.storageHeld = true
  }

  get isStorageHeld(): boolean {
    return this.#s.storageHeld
  }

  releaseStorage(): void {
    this.#s.storageHeld = false
  }

  /**
   * What there is to do, or null. Rooms bound the entry bytes handed out for storage, for apply and
   * in messages; with less room than the limits an entry that does not fit waits.
   */
  ready(
    appendBytesMax = this.#s.limits.appendBytesMax, applyBytesMax = this.#s.limits.applyBytesMax,
    sendBytesMax = Infinity,
  ): Ready | null {
    const isSome = fillReady(this.#s, this.#ready, appendBytesMax, applyBytesMax, sendBytesMax)
    return isSome ? this.#ready : null
  }

  /** Entries for other members were left in the log because there was no room to send them. */
  get isSendHeld(): boolean { return this.#s.isSendHeld }

  /** The configuration in force belongs to every index from here to what apply was handed. */
  get confIndex(): number { return this.#s.confIndex }

  /** A configuration entry was handed to apply whose outcome is not known here. */
  owesConfChange(): boolean {
    return this.#s.confChangesOwed > 0
  }

  /** An entry of the present term is committed: nothing of an earlier leader can become so any more. */
  ownTermCommitted(): boolean {
    return this.#s.ownTermCommitted()
  }

  /** Leads a one-voter, non-joint configuration and has committed an entry of its own term. */
  soloReadable(): boolean {
    const s = this.#s
    return s.role === 'leader' && s.members.isSolo() && s.ownTermCommitted()
  }

  /**
   * True while an entry appended now is committed by this member's disk alone: the only voter leads, and no
   * configuration change waits to be applied before it.
   */
  commitsAlone(): boolean {
    const s = this.#s
    return this.soloReadable() && s.confChangesOwed === 0 && s.pendingConfIndex <= s.log.applying
  }

  /** How far a member's log is known to equal this leader's; null for one that is none, or where nobody leads. */
  matchOf(id: bigint): number | null {
    const s = this.#s
    return s.role === 'leader' ? (s.members.get(id)?.match ?? null) : null
  }

  status(): RaftStatus {
    return this.#s.status()
  }

  #fromLeader(message: RaftMessage): void {
    const s = this.#s
    // Raft 5.2, Election Safety: one leader per term.
    assert(s.role !== 'leader', `two leaders in term ${s.term}`)
    assert(s.leader === NOBODY || s.leader === message.from, `two leaders in term ${s.term}`)
    if (s.role !== 'follower') becomeFollower(s, s.term, message.from)
    s.leader = message.from
    s.electionElapsed = 0
    if (message.type === MessageType.append) onAppend(s, message)
    else if (message.type === MessageType.heartbeat) onHeartbeat(s, message)
    else onSnapshot(s, message)
  }
}

/** The log is kept from here on for members that are being sent a snapshot. */
function heldFrom(s: RaftState): number {
  let from = Infinity
  for (const member of s.members.others) if (member.heldIndex > 0) from = Math.min(from, member.heldIndex)
  return from
}

function refusal(code: ProposeRefusal): ProposeResult {
  return Object.freeze({ ok: false, code })
}
