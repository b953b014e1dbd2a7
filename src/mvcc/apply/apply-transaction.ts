/**
 * One open store transaction of apply: the numbers that every member counts alike, and the two ways in which a key
 * changes. Whatever a batch did is gone with its transaction: `begin` reads the numbers from the store again.
 */

import { assert } from '../../base/assert.js'
import type { Slice } from '../../base/slice.js'
import type { EventLogWriter } from '../../keyspace/event-log-writer.js'
import type { KeyspaceView } from '../../keyspace/keyspace-view.js'
import { KeyspaceWriter } from '../../keyspace/keyspace-writer.js'
import type { WriteTransaction } from '../../store/store.js'
import { STATE_MARK_ENTRIES } from '../../messages/state-marks.js'
import { ApplyTally } from './apply-tally.js'
import { AuthFacts } from './auth-facts.js'
import { LeaseFacts } from './lease-facts.js'
import { MemberFacts } from '../members/member-facts.js'

export class ApplyTransaction {
  readonly writer = new KeyspaceWriter()
  readonly facts = new LeaseFacts()
  readonly auth = new AuthFacts()
  readonly members = new MemberFacts()
  readonly tally = new ApplyTally()
  /** State marks of the batch: index and hash, one after the other. */
  readonly marks: number[] = []
  /** The revisions that the batch has compacted to. */
  readonly compactions: number[] = []
  /** Keys that exist after the batch. */
  liveKeys = 0
  /** Revision after the requests applied so far. */
  revision = 0
  compactRevision = 0
  leaseClockMs = 0
  /** Changes of the request that is being applied; also the sub-revision of its next one. */
  changes = 0
  readonly #eventLog: EventLogWriter
  #transaction: WriteTransaction | null = null

  constructor(eventLog: EventLogWriter) {
    this.#eventLog = eventLog
  }

  get view(): KeyspaceView {
    return this.writer.view
  }

  /** For the tables that are not the key space's. */
  get tables(): WriteTransaction {
    assert(this.#transaction !== null, 'a transaction is open')
    return this.#transaction
  }

  begin(transaction: WriteTransaction): void {
    this.#transaction = transaction
    this.writer.begin(transaction)
    const view = this.writer.view
    this.revision = view.currentRevision
    this.compactRevision = view.compactRevision
    this.leaseClockMs = view.leaseClockMs
    this.changes = 0
    this.facts.clear()
    this.auth.begin(transaction)
    this.members.clear()
    this.tally.clear()
    this.marks.length = this.compactions.length = 0
  }

  /** Everything up to this entry is in the transaction. */
  finish(appliedIndex: number, appliedTerm: number): void {
    const { writer } = this
    writer.setCurrentRevision(this.revision)
    writer.setLeaseClock(this.leaseClockMs)
    writer.setApplied(appliedIndex, appliedTerm)
    this.members.finish(this.tables)
    writer.finish()
    this.liveKeys = writer.view.liveKeys
    this.#transaction = null
  }

  /** An entry is applied. Marks are at the same entries on every member. */
  endEntry(index: number): void {
    const { writer } = this
    writer.fold(index, this.revision)
    if (index % STATE_MARK_ENTRIES === 0 && writer.stateHash !== 0) this.marks.push(index, writer.stateHash)
  }

  /** From here on older revisions cannot be asked for. */
  compactTo(revision: number): void {
    this.compactRevision = revision
    this.compactions.push(revision)
    // A compact revision is never above the current one, also in what the writer has heard so far.
    this.writer.setCurrentRevision(this.revision)
    this.writer.setCompactRevision(revision)
  }

  /** The transaction could not commit: as if the batch had not been applied. */
  abort(): void {
    this.#transaction = null
    this.#eventLog.abort()
    this.facts.clear()
    this.auth.abort()
    this.members.clear()
    this.marks.length = this.compactions.length = 0
  }

  put(key: Slice, value: Slice, leaseId: bigint): void {
    const main = this.revision + 1
    const record = this.writer.put(key, value, leaseId, main, this.changes)
    this.#eventLog.append(main, this.changes, record.bytes, record.start, record.end)
    this.changes++
    this.tally.puts++
    this.tally.putBytes += key.length + value.length
  }

  /** False when there is no such live key. */
  remove(key: Slice): boolean {
    const main = this.revision + 1
    const record = this.writer.remove(key, main, this.changes)
    if (record === null) return false
    this.#eventLog.append(main, this.changes, record.bytes, record.start, record.end)
    this.changes++
    return true
  }

  /**
   * Ends a request, or one lease of a batch of revokes: a request that changed anything has a main revision of its
   * own.
   */
  endRevision(): boolean {
    if (this.changes === 0) return false
    this.revision++
    this.changes = 0
    return true
  }
}
