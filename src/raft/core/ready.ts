/**
 * Ready: everything that one turn of the core asks of the outside. The comments on its fields
 * are the ordering law.
 */

import { sendOwedAck } from './follower.js'
import { EntryType } from './raft-log.js'
import { NOBODY, type RaftMessage, type SnapshotMeta } from './raft-message.js'
import type { HardState, RaftState, Role } from './raft-state.js'
import { stampReads, type ReadState } from './read-index.js'
import { proposeAutoLeave, sendAppends, sendHeartbeats } from './replication.js'

/**
 * One object, reused: it is valid until the next call of ready(). Entries are named by index and
 * read with `core.entry(i)`, so that nothing is copied.
 */
export class Ready {
  /**
   * Storage, one append: the snapshot record if any, then entries appendFirst..appendLast (none
   * when appendLast < appendFirst; an entry replaces everything at and after its index), then
   * hardState if it changed. Appends go to storage in the order of their Readys, and storage
   * keeps that order.
   */
  snapshot: SnapshotMeta | null = null
  appendFirst = 1
  appendLast = 0
  hardStateChanged = false
  readonly hardState: HardState = { term: 0, vote: NOBODY, commit: 0 }
  /**
   * True: the append must be made durable and then reported by onDurable(appendTerm,
   * appendIndex), in order, at most once; when several were made durable together, reporting the
   * last one is enough. False: it holds a commit index at most, which needs neither sync nor
   * report.
   */
  mustSync = false
  appendTerm = 0
  appendIndex = 0
  /**
   * Committed entries applyFirst..applyLast, to be applied in order, each once; then appliedTo().
   * They need not be durable here (a quorum has them), and apply need not wait for this append.
   * For each entry among them that is not EntryType.normal, applyConfChange() or
   * refuseConfChange() is called, in order; until then nothing more is handed out, because what
   * follows is committed under the configuration that they make. After a snapshot nothing is
   * handed out until appliedTo(snapshot.index) says that the store holds it.
   */
  applyFirst = 1
  applyLast = 0
  /**
   * May be sent at once, before or after the append: what promises something was held back
   * until it was durable.
   */
  messages: RaftMessage[] = []
  /** Read tickets that have their index: read when the applied index has reached it. */
  readStates: ReadState[] = []
  /** Role or leader differ from the Ready before. */
  roleChanged = false
  role: Role = 'follower'
  leader: bigint = NOBODY

  get appendCount(): number { return this.appendLast - this.appendFirst + 1 }
  get applyCount(): number { return this.applyLast - this.applyFirst + 1 }
}

/**
 * Fills `ready` with what there is to do and marks it as handed out. False when there is
 * nothing.
 */
export function fillReady(
  s: RaftState, ready: Ready, appendBytesMax: number, applyBytesMax: number, sendBytesMax: number,
): boolean {
  s.sendRoomBytes = sendBytesMax
  s.isSendHeld = false
  if (s.role === 'leader') {
    proposeAutoLeave(s)
    if (stampReads(s)) sendHeartbeats(s)
    sendAppends(s)
  } else {
    sendOwedAck(s)
  }
  fillAppend(s, ready, appendBytesMax)
  fillApply(s, ready, applyBytesMax)
  const messages = ready.messages
  messages.length = 0
  ready.messages = s.outbox
  s.outbox = messages
  const states = ready.readStates
  states.length = 0
  ready.readStates = s.reads.states
  s.reads.states = states
  ready.roleChanged = ready.role !== s.role || ready.leader !== s.leader
  ready.role = s.role
  ready.leader = s.leader
  return ready.hardStateChanged || ready.mustSync || ready.appendCount > 0 || ready.applyCount > 0
    || ready.messages.length > 0 || ready.readStates.length > 0 || ready.roleChanged
}

function fillAppend(s: RaftState, ready: Ready, bytesMax: number): void {
  const log = s.log
  ready.snapshot = null
  ready.mustSync = ready.hardStateChanged = false
  ready.appendFirst = log.offered + 1
  ready.appendLast = log.offered
  if (s.storageHeld) return
  const last = s.window.isFull() ? log.offered : appendLimit(s, bytesMax)
  const voteChanged = s.term !== s.offeredTerm || s.vote !== s.offeredVote
  const snapshotNew = s.snapshot !== null && !s.snapshotOffered
  const mustSync = last > log.offered || voteChanged || snapshotNew
  // Two appends under way must not have the same tag, or a report could be taken for the wrong one.
  if (mustSync && (s.window.isFull() || s.window.holds(s.term, last))) return
  log.offeredTo(last)
  ready.appendLast = last
  // A commit index on disk must never name an entry that is not there.
  const commit = Math.min(log.committed, last)
  ready.hardStateChanged = voteChanged || commit !== s.offeredCommit
  ready.hardState.term = s.offeredTerm = s.term
  ready.hardState.vote = s.offeredVote = s.vote
  ready.hardState.commit = s.offeredCommit = commit
  if (!mustSync) return
  ready.mustSync = true
  ready.appendTerm = s.term
  ready.appendIndex = last
  if (snapshotNew) {
    ready.snapshot = s.snapshot
    s.snapshotOffered = true
  }
  s.window.add(s.term, last, s.vote)
}

/**
 * The last entry that fits; a single entry above the core's own bound still goes, or it would
 * never go.
 */
function appendLimit(s: RaftState, bytesMax: number): number {
  const log = s.log
  let last = log.offered
  let bytes = 0
  while (last < log.lastIndex) {
    bytes += log.entry(last + 1).sizeBytes
    if (bytes > bytesMax && !(last === log.offered && bytesMax >= s.limits.appendBytesMax)) break
    last++
  }
  return last
}

function fillApply(s: RaftState, ready: Ready, bytesMax: number): void {
  const log = s.log
  const first = log.applying + 1
  let last = log.applying
  let bytes = 0
  // While a snapshot is being installed there is no store to apply to.
  const isHeld = s.snapshot !== null || s.confChangesOwed > 0
  const limit = isHeld ? last : Math.min(log.committed, last + s.limits.applyCountMax)
  while (last < limit) {
    const entry = log.entry(last + 1)
    bytes += entry.sizeBytes
    if (bytes > bytesMax && !(last + 1 === first && bytesMax >= s.limits.applyBytesMax)) break
    if (entry.type !== EntryType.normal) s.confChangesOwed++
    last++
  }
  ready.applyFirst = first
  ready.applyLast = last
  log.applyingTo(last)
}
