/**
 * All that wal can be told, by raft alone.
 *
 * Raft sends what one Ready wants persisted (`append` for each entry, `saveState`, `saveSnapshot`) and ends it with
 * `flush`. Wal gathers all that waits, writes it with one write, syncs once, and answers raft with one `durable` naming
 * the last flush covered. Nothing is answered before it is on disk. A commit-only state change asks for no sync of its
 * own.
 */

import { defineProtocol, message } from './protocol.js'

export const walMessages = defineProtocol({
  /** An entry; one with an index seen before replaces it and everything after it. */
  append: message(1, { term: 'u53', index: 'u53', type: 'u8', data: 'bytes' }),
  /** The hard state. `mustSync` 1 when term or vote changed. */
  saveState: message(2, { term: 'u53', vote: 'i64', commit: 'u53', mustSync: 'u8' }),
  /**
   * A snapshot record: a checkpoint at or above `index` is on disk. Always synced; segments wholly below it may go.
   * `restarts` 1: the store came from a leader, and the log begins anew behind `index`, whatever it held before.
   */
  saveSnapshot: message(3, { index: 'u53', term: 'u53', restarts: 'u8', confState: 'bytes' }),
  /** End of one Ready. */
  flush: message(4, { sequence: 'u53' }),
})
export type WalMessages = typeof walMessages
