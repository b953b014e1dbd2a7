/**
 * Makes the file of a store whole. A store that was written with recent rows (store/recent) has every revision in its
 * file, but for the newest revisions not what stands for them in the tables of newest rows: that was in the memory of
 * the process that wrote it. It is made anew from the revisions, at every start and before a leader's store is used.
 */

import { assert } from '../../base/assert.js'
import { Slice } from '../../base/slice.js'
import { RecentState } from '../../store/recent/recent-state.js'
import {
  COMMITTED, ROW_KEY_BYTES_MAX, TABLE, type CommitResult, type Store, type WriteTransaction,
} from '../../store/store.js'
import { KeyRecord } from '../key-record.js'
import {
  FORM_MASK, FORM_WHOLE, LATEST_VALUE_BYTES_MAX, REVISION_KEY_BYTES, stubOf, writeRevisionKey,
} from './revision-row.js'

/** Revisions of one transaction; fewer are tried where there is no room for so many. */
const SLICE = 1000
const SLICE_MIN = 10

/** After a refusal the store may be settled again. */
export function settleRecent(store: Store): CommitResult {
  const state = new RecentState()
  const snapshot = store.beginRead()
  state.read(snapshot)
  snapshot.close()
  if (state.slot === 0) return COMMITTED
  const settler = new Settler(state)
  while (!settler.isDone) {
    const result = store.transact(settler.slice)
    if (result.ok) settler.committed()
    else if (settler.rows === SLICE_MIN) return result
    else settler.rows = SLICE_MIN
  }
  return COMMITTED
}

class Settler {
  isDone = false
  /** Of the next transaction. */
  rows = SLICE
  readonly #state: RecentState
  /** The last row that is settled, and the last that the open transaction has looked at. */
  #main: number
  #sub = 0xffff_ffff
  #lookedMain = 0
  #lookedSub = 0
  #isLast = false
  readonly #record = new KeyRecord()
  readonly #row = new Slice()

  constructor(state: RecentState) {
    this.#state = state
    this.#main = state.settled
  }

  committed(): void {
    this.#main = this.#lookedMain
    this.#sub = this.#lookedSub
    this.isDone = this.#isLast
  }

  readonly slice = (transaction: WriteTransaction): void => {
    this.#lookedMain = this.#main
    this.#lookedSub = this.#sub
    this.#isLast = false
    const from = new Uint8Array(REVISION_KEY_BYTES)
    writeRevisionKey(from, this.#main, this.#sub)
    const cursor = transaction.openCursor(TABLE.revisions)
    let found = cursor.seek(from, 0, REVISION_KEY_BYTES)
    for (let rows = 0; found; rows++) {
      // What a cursor shows is gone when something is written.
      const row = cursor.value.copy()
      const record = this.#record.readRow(this.#row.at(row, 0, row.length))
      if (record.modRevision !== this.#main || record.modSub !== this.#sub) {
        if (rows >= this.rows) break
        settleRow(transaction, record, row)
        this.#lookedMain = record.modRevision
        this.#lookedSub = record.modSub
      }
      found = cursor.next()
    }
    cursor.close()
    if (found) return
    this.#isLast = true
    const state = this.#state
    state.slot = 0
    state.hasOlder = false
    state.write(transaction)
  }
}

/** Rows for keys that are longer than a row's key were written to the file at once. */
function settleRow(transaction: WriteTransaction, record: KeyRecord, row: Uint8Array): void {
  const { bytes, start, end } = record.key
  assert(end > start, 'a revision has a key')
  if (end - start > ROW_KEY_BYTES_MAX) return
  const [here, there] = record.isTombstone ? [TABLE.deleted, TABLE.latest] : [TABLE.latest, TABLE.deleted]
  const isLarge = (record.form & FORM_MASK) === FORM_WHOLE && record.value.length > LATEST_VALUE_BYTES_MAX
  const newest = isLarge ? stubOf(row, record.valueTagStart, record.valueEnd) : row
  transaction.put(here, bytes, start, end, newest, 0, newest.length)
  transaction.remove(there, bytes, start, end)
}
