/** What a start is told of the past, by wal and by mvcc, until it is whole: then it is what the core begins with. */

import { assert } from '../base/assert.js'
import type { Message } from '../messages/protocol.js'
import type { RaftMessages } from '../messages/raft-messages.js'
import { confChangeOf, decodeConf } from './conf-codec.js'
import { confStateOf, type ConfState } from './core/conf-change.js'
import { EntryType, placedEntry, type LogEntry } from './core/raft-log.js'
import type { HardState, RaftInitial } from './core/raft-state.js'

interface RecoveredLog {
  readonly hardState: HardState
  readonly snapshotIndex: number
  readonly snapshotTerm: number
}

interface RestoredStore {
  readonly appliedIndex: number
  readonly appliedTerm: number
  /** The store is a leader's: the log may not know of it yet. */
  readonly isInstalled: boolean
  readonly confState: ConfState
}

/** What the core begins with. */
export interface Recovered {
  readonly initial: RaftInitial
  /** A crash came between the store of a leader's snapshot and the log's record of it: the log has to begin anew. */
  readonly restarts: boolean
}

export class RaftRecovery {
  readonly #bootstrapEntries: readonly Uint8Array[]
  #entries: LogEntry[] = []
  #log: RecoveredLog | null = null
  #store: RestoredStore | null = null

  constructor(bootstrapEntries: readonly Uint8Array[]) {
    this.#bootstrapEntries = bootstrapEntries
  }

  /** An entry written again replaces the earlier one and all that followed it. */
  onEntry(entry: LogEntry): void {
    const last = this.#entries.at(-1)
    assert(last === undefined || entry.index <= last.index + 1, `replay jumps to entry ${entry.index}`)
    while (this.#entries.length > 0 && (this.#entries.at(-1) as LogEntry).index >= entry.index) this.#entries.pop()
    this.#entries.push(entry)
  }

  onLog(message: Message<RaftMessages, 'recovered'>): void {
    const { term, vote, commit, snapshotIndex, snapshotTerm } = message
    this.#log = { hardState: { term, vote: BigInt.asUintN(64, vote), commit }, snapshotIndex, snapshotTerm }
  }

  onStore(message: Message<RaftMessages, 'storeRestored'>): void {
    const { appliedIndex, appliedTerm, installed } = message
    const confState = decodeConf(message.confState.copy())
    this.#store = { appliedIndex, appliedTerm, isInstalled: installed === 1, confState }
  }

  /** Null until both halves are known. The entries are handed over. */
  take(): Recovered | null {
    const log = this.#log
    const store = this.#store
    if (log === null || store === null) return null
    if (store.isInstalled && !this.#holds(log, store)) return { initial: behindSnapshot(log, store), restarts: true }
    return { initial: this.#initial(log, store), restarts: false }
  }

  /** Whether the log has the entry that the store ends with. */
  #holds({ snapshotIndex, snapshotTerm }: RecoveredLog, { appliedIndex, appliedTerm }: RestoredStore): boolean {
    if (appliedIndex <= snapshotIndex) return appliedIndex < snapshotIndex || appliedTerm === snapshotTerm
    const entry = this.#entries[appliedIndex - snapshotIndex - 1]
    return entry !== undefined && entry.term === appliedTerm
  }

  #initial(log: RecoveredLog, store: RestoredStore): RaftInitial {
    // Without a hard state nothing was ever promised: what entries there are belong to a first write that was cut off.
    // A member that joins may have voted before it has its first entry, and that must not be forgotten (Raft 5.2).
    const isEmpty = log.hardState.term === 0 && log.snapshotIndex === 0
    const entries = isEmpty
      ? this.#bootstrapEntries.map((data, i) => placedEntry(1, i + 1, EntryType.confChange, data))
      : this.#entries
    this.#entries = []
    const { term, vote, commit } = isEmpty ? { term: 1, vote: 0n, commit: entries.length } : log.hardState
    const { appliedIndex, confState } = store
    return {
      // A checkpoint holds committed entries only, so it may know of a later commit than the hard state.
      hardState: { term, vote, commit: Math.max(commit, appliedIndex) },
      snapshotIndex: log.snapshotIndex,
      snapshotTerm: log.snapshotTerm,
      entries,
      applied: appliedIndex,
      confState: appliedIndex === 0 ? confStateOf(entries.flatMap((entry) => addedMembers(entry))) : confState,
      persisted: !isEmpty,
    }
  }
}

/** Nobody was promised anything in a term of which the log does not know. */
function behindSnapshot({ hardState }: RecoveredLog, store: RestoredStore): RaftInitial {
  const { appliedIndex, appliedTerm, confState } = store
  const isLater = appliedTerm > hardState.term
  return {
    hardState: {
      term: isLater ? appliedTerm : hardState.term, vote: isLater ? 0n : hardState.vote, commit: appliedIndex,
    },
    snapshotIndex: appliedIndex,
    snapshotTerm: appliedTerm,
    entries: [],
    applied: appliedIndex,
    confState,
    persisted: true,
  }
}

function addedMembers(entry: LogEntry): bigint[] {
  if (entry.type !== EntryType.confChange) return []
  return confChangeOf(entry.data).changes.map((change) => change.nodeId)
}
