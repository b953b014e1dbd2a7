/** A thread that commits the writes of counter-writes.ts with recent rows, and publishes each number after that. */

import { parentPort, workerData } from 'node:worker_threads'
import { utf8 } from '../../../src/base/bytes.js'
import { SwitchingStore } from '../../../src/store/generations/switching-store.js'
import { openLmdbStore } from '../../../src/store/lmdb-store.js'
import { RecentMemory } from '../../../src/store/recent/recent-memory.js'
import { TABLE } from '../../../src/store/store.js'
import { MARKERS, writesOf } from './counter-writes.js'

interface Task {
  readonly path: string
  readonly recent: SharedArrayBuffer
  /** The newest commit; whether the writer is done. */
  readonly published: Int32Array
  readonly commits: number
}

/** Every so many transactions one is given up. */
const GIVEN_UP_EVERY = 13

const { path, recent, published, commits } = workerData as Task
const value = new Uint8Array(100_000)
const number = new DataView(value.buffer)
const store = new SwitchingStore(openLmdbStore({ path }), new RecentMemory(recent))

function commitOne(commit: number, isGivenUp: boolean): void {
  number.setUint32(0, isGivenUp ? 0xffff_ffff : commit, true)
  store.transact((transaction) => {
    for (const key of MARKERS) transaction.put(TABLE.latest, key, 0, key.length, value, 0, 4)
    for (const { table, key, bytes } of writesOf(isGivenUp ? commit + 1 : commit)) {
      if (bytes === 0) transaction.remove(table, utf8(key), 0, key.length)
      else transaction.put(table, utf8(key), 0, key.length, value, 0, bytes)
    }
    if (isGivenUp) throw new RangeError('given up')
  })
}

function giveUpOne(commit: number): void {
  try {
    commitOne(commit, true)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
}

parentPort?.once('message', () => {
  for (let commit = 1; commit <= commits; commit++) {
    if (commit % GIVEN_UP_EVERY === 0) giveUpOne(commit)
    commitOne(commit, false)
    store.setRevision(commit)
    Atomics.store(published, 0, commit)
  }
  Atomics.store(published, 1, 1)
  store.close()
})
parentPort?.postMessage('open')
