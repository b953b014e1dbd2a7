/** Two stores hold the same rows in every table, wherever they have them. */

import assert from 'node:assert/strict'
import { EMPTY_BYTES } from '../../src/base/bytes.js'
import { TABLE, TABLE_NAMES, type Store, type StoreCursor, type StoreView, type Table } from '../../src/store/store.js'

const RECENT_KEY = Buffer.from('recent')

export function compareStores(store: Store, model: Store): void {
  const actual = store.beginRead()
  const expected = model.beginRead()
  for (const [table, name] of TABLE_NAMES.entries()) compareTables(actual, expected, table as Table, name)
  actual.close()
  expected.close()
}

/** Says which rows are in memory: two stores with the same rows may have others there. */
function isOfRecent(table: Table, { key }: StoreCursor): boolean {
  return table === TABLE.meta && Buffer.from(key.view()).equals(RECENT_KEY)
}

function compareTables(actual: StoreView, expected: StoreView, table: Table, name: string): void {
  const a = actual.openCursor(table)
  const e = expected.openCursor(table)
  let hasA = a.seek(EMPTY_BYTES, 0, 0)
  let hasE = e.seek(EMPTY_BYTES, 0, 0)
  for (;; hasE = e.next(), hasA = a.next()) {
    if (hasA && isOfRecent(table, a)) hasA = a.next()
    if (hasE && isOfRecent(table, e)) hasE = e.next()
    if (!hasE) break
    assert.ok(hasA, `a row of ${name} is missing`)
    assert.equal(Buffer.compare(a.key.view(), e.key.view()), 0, `keys of ${name}`)
    assert.equal(Buffer.compare(a.value.view(), e.value.view()), 0, `values of ${name}`)
  }
  assert.ok(!hasA, `${name} has a row too many`)
  a.close()
  e.close()
}
