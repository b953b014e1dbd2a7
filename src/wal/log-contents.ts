/**
 * What a log says, gathered record by record: identity, hard state, snapshot records, and which entries are in force.
 * Checks that the records make sense together, because the CRC covers a record's data but not its type.
 */

import type { Bytes } from '../base/bytes.js'
import { RecordType } from './wal-record.js'
import {
  EntryView, readHardState, readMetadata, readSnapshot, type HardStateRecord, type RecordView, type SnapshotRecord,
  type WalMetadata,
} from './wal-record-decoder.js'

const ENTRY_TYPE_MAX = 2

export class LogContents {
  metadata: WalMetadata | null = null
  hardState: HardStateRecord = { term: 0, vote: 0n, commit: 0 }
  readonly snapshots: SnapshotRecord[] = []
  /** The last entry in force; 0 when there is none. */
  lastIndex = 0
  lastTerm = 0
  /** Entries from here to `lastIndex` are all there. */
  entriesFrom = 1
  entryCount = 0
  /** The longest entry's data. */
  entryBytesMax = 0
  /** How often the log began anew behind a leader's snapshot. */
  restarts = 0
  /** A snapshot record above the commit index: with the state that covers it the log begins anew behind it. */
  #restart: SnapshotRecord | null = null
  readonly #entry = new EntryView()

  /** Takes a record over; the reason when it cannot be right, null when it is. */
  add(record: RecordView): string | null {
    switch (record.type) {
      case RecordType.metadata:
        return this.#addMetadata(record)
      case RecordType.entry:
        return this.#addEntry(record)
      case RecordType.state:
        return this.#addState(record)
      case RecordType.chain:
        return null
      case RecordType.snapshot:
        return this.#addSnapshot(record)
      default:
        return `unknown record type ${record.type}`
    }
  }

  /** The newest snapshot record that the commit index covers, as etcd chooses it. */
  startSnapshot(): SnapshotRecord | null {
    for (let i = this.snapshots.length - 1; i >= 0; i--) {
      const snapshot = this.snapshots[i] as SnapshotRecord
      if (snapshot.index <= this.hardState.commit) return snapshot
    }
    return null
  }

  #addMetadata(record: RecordView): string | null {
    const metadata = readMetadata(record.bytes, record.dataStart, record.dataEnd)
    if (metadata === null) return 'metadata that cannot be decoded'
    const known = this.metadata
    if (known !== null && (known.nodeId !== metadata.nodeId || known.clusterId !== metadata.clusterId)) {
      return 'metadata of another member or cluster'
    }
    this.metadata = metadata
    return null
  }

  #addEntry(record: RecordView): string | null {
    const entry = this.#entry
    if (!entry.read(record.bytes, record.dataStart, record.dataEnd)) return 'an entry that cannot be decoded'
    const { type, term, index } = entry
    if (type > ENTRY_TYPE_MAX || term === 0 || index === 0) return `an impossible entry (${type}, ${term}, ${index})`
    // An overwrite may go back to an older term; only neighbours must be in order.
    if (index === this.lastIndex + 1 && term < this.lastTerm) return `entry ${index} has the older term ${term}`
    if (this.entryCount > 0 && index > this.lastIndex + 1) {
      const isCovered = this.snapshots.some((snapshot) => snapshot.index >= index - 1)
      if (!isCovered) return `entry ${index} after entry ${this.lastIndex}`
    }
    const follows = this.entryCount > 0 && index >= this.entriesFrom && index <= this.lastIndex + 1
    if (!follows) this.entriesFrom = index
    this.lastIndex = index
    this.lastTerm = term
    this.entryCount++
    this.entryBytesMax = Math.max(this.entryBytesMax, entry.dataEnd - entry.dataStart)
    return null
  }

  #addState(record: RecordView): string | null {
    const state = readHardState(record.bytes, record.dataStart, record.dataEnd)
    if (state === null) return 'a hard state that cannot be decoded'
    // Nobody saves an empty state; an entry whose type was damaged reads like one.
    if (state.term === 0) return 'a hard state without a term'
    if (state.term < this.hardState.term) return `a hard state of term ${state.term} after ${this.hardState.term}`
    this.hardState = state
    const restart = this.#restart
    if (restart !== null && restart.index <= state.commit) this.#startOver(restart)
    return null
  }

  /** What was logged before is of no account any more. */
  #startOver(snapshot: SnapshotRecord): void {
    this.#restart = null
    this.restarts++
    this.lastIndex = snapshot.index
    this.lastTerm = snapshot.term
    this.entriesFrom = snapshot.index + 1
    this.entryCount = 0
  }

  #addSnapshot(record: RecordView): string | null {
    const snapshot = readSnapshot(record.bytes, record.dataStart, record.dataEnd)
    if (snapshot === null) return 'a snapshot record that cannot be decoded'
    this.snapshots.push({ ...snapshot, confState: snapshot.confState as Bytes })
    this.#restart = snapshot.index > this.hardState.commit ? snapshot : null
    return null
  }
}
