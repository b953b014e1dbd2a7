/**
 * The follower's side: take the leader's entries, and acknowledge them once they are on disk
 * (Raft Figure 2).
 */

import { assert } from '../../base/assert.js'
import { MessageType, NOBODY, type RaftMessage } from './raft-message.js'
import type { RaftState } from './raft-state.js'

export function onAppend(s: RaftState, message: RaftMessage): void {
  const log = s.log
  const entries = message.entries
  // What is committed here equals the leader's log, so that much is known to match.
  const known = Math.max(0, log.committed - message.index)
  if (known > 0 && known >= entries.length) {
    // An old append.
    matchedTo(s, log.committed)
    return
  }
  if (known === 0 && !log.matches(message.index, message.logTerm)) {
    reject(s, message)
    return
  }
  // A member whose disk stalls acknowledges nothing, so its leader does not know what it has: the rest is news to it.
  const conflict = log.conflictPosition(entries, known)
  if (conflict < entries.length) {
    const first = message.index + 1 + conflict
    if (first <= log.lastIndex) {
      log.truncateFrom(first)
      s.window.truncatedFrom(first)
    }
    for (let i = conflict; i < entries.length; i++) {
      const entry = entries[i]
      assert(entry !== undefined, 'append without its entry')
      log.append(entry)
    }
  }
  // Figure 2, AppendEntries 5: not past the last entry that this message vouches for.
  const last = message.index + entries.length
  log.commitTo(Math.min(message.commit, last))
  matchedTo(s, last)
}

export function onHeartbeat(s: RaftState, message: RaftMessage): void {
  s.log.commitTo(Math.min(message.commit, s.log.lastIndex))
  s.send(MessageType.heartbeatResponse, message.from).context = message.context
}

/** Takes over a snapshot whose data the caller has at hand; it is installed by the next Ready. */
export function onSnapshot(s: RaftState, message: RaftMessage): void {
  const meta = message.snapshot
  assert(meta !== null, 'snapshot message without its description')
  if (meta.index <= s.log.committed || s.snapshot !== null) {
    matchedTo(s, s.log.committed)
    return
  }
  if (s.log.matches(meta.index, meta.term)) {
    // The log already holds what the snapshot stands for: only the commit index is news.
    s.log.commitTo(meta.index)
    matchedTo(s, meta.index)
    return
  }
  s.window.truncatedFrom(s.log.committed + 1)
  s.log.resetTo(meta.index, meta.term)
  s.members.adopt(meta.confState, meta.index + 1)
  s.confIndex = meta.index
  s.confChangesOwed = 0
  s.snapshot = meta
  s.snapshotOffered = false
  matchedTo(s, meta.index)
}

/**
 * Raft Figure 2: an acknowledgement is a promise, so it names only what is durable, in a term
 * that is durable.
 */
export function sendOwedAck(s: RaftState): void {
  if (s.leader === NOBODY || s.leader === s.id || s.durableTerm !== s.term) return
  const durable = Math.min(s.matched, s.log.stable)
  if (!(s.ackOwed && durable === s.matched) && durable <= s.acknowledged) return
  s.ackOwed = durable < s.matched
  s.acknowledged = durable
  s.send(MessageType.appendResponse, s.leader).index = durable
}

function matchedTo(s: RaftState, index: number): void {
  if (index > s.matched) s.matched = index
  s.ackOwed = true
}

/**
 * Says how far the logs might agree, so that the leader need not go back one entry at a time
 * (Raft 5.3, end).
 */
function reject(s: RaftState, message: RaftMessage): void {
  const hint = s.log.agreementGuess(message.index, message.logTerm)
  const response = s.send(MessageType.appendResponse, message.from)
  response.reject = true
  response.index = message.index
  response.rejectHint = hint
  response.logTerm = Math.max(0, s.log.termAt(hint))
}
