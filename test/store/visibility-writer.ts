/** A thread that commits the same number under twenty keys, and publishes it after the commit. */

import { parentPort, workerData } from 'node:worker_threads'
import { utf8 } from '../../src/base/bytes.js'
import { openLmdbStore } from '../../src/store/lmdb-store.js'
import { TABLE } from '../../src/store/store.js'

interface Task {
  readonly path: string
  /** The newest commit; whether the writer is done. */
  readonly published: Int32Array
  readonly commits: number
}

const { path, published, commits } = workerData as Task
const keys = Array.from({ length: 20 }, (_, i) => utf8(`key-${i}`))
const value = new Uint8Array(300)
const number = new DataView(value.buffer)
const store = openLmdbStore({ path })

parentPort?.once('message', () => {
  for (let commit = 1; commit <= commits; commit++) {
    number.setUint32(0, commit, true)
    store.transact((transaction) => {
      for (const key of keys) transaction.put(TABLE.latest, key, 0, key.length, value, 0, value.length)
    })
    Atomics.store(published, 0, commit)
  }
  Atomics.store(published, 1, 1)
  store.close()
})
parentPort?.postMessage('open')
