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

/** Rows of one transaction; fewer are tried where there is no room for so many. */
const ROWS = 1000
const ROWS_MIN = 10
/** Keys that are settled together, in their order, so that a page of the file is changed once for all of its rows. */
const KEYS_MAX = 250_000

/** After a refusal the store may be settled again. */
export function settleRecent(store: Store): CommitResult {
  const state = new RecentState()
  const snapshot = store.beginRead()
  state.read(snapshot)
  snapshot.close()
  if (state.slot === 0) return COMMITTED
  const settler = new Settler(store, state)
  for (;;) {
    const isLast = settler.gather()
    const result = settler.write(isLast)
    if (!result.ok || isLast) return result
  }
}

interface Newest {
  /** An octet a character: sorts as the keys do. */
  readonly key: string
  main: number
  sub: number
}

class Settler {
  readonly #store: Store
  readonly #state: RecentState
  /** The last row of `revisions` that was gathered. */
  #main: number
  #sub = 0xffff_ffff
  #gathered: Newest[] = []
  readonly #record = new KeyRecord()
  readonly #row = new Slice()
  readonly #revisionKey = new Uint8Array(REVISION_KEY_BYTES)

  constructor(store: Store, state: RecentState) {
    this.#store = store
    this.#state = state
    this.#main = state.settled
  }

  /** The newest revision of each key from where it stopped the last time on. True when there are no more. */
  gather(): boolean {
    const newest = new Map<string, Newest>()
    const record = this.#record
    const snapshot = this.#store.beginRead()
    const cursor = snapshot.openCursor(TABLE.revisions)
    writeRevisionKey(this.#revisionKey, this.#main, this.#sub)
    let found = cursor.seek(this.#revisionKey, 0, REVISION_KEY_BYTES)
    for (; found && newest.size < KEYS_MAX; found = cursor.next()) {
      record.readRow(cursor.value)
      const { modRevision: main, modSub: sub } = record
      if (main === this.#main && sub === this.#sub) continue
      this.#main = main
      this.#sub = sub
      // Rows for longer keys were written to the file at once.
      if (record.key.length > ROW_KEY_BYTES_MAX) continue
      const key = Buffer.from(record.key.view()).toString('latin1')
      const known = newest.get(key)
      if (known === undefined) newest.set(key, { key, main, sub })
      else Object.assign(known, { main, sub })
    }
    cursor.close()
    snapshot.close()
    this.#gathered = [...newest.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
    return !found
  }

  /** Writes what was gathered; after the last of all the file is whole. */
  write(isLast: boolean): CommitResult {
    const gathered = this.#gathered
    let at = 0
    let rows = ROWS
    do {
      const end = Math.min(at + rows, gathered.length)
      const result = this.#store.transact((transaction) => {
        for (let i = at; i < end; i++) this.#settle(transaction, gathered[i] as Newest)
        if (isLast && end === gathered.length) this.#finish(transaction)
      })
      if (result.ok) at = end
      else if (rows === ROWS_MIN) return result
      rows = result.ok ? ROWS : ROWS_MIN
    } while (at < gathered.length)
    return COMMITTED
  }

  #settle(transaction: WriteTransaction, { key, main, sub }: Newest): void {
    writeRevisionKey(this.#revisionKey, main, sub)
    const found = transaction.get(TABLE.revisions, this.#revisionKey, 0, REVISION_KEY_BYTES, this.#row)
    assert(found, 'a revision above what is settled is compacted')
    // What was read is gone when something is written.
    const row = this.#row.copy()
    const record = this.#record.readRow(this.#row.at(row, 0, row.length))
    const keyBytes = Buffer.from(key, 'latin1')
    const [here, there] = record.isTombstone ? [TABLE.deleted, TABLE.latest] : [TABLE.latest, TABLE.deleted]
    const isLarge = (record.form & FORM_MASK) === FORM_WHOLE && record.value.length > LATEST_VALUE_BYTES_MAX
    const newest = isLarge ? stubOf(row, record.valueTagStart, record.valueEnd) : row
    transaction.put(here, keyBytes, 0, keyBytes.length, newest, 0, newest.length)
    transaction.remove(there, keyBytes, 0, keyBytes.length)
  }

  #finish(transaction: WriteTransaction): void {
    const state = this.#state
    state.slot = 0
    state.hasOlder = false
    state.write(transaction)
  }
}
