/** Compact copies of a store file, and a trap of lmdb 3.5.6 in them. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLmdbCopy, openLmdbStore } from '../../src/store/lmdb-store.js'
import { TABLE, type WriteTransaction } from '../../src/store/store.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

test('the first large commit to a copy of a store finds its list of free pages begun', async () => {
  const directory = temporaryDirectory()
  const path = (name: string): string => directory.path(name)
  const store = openLmdbStore({ path: path('store'), mapSizeBytes: 1024 ** 3 })
  const key = Buffer.alloc(8)
  const value = Buffer.alloc(400)
  const put = (transaction: WriteTransaction, i: number): void => {
    key.writeUInt32BE((i * 2654435761) % 2 ** 32)
    transaction.put(TABLE.revisions, key, 0, key.length, value, 0, value.length)
  }
  // So many leaves that a commit that touches all of them frees more numbers of pages than fit into a page.
  for (let batch = 0; batch < 40; batch++) {
    store.transact((transaction) => {
      for (let i = 0; i < 500; i++) put(transaction, 500 * batch + i)
    })
  }
  store.transact((transaction) => transaction.put(TABLE.meta, key, 0, 1, value, 0, 1))
  await store.copyTo(path('copy'))
  store.close()
  const opened = openLmdbCopy({ path: path('copy'), mapSizeBytes: 1024 ** 3, pinAtOpen: true })
  assert.ok(opened.ok)
  const result = opened.store.transact((transaction) => {
    for (let i = 0; i < 20_000; i += 3) put(transaction, i)
  })
  assert.deepEqual(result, { ok: true })
  opened.store.close()
  directory.remove()
})
