/**
 * All that a front can be told.
 *
 * A front proposes a request to raft under a request id and hears exactly one answer for it: `applied` from mvcc, or
 * `refused` from raft when it never entered the log. Either may come after the front has given up on the request (its
 * deadline passed, its client left); the front then finds no such request and drops the answer. Results of reads are
 * not sent: mvcc answers with revision and outcomes only, and the front builds the rest from a read snapshot at that
 * revision.
 *
 * A watch is named by the front's own number for it, `watcher`; the client's watch id never leaves the front.
 */

import { defineProtocol, message } from './protocol.js'

export const frontMessages = defineProtocol({
  /**
   * From mvcc: the request's entry is applied and visible to every reader; or, marked so, applied while it is synced
   * (told-early.ts), with no times of its sync yet.
   */
  applied: message(1, {
    requestHigh: 'u32',
    requestLow: 'u32',
    /** Id in the catalogue of etcd-errors.ts; 0 is success. */
    error: 'u8',
    /** Bit 0: the store changed, so `revision` is the request's own. Bit 2: `TOLD_EARLY`. */
    flags: 'u8',
    /** Which branch each transaction node took, in the order they ran; only the first 64 nodes fit. */
    outcomeLow: 'u32',
    outcomeHigh: 'u32',
    /** The store's revision right after this request. */
    revision: 'u53',
    /** DeleteRange: keys deleted. LeaseGrant: the TTL in seconds. */
    count: 'u53',
    index: 'u53',
    orderedMs: 'f64',
    proposedMs: 'f64',
    writeStartMs: 'f64',
    writtenMs: 'f64',
    syncedMs: 'f64',
    quorumMs: 'f64',
    committedMs: 'f64',
    applyStartMs: 'f64',
    appliedMs: 'f64',
  }),
  /**
   * From raft: the request was not taken into the log; or it was forwarded to a leader that may have died with it, and
   * with the next one there is nothing to wait for any more.
   */
  refused: message(2, { requestHigh: 'u32', requestLow: 'u32', error: 'u8' }),
  /**
   * From watch: the watcher exists from here on, or never will (`error` not 0). Comes before anything else about it.
   */
  watchCreated: message(3, { watcher: 'u32', revision: 'u53', error: 'u8' }),
  /**
   * From watch: one block of encoded events (repeated field 11 of WatchResponse, tags included) for every watcher in
   * `watchers` (u32 each, little-endian). A block longer than a record comes in parts: `more` is 1 on all but the last,
   * and `totalBytes` is the length of the whole on every part.
   */
  watchEvents: message(4, {
    /** For header.revision. */
    revision: 'u53',
    totalBytes: 'u32',
    more: 'u8',
    watchers: 'bytes',
    events: 'bytes',
  }),
  /** From watch: nothing follows for this watcher. `compactRevision` 0 unless it fell behind compaction. */
  watchCanceled: message(5, { watcher: 'u32', revision: 'u53', compactRevision: 'u53' }),
  /** From watch: the answer to a progress request of a whole stream; not sent while a watcher of it is behind. */
  watchProgress: message(6, { stream: 'u32', revision: 'u53' }),
  /** From watch: a periodic notice for one watcher without recent events. */
  watchNotify: message(7, { watcher: 'u32', revision: 'u53' }),
  /** From lease: the renewal is replicated. ttlSeconds 0: there is no such lease. */
  leaseKept: message(8, { requestHigh: 'u32', requestLow: 'u32', ttlSeconds: 'f64', error: 'u8' }),
  /** From lease: remaining whole seconds, which may be negative while a revoke is pending; granted 0 when unknown. */
  leaseTimes: message(9, {
    requestHigh: 'u32',
    requestLow: 'u32',
    remainingSeconds: 'f64',
    grantedSeconds: 'f64',
    error: 'u8',
  }),
  /** From lease: ids (8 bytes each, little-endian), soonest to expire first. `more` is 1 on all parts but the last. */
  leaseList: message(10, { requestHigh: 'u32', requestLow: 'u32', more: 'u8', leases: 'bytes' }),
  /**
   * From mvcc, before the applied word of its batch: users, roles or the switch have changed, up to `stamp` (as
   * `Word.authStamp`). Tokens of `user` are void, if one is named; all tokens if `voidsAll` is 1.
   */
  authChanged: message(11, { stamp: 'u53', voidsAll: 'u8', user: 'bytes' }),
  /** From mvcc, before the applied word of its batch: a log-in has succeeded, and this token stands for the user. */
  tokenAssigned: message(12, { user: 'bytes', token: 'bytes' }),
  /** From raft: reads of this ticket may be served at `index` or later; -1: they must ask again with a new ticket. */
  readReady: message(13, { ticket: 'u53', index: 'f64' }),
  /** From raft: what it knows of a member's log, if it leads, and of its own. `known` 0: there is no such member. */
  memberProgress: message(14, {
    requestHigh: 'u32',
    requestLow: 'u32',
    leads: 'u8',
    known: 'u8',
    match: 'u53',
    leaderMatch: 'u53',
  }),
  /** From peer: what came of `askMember`. `isAnswered` 0: nobody has answered, whatever was done. */
  memberAnswered: message(15, { call: 'u32', isAnswered: 'u8', status: 'u8', message: 'bytes', data: 'bytes' }),
  /** From peer: a front of another member asks; `answerMember` is the answer. `token` as its client has given it. */
  memberAsks: message(16, { call: 'u32', method: 'bytes', token: 'bytes', data: 'bytes' }),
})
export type FrontMessages = typeof frontMessages
