/**
 * Recent rows as their one writer keeps them. Rows of tables that are written in any order change no pages of the file
 * at once: they go to the newest slot, and when that is nearly full it becomes the older one, whose rows are put into
 * the file a few with every commit, in key order. So a page of the file is changed once for many rows, and most of what
 * a burst of writes changes again and again is never written at all.
 *
 * Nothing is lost with the memory: every row can be made anew from the revisions that the file has
 * (keyspace/tables/settle-recent.ts), which happens at every start.
 */

import { assert } from '../../base/assert.js'
import { EMPTY_BYTES, type Bytes } from '../../base/bytes.js'
import { Slice } from '../../base/slice.js'
import type { StoreCursor, StoreView, Table, WriteTransaction } from '../store.js'
import { SLOTS, type RecentMemory } from './recent-memory.js'
import type { RecentRows } from './recent-rows.js'
import { RecentState } from './recent-state.js'
import { NEWEST, RecentView, isRecentTable, versionOf } from './recent-view.js'

/** A slot with this share of its memory in use is to become the older one. */
const FULL_SHARE = 0.75
/** Revisions of keys that are never in memory after which it is noted that nothing is. */
const REVISIONS_NOTED = 10_000

export interface RecentStats {
  /** Memory in use, nodes and every version of a row. */
  readonly usedBytes: number
  /** Rows that went to the file so far. */
  readonly settled: number
  /** Commits so far that found no memory. */
  readonly overflows: number
}

/** What a transaction changes beside rows; see the fields of the same names. */
interface Place {
  readonly newer: RecentRows | null
  readonly older: RecentRows | null
  readonly settling: number
  readonly settledNodes: number
  readonly lastSlot: number
  readonly settled: number
  readonly overflows: number
}

export class RecentWriter {
  readonly #memory: RecentMemory
  /** As the last commit left it, and as the open transaction will. */
  readonly #state = new RecentState()
  readonly #next = new RecentState()
  readonly #transaction = new RecentTransaction(this)
  readonly #fullBytes: number
  /** The highest number that a slot has had. */
  #lastSlot = 0
  /** The next node of the older slot that goes to the file. */
  #settling = 0
  /** Nodes before it. */
  #settledNodes = 0
  /** The store's revision, as the last commit left it. */
  #revision = 0
  /** Rows that are to go to the file with the next commit. */
  #wanted = 0
  #isChanged = false
  #hasBegun = false
  /** So far; see `RecentStats`. */
  #settled = 0
  #overflows = 0
  /** Nodes written by the open transaction. */
  readonly #written: number[] = []
  #writtenTo: RecentRows | null = null
  #versionsMark = 0
  /** As it was when the open transaction began. */
  #before: Place
  readonly #key = new Slice()
  readonly #value = new Slice()

  constructor(memory: RecentMemory) {
    this.#memory = memory
    this.#fullBytes = memory.slotBytes * FULL_SHARE
    this.#before = this.#place()
  }

  /** All rows that stand for revisions up to this one are in the file. */
  get settledRevision(): number {
    return this.#state.slot === 0 ? Infinity : this.#state.settled
  }

