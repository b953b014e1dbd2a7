/**
 * All that raft can be told.
 *
 * At start wal replays its log (`recoveredEntry` in index order, then one `recovered`) and mvcc says how far the store
 * is (`storeRestored`); raft begins when it has heard both. From then on fronts and the lease actor `propose`, wal
 * answers each flush with `durable`, and mvcc reports checkpoints. How far mvcc has applied is a shared word, not a
 * message.
 *
 * With other members peer carries raft's messages (peer-messages.ts) and hands over what they say as `received`. Any
 * of it may be lost. A front that may not read on raft's word alone (`Word.commitAndSolo`) asks for a `readIndex` and
 * hears one `readReady` for each ticket, unless it asks again before.
 */

import { defineProtocol, message } from './protocol.js'

export const raftMessages = defineProtocol({
  /** From a front or lease: order these entry bytes (an encoded InternalRaftRequest). Refused ones are answered. */
  propose: message(1, { requestHigh: 'u32', requestLow: 'u32', data: 'bytes' }),
  /** From wal: everything up to flush `sequence` is on disk. Times are of the write that covered it. */
  durable: message(2, { sequence: 'u53', writeStartMs: 'f64', writtenMs: 'f64', syncedMs: 'f64' }),
  /** From wal, at start only. */
  recoveredEntry: message(3, { term: 'u53', index: 'u53', type: 'u8', data: 'bytes' }),
  /** From wal, at start only: the end of the replay. `fresh` is 1 when the log was created just now. */
  recovered: message(4, {
    fresh: 'u8',
    term: 'u53',
    vote: 'i64',
    commit: 'u53',
    snapshotIndex: 'u53',
    snapshotTerm: 'u53',
    /** Encoded raftpb.ConfState of the snapshot record; empty when there is none. */
    confState: 'bytes',
  }),
  /**
   * From mvcc, at start only: the store holds everything up to `appliedIndex`. `installed` 1: it is a leader's, and the
   * log may not know of it yet.
   */
  storeRestored: message(5, { appliedIndex: 'u53', appliedTerm: 'u53', installed: 'u8', confState: 'bytes' }),
  /** From mvcc: a checkpoint at this index is on disk, so the log before it may go. */
  checkpointed: message(6, { index: 'u53', term: 'u53' }),
  /** From wal or mvcc: the disk has room (1) or not (0); while it has not, proposals are refused. */
  space: message(7, { source: 'u8', available: 'u8' }),
  /** From peer: an encoded raftpb.Message of another member of this cluster, for this member. */
  received: message(8, { data: 'bytes' }),
  /** From peer: what was sent to this member lately is probably lost. */
  unreachable: message(9, { member: 'i64' }),
  /** From peer: what became of a `sendSnapshot`. */
  snapshotSent: message(10, { member: 'i64', ok: 'u8' }),
  /**
   * From peer: a leader's MsgSnap for this member, whose store lies in this file of the member's own, complete, checked
   * and synced. The file is raft's from here on.
   */
  snapshotReceived: message(11, { path: 'bytes', data: 'bytes' }),
  /**
   * From a front: order this encoded raftpb.ConfChange, whose id is the request's id. Answered like `propose`: by
   * mvcc when the entry is applied, or by `refused`.
   */
  proposeConf: message(12, { requestHigh: 'u32', requestLow: 'u32', data: 'bytes' }),
  /** From a front: answer `readReady` with the index for this ticket. Tickets of a front only grow. */
  readIndex: message(13, { front: 'u8', ticket: 'u53' }),
  /** From a front: hand leadership to this member. Not answered: `Word.leaderId` tells when it has happened. */
  transferLeader: message(14, { to: 'i64' }),
  /**
   * From mvcc: it has applied a configuration entry. `ok` 0: the entry changes nothing, as the rules for members
   * (src/cluster) do not allow it. Raft gives no later entry to mvcc before it has heard this.
   */
  confApplied: message(15, { index: 'u53', ok: 'u8' }),
  /** From mvcc: the leader's store of `installSnapshot` is in its place, and a start begins with it. */
  snapshotPrepared: message(16, { index: 'u53' }),
  /** From a front: answer `memberProgress` with how far this member's log is. */
  tellProgress: message(17, { requestHigh: 'u32', requestLow: 'u32', member: 'i64' }),
  /** From peer: the stream that takes entries to this member is open (1) or not (0). Open until it is said. */
  way: message(18, { member: 'i64', open: 'u8' }),
})
export type RaftMessages = typeof raftMessages

/** Who reported in a `space` message. */
export const SpaceSource = Object.freeze({ wal: 0, store: 1 })
