/** Two stores hold the same rows in every table. */

import assert from 'node:assert/strict'
import { EMPTY_BYTES } from '../../src/base/bytes.js'
import { TABLE_NAMES, type Store, type StoreView, type Table } from '../../src/store/store.js'

export function compareStores(store: Store, model: Store): void {
  const actual = store.beginRead()
  const expected = model.beginRead()
  for (const [table, name] of TABLE_NAMES.entries()) compareTables(actual, expected, table as Table, name)
  actual.close()
  expected.close()
}

function compareTables(actual: StoreView, expected: StoreView, table: Table, name: string): void {
  const a = actual.openCursor(table)
  const e = expected.openCursor(table)
  let hasA = a.seek(EMPTY_BYTES, 0, 0)
  let hasE = e.seek(EMPTY_BYTES, 0, 0)
  for (; hasE; hasE = e.next(), hasA = a.next()) {
    assert.ok(hasA, `a row of ${name} is missing`)
    assert.equal(Buffer.compare(a.key.view(), e.key.view()), 0, `keys of ${name}`)
    assert.equal(Buffer.compare(a.value.view(), e.value.view()), 0, `values of ${name}`)
  }
  assert.ok(!hasA, `${name} has a row too many`)
  a.close()
  e.close()
}