  /** A store takes the place of the one before. All of its rows are in its file. */
  reset(file: StoreView): void {
    const { stamp } = this.#state
    this.#state.read(file)
    // Readers wait for stamps in memory, where none goes back.
    this.#state.stamp = Math.max(this.#state.stamp, stamp)
    assert(this.#state.slot === 0, 'a store was settled before it is used')
    const { view } = this
    view.newer = view.older = null
    this.#memory.setOldest(this.#lastSlot + 1)
  }

  stats(): RecentStats {
    const { newer, older } = this.view
    const usedBytes = (newer?.usedBytes ?? 0) + (older?.usedBytes ?? 0)
    return { usedBytes, settled: this.#settled, overflows: this.#overflows }
  }

  get view(): RecentView {
    return this.#transaction
  }

  /** The revision that the store is at, after a commit and at the start. */
  setRevision(revision: number): void {
    this.#revision = revision
  }

  /** The next transaction puts up to so many rows into the file, whether or not memory is short. */
  settle(rowsMax: number): void {
    this.#wanted = rowsMax
  }

  begin(file: WriteTransaction): WriteTransaction {
    const { view } = this
    this.#hasBegun = true
    this.#next.copyFrom(this.#state)
    this.#next.stamp++
    this.#before = this.#place()
    this.#written.length = 0
    this.#isChanged = false
    this.#transaction.begin(file)
    if (view.older === null && this.#isSlotDue()) this.#takeSlot()
    this.#writtenTo = view.newer
    this.#versionsMark = view.newer?.versionsMark ?? 0
    return this.#transaction
  }

  /** Before the transaction commits. */
  finish(): void {
    const { older, newer } = this.view
    if (older !== null && newer !== null) this.#keepPace(older, newer)
    else if (newer?.entries === 0) this.#noteNothing()
    this.#wanted = 0
    if (this.#isChanged) {
      this.#memory.setStamp(this.#next.stamp)
      this.#next.write(this.#transaction.target)
    }
    this.#transaction.end()
  }

  committed(): void {
    this.#hasBegun = false
    if (!this.#isChanged) return
    this.#state.copyFrom(this.#next)
    const { slot, hasOlder } = this.#state
    this.#memory.setOldest(slot === 0 ? this.#lastSlot + 1 : hasOlder ? slot - 1 : slot)
  }

  /** The transaction is undone, if it had begun at all. */
  aborted(): void {
    if (!this.#hasBegun) return
    this.#hasBegun = false
    this.#transaction.end()
    this.#undo()
    const { view } = this
    const before = this.#before
    view.newer = before.newer
    view.older = before.older
    this.#settling = before.settling
    this.#settledNodes = before.settledNodes
    this.#lastSlot = before.lastSlot
    this.#settled = before.settled
    this.#overflows = before.overflows
  }

  #place(): Place {
    const { newer, older } = this.view
    return {
      newer, older, settling: this.#settling, settledNodes: this.#settledNodes, lastSlot: this.#lastSlot,
      settled: this.#settled, overflows: this.#overflows,
    }
  }

  /** A reader may stand on a version that is undone: memory is given back only while nobody reads. */
  #undo(): void {
    const rows = this.#writtenTo
    if (rows === null) return
    for (let i = this.#written.length - 1; i >= 0; i--) rows.undo(this.#written[i] as number)
    if (this.#memory.isIdle()) rows.giveBack(this.#versionsMark)
  }

  put(table: Table, key: Bytes, start: number, end: number, value: Bytes, from: number, to: number): void {
    assert(this.#transaction.isOpen, 'write outside a transaction')
    this.view.changes++
    if (!this.#write(table, key, start, end, value, from, to)) {
      this.#transaction.target.put(table, key, start, end, value, from, to)
    }
  }

  remove(table: Table, key: Bytes, start: number, end: number): boolean {
    assert(this.#transaction.isOpen, 'write outside a transaction')
    this.view.changes++
    const { newer, older } = this.view
    if (newer !== null) {
      const found = this.#hasRecent(newer, table, key, start, end) ??
        (older === null ? undefined : this.#hasRecent(older, table, key, start, end))
      if (found === false) return false
      if (found === true && this.#write(table, key, start, end, null, 0, 0)) return true
    }
    return this.#transaction.target.remove(table, key, start, end)
  }

  /** Undefined: it knows nothing of the row. */
  #hasRecent(rows: RecentRows, table: Table, key: Bytes, start: number, end: number): boolean | undefined {
    const version = versionOf(rows, NEWEST, table, key, start, end)
    return version === 0 ? undefined : !rows.isAbsent(version)
  }

  /** False when there is no slot to write to: the row belongs into the file. */
  #write(
    table: Table, key: Bytes, start: number, end: number, row: Bytes | null, from: number, to: number,
  ): boolean {
    const { newer } = this.view
    if (newer === null) return false
    const node = newer.write(table, key, start, end, this.#next.stamp - newer.base, row, from, to)
    if (node === 0) {
      this.#settleAll()
      return false
    }
    this.#written.push(node)
    this.#isChanged = true
    return true
  }

  #isSlotDue(): boolean {
    const { newer } = this.view
    const isDue = newer === null || newer.usedBytes > this.#fullBytes || (this.#wanted > 0 && newer.entries > 0)
    if (!isDue) return false
    const before = this.#lastSlot + 1 - SLOTS
    return before <= 0 || this.#memory.isUnused(before)
  }

  /** The newest slot becomes the older one, and another takes its place. */
  #takeSlot(): void {
    const { view } = this
    const number = ++this.#lastSlot
    const rows = this.#memory.rows(number)
    rows.clear(this.#state.stamp)
    const next = this.#next
    next.slot = number
    next.hasOlder = view.newer !== null
    if (view.newer === null) next.settled = this.#revision
    else next.olderSettled = this.#revision
    view.older = view.newer
    view.newer = rows
    this.#settling = view.older === null ? 0 : view.older.next(0)
    this.#settledNodes = 0
    this.#isChanged = true
  }

  /** Of the older slot the share of rows goes to the file that the newer has taken of its memory. */
  #keepPace(older: RecentRows, newer: RecentRows): void {
    const share = Math.min(1, newer.usedBytes / this.#fullBytes)
    const rowsMax = Math.max(Math.ceil(older.entries * share) - this.#settledNodes, this.#wanted)
    if (rowsMax > 0) this.#settleSome(rowsMax)
  }

  #settleSome(rowsMax: number): void {
    const { view } = this
    const older = view.older as RecentRows
    let node = this.#settling
    for (let i = 0; i < rowsMax && node !== 0; i++) {
      this.#settleNode(older, node)
      this.#settledNodes++
      node = older.next(node)
    }
    this.#settling = node
    this.#isChanged = true
    if (node !== 0) return
    view.older = null
    this.#next.hasOlder = false
    this.#next.settled = this.#next.olderSettled
  }

  /** There is nothing in memory: the newest revisions are of keys whose rows go to the file at once. */
  #noteNothing(): void {
    if (this.#wanted === 0 && this.#revision - this.#next.settled < REVISIONS_NOTED) return
    this.#next.settled = this.#revision
    this.#isChanged = true
  }

  /** There is no memory for what the transaction writes: from here on it goes to the file, and so did all before. */
  #settleAll(): void {
    const { view } = this
    this.#overflows++
    if (view.older !== null) this.#settleSome(Infinity)
    const newer = view.newer as RecentRows
    for (let node = newer.next(0); node !== 0; node = newer.next(node)) this.#settleNode(newer, node)
    view.newer = null
    this.#next.slot = 0
    this.#isChanged = true
  }

  #settleNode(rows: RecentRows, node: number): void {
    const version = rows.versionAt(node, NEWEST)
    // Undone.
    if (version === 0) return
    this.#settled++
    const { target } = this.#transaction
    const key = this.#key
    const value = this.#value
    rows.key(node, key)
    const table = rows.tableOf(node)
    if (rows.read(version, value)) {
      target.put(table, key.bytes, key.start, key.end, value.bytes, value.start, value.end)
    } else {
      target.remove(table, key.bytes, key.start, key.end)
    }
  }
}

/** Between transactions; a use of it fails. */
const NO_TRANSACTION = null as unknown as WriteTransaction

class RecentTransaction extends RecentView implements WriteTransaction {
  readonly #writer: RecentWriter
  /** The file's. */
  target: WriteTransaction
  #buffer: Bytes = EMPTY_BYTES

  constructor(writer: RecentWriter) {
    super(NO_TRANSACTION)
    this.target = NO_TRANSACTION
    this.#writer = writer
  }

  begin(target: WriteTransaction): void {
    this.file = this.target = target
    this.dropCursors()
  }

  get isOpen(): boolean {
    return this.target !== NO_TRANSACTION
  }

  end(): void {
    this.file = this.target = NO_TRANSACTION
  }

  override get(table: Table, key: Bytes, start: number, end: number, value: Slice): boolean {
    assert(this.isOpen, 'read in a closed view')
    return super.get(table, key, start, end, value)
  }

  override openCursor(table: Table, keysOnly = false): StoreCursor {
    assert(this.isOpen, 'cursor in a closed view')
    return super.openCursor(table, keysOnly)
  }

  put(table: Table, key: Bytes, start: number, end: number, value: Bytes, from: number, to: number): void {
    if (isRecentTable(table)) this.#writer.put(table, key, start, end, value, from, to)
    else this.target.put(table, key, start, end, value, from, to)
  }

  append(table: Table, key: Bytes, start: number, end: number, value: Bytes, from: number, to: number): void {
    if (isRecentTable(table)) this.#writer.put(table, key, start, end, value, from, to)
    else this.target.append(table, key, start, end, value, from, to)
  }

  valueBuffer(size: number): Bytes {
    this.#buffer = this.target.valueBuffer(size)
    return this.#buffer
  }

  putBuffer(table: Table, key: Bytes, start: number, end: number, from: number, to: number): void {
    if (isRecentTable(table)) this.#writer.put(table, key, start, end, this.#buffer, from, to)
    else this.target.putBuffer(table, key, start, end, from, to)
  }

  appendBuffer(table: Table, key: Bytes, start: number, end: number, from: number, to: number): void {
    if (isRecentTable(table)) this.#writer.put(table, key, start, end, this.#buffer, from, to)
    else this.target.appendBuffer(table, key, start, end, from, to)
  }

  remove(table: Table, key: Bytes, start: number, end: number): boolean {
    return isRecentTable(table)
      ? this.#writer.remove(table, key, start, end)
      : this.target.remove(table, key, start, end)
  }
}
