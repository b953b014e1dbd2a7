/**
 * All that mvcc can be told, by raft alone: entries in index order, each of them committed, without gaps but for those
 * that a leader's snapshot stands for. One at or below the word `commitsWhenDurable` is so once the word `durableIndex`
 * has reached it. What follows from them goes to the front that asked (`applied`), to lease (`granted`, `revoked`,
 * `renewed`), into the shared event log for watch, and into the shared words (applied index, revision, sizes).
 */

import { defineProtocol, message } from './protocol.js'

export const mvccMessages = defineProtocol({
  /** A committed entry. `answer` 1 if a local actor may be waiting for it, 0 for what a start replays. */
  apply: message(1, {
    term: 'u53',
    index: 'u53',
    /** raftpb.EntryType. */
    type: 'u8',
    answer: 'u8',
    orderedMs: 'f64',
    /** When raft gave it to wal. */
    proposedMs: 'f64',
    writeStartMs: 'f64',
    writtenMs: 'f64',
    syncedMs: 'f64',
    /** When a quorum had it. */
    quorumMs: 'f64',
    /** 0, like the times of the write, for an entry that is given before it is written. */
    committedMs: 'f64',
    data: 'bytes',
  }),
  /**
   * A leader's store lies in this file of the member's own, complete and checked. It holds everything up to `index`,
   * and raft has taken it over: mvcc makes it the next store file, with a checkpoint, and answers `snapshotPrepared`.
   * Until then, and until it hears `switchSnapshot`, it goes on with the store that it has.
   */
  installSnapshot: message(2, { index: 'u53', term: 'u53', path: 'bytes' }),
  /** The log begins anew at `index`, durably: the store file that was prepared takes the place of the one before. */
  switchSnapshot: message(3, { index: 'u53' }),
  /** A file of a leader's store that raft has no use for. */
  discardSnapshot: message(4, { path: 'bytes' }),
})
export type MvccMessages = typeof mvccMessages
