/**
 * What mvcc is given: every entry once, in order. Normally an entry goes when it is committed. While this member is the
 * only voter it is committed by nothing but its own disk, so it goes when it is ordered and mvcc applies it as soon as
 * wal has it on disk: a lone put waits for one thread less. Configuration changes, and what is ordered between one of
 * them and its application, go the normal way, because they may end up under another configuration.
 */

import type { MvccMessages } from '../messages/mvcc-messages.js'
import { assert, assertEqual } from '../base/assert.js'
import type { Sender } from '../messages/protocol.js'
import { Word, type SharedWords } from '../messages/shared-words.js'
import type { SyncTimesOfEntry } from '../messages/sync-times.js'
import type { RaftCore } from './core/raft-core.js'
import { EntryType, type LogEntry } from './core/raft-log.js'

export interface ApplyFeedContext {
  readonly words: SharedWords
  readonly mvcc: Sender<MvccMessages>
  readonly mvccRoomBytes: () => number
  /** Publishes what was sent to mvcc and wakes nobody. */
  readonly publishToMvcc: () => void
  /** Monotonic milliseconds. */
  readonly clock: () => number
}

/** The write that each entry went to disk with; zeros for one that is not there yet. */
export interface SyncsOfEntries {
  of(index: number): Readonly<SyncTimesOfEntry>
}

interface EntryTimes extends SyncTimesOfEntry {
  proposedMs: number
  quorumMs: number
  committedMs: number
}

export class ApplyFeed {
  readonly #context: ApplyFeedContext
  /** Of entries that are not written yet. */
  readonly #early: EntryTimes = {
    proposedMs: 0, writeStartMs: 0, writtenMs: 0, syncedMs: 0, quorumMs: 0, committedMs: 0,
  }
  readonly #committed: EntryTimes = { ...this.#early }
  /** mvcc has everything up to here. */
  #given = 0
  /** Entries below were replayed: nobody waits for an answer to them. */
  #firstLiveIndex = 0

  constructor(context: ApplyFeedContext) {
    this.#context = context
  }

  start(appliedIndex: number, firstLiveIndex: number): void {
    this.#given = appliedIndex
    this.#firstLiveIndex = firstLiveIndex
  }

  /** A snapshot stands for everything up to this entry. */
  skipTo(index: number): void {
    assert(index > this.#given, `mvcc was given ${this.#given}, and a snapshot is at ${index}`)
    this.#given = index
  }

  /**
   * Entries that wal is about to be given, and what an earlier turn had no room for. Called before wal is, and mvcc is
   * not woken: wal wakes it when the last of them is durable, or when it begins to sync a few, and it finds them in its
   * ring then.
   */
  giveEarly(core: RaftCore, appendFirst: number, last: number, proposedMs: number): void {
    // Without an append there is no sync to come that would wake mvcc.
    if (last < appendFirst || !core.commitsAlone()) return
    const first = this.#given + 1
    const { words, mvccRoomBytes, publishToMvcc } = this.#context
    let roomBytes = mvccRoomBytes()
    let end = first - 1
    while (end < last) {
      const entry = core.entry(end + 1)
      roomBytes -= entry.sizeBytes
      if (entry.type !== EntryType.normal || roomBytes < 0) break
      end++
    }
    if (end < first) return
    // Before mvcc can see the first of them, or it would take it for committed.
    words.store(Word.commitsWhenDurable, end)
    const times = this.#early
    times.proposedMs = proposedMs
    for (let i = first; i <= end; i++) this.#send(core.entry(i), i, times)
    this.#given = end
    publishToMvcc()
  }

  /** Committed entries; those that mvcc has are passed over. */
  giveCommitted(core: RaftCore, last: number, syncs: SyncsOfEntries, nowMs: number): void {
    const first = this.#given + 1
    if (last < first) return
    // Alone, nobody was waited for: what passed since the sync is the way of its news to here.
    const isSolo = core.soloReadable()
    const times = this.#committed
    times.committedMs = this.#context.clock()
    for (let i = first; i <= last; i++) {
      const entry = core.entry(i)
      const { writeStartMs, writtenMs, syncedMs } = syncs.of(i)
      times.proposedMs = entry.proposedUs / 1000
      times.writeStartMs = writeStartMs
      times.writtenMs = writtenMs
      times.syncedMs = syncedMs
      times.quorumMs = isSolo ? syncedMs : nowMs
      this.#send(entry, i, times)
    }
    this.#given = last
  }

  #send(entry: LogEntry, index: number, times: Readonly<EntryTimes>): void {
    assertEqual(entry.index, index, 'index of an entry for mvcc')
    const sent = this.#context.mvcc.apply({
      term: entry.term,
      index,
      type: entry.type,
      answer: index >= this.#firstLiveIndex ? 1 : 0,
      orderedMs: entry.receivedUs / 1000,
      proposedMs: times.proposedMs,
      writeStartMs: times.writeStartMs,
      writtenMs: times.writtenMs,
      syncedMs: times.syncedMs,
      quorumMs: times.quorumMs,
      committedMs: times.committedMs,
      data: entry.data,
    })
    assert(sent, 'the ring to mvcc had room for the entry')
  }
}
