/**
 * What the key space costs on the real store: batches of a hundred puts of 256 bytes with their history, single gets,
 * ranges of a thousand, reads in the past. Prints wall and CPU microseconds for each. Exits with 1 when a put costs
 * more CPU than the target or gets are slower than theirs.
 *
 *     node dist/bench/store/keyspace.bench.js [keys]
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Prng } from '../../src/base/prng.js'
import { Slice } from '../../src/base/slice.js'
import { KeyRecord } from '../../src/keyspace/key-record.js'
import { KeyspaceView, LATEST } from '../../src/keyspace/keyspace-view.js'
import { KeyspaceWriter } from '../../src/keyspace/keyspace-writer.js'
import { openLmdbStore, type LmdbStore } from '../../src/store/lmdb-store.js'
import { scriptOptions } from '../../scripts/support/script-options.js'

const BATCH = 100
const VALUE_BYTES = 256
const KEY_BYTES = 20
const RANGE_KEYS = 1000
const PUT_CPU_US_MAX = 4
const GETS_PER_SECOND_MIN = 500_000

const { words } = scriptOptions({
  does: 'What the key space costs on the real store: puts, gets, ranges, reads in the past.',
  words: { names: '[KEYS]', kind: 'numbers', max: 1, text: 'how many there are (10000)' },
})
const [keyCount = 10_000] = words.map(Number)
const prng = new Prng(1)
const writer = new KeyspaceWriter()
const record = new KeyRecord()
const keyBytes = new Uint8Array(KEY_BYTES).fill(0x30)
const key = new Slice().at(keyBytes, 0, KEY_BYTES)
const value = new Slice().at(new Uint8Array(VALUE_BYTES).fill(0x76), 0, VALUE_BYTES)
let revision = 1

interface Cost {
  readonly wallUs: number
  readonly cpuUs: number
}

function setKey(number: number): void {
  let rest = number
  for (let at = KEY_BYTES - 1; at > KEY_BYTES - 9; at--) {
    keyBytes[at] = 0x30 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
}

function measure(name: string, count: number, work: () => void): Cost {
  const cpuBefore = process.cpuUsage()
  const before = process.hrtime.bigint()
  work()
  const wallUs = Number(process.hrtime.bigint() - before) / 1000 / count
  const { user, system } = process.cpuUsage(cpuBefore)
  const cpuUs = (user + system) / count
  console.log(`${name.padEnd(44)} ${wallUs.toFixed(2).padStart(8)} us ${cpuUs.toFixed(2).padStart(8)} us CPU`)
  return { wallUs, cpuUs }
}

function putAll(store: LmdbStore, count: number, keyOf: (i: number) => number): void {
  for (let from = 0; from < count; from += BATCH) {
    store.transact((transaction) => {
      writer.begin(transaction)
      for (let i = from; i < from + BATCH; i++) {
        setKey(keyOf(i))
        writer.put(key, value, 0n, ++revision, 0)
      }
      writer.setCurrentRevision(revision)
      writer.finish()
    })
  }
}

function getAll(view: KeyspaceView, count: number, main: number): void {
  for (let i = 0; i < count; i++) {
    setKey(prng.between(0, keyCount - 1))
    const found = main === LATEST
      ? view.get(keyBytes, 0, KEY_BYTES, record)
      : view.getAt(keyBytes, 0, KEY_BYTES, main, 0, record)
    if (!found) throw new Error('a key is missing')
  }
}

function scanAll(view: KeyspaceView, ranges: number, main: number): void {
  for (let i = 0; i < ranges; i++) {
    setKey(prng.between(0, keyCount - RANGE_KEYS - 1))
    let seen = 0
    view.scan({ from: keyBytes, to: null, single: false }, main, 0, () => ++seen < RANGE_KEYS)
  }
}

/** In the slices that mvcc takes. */
function compactAll(store: LmdbStore): void {
  store.transact((transaction) => {
    writer.begin(transaction)
    writer.setCompactRevision(revision)
    writer.finish()
  })
  for (let done = false; !done;) {
    store.transact((transaction) => {
      writer.begin(transaction)
      done = writer.compactSlice(revision, 1000, LATEST).done
      writer.finish()
    })
  }
}

function main(): void {
  const dir = mkdtempSync(join(tmpdir(), 'raftring-bench-'))
  const store = openLmdbStore({ path: join(dir, 'db') })
  console.log(`node ${process.version}, ${cpus()[0]?.model.trim() ?? '?'} x ${cpus().length}, ${keyCount} keys`)
  const random = (): number => prng.between(0, keyCount - 1)
  measure('put, new keys in order', keyCount, () => putAll(store, keyCount, (i) => i))
  const middle = revision
  const puts = [1, 2, 3].map(() => measure('put, random updates', 50_000, () => putAll(store, 50_000, random)))
  measure('put, one key', 20_000, () => putAll(store, 20_000, () => 7))

  const snapshot = store.beginRead()
  const view = new KeyspaceView(snapshot)
  const get = measure('get', 300_000, () => getAll(view, 300_000, LATEST))
  measure('range of 1000, each key', 100 * RANGE_KEYS, () => scanAll(view, 100, LATEST))
  measure('get, many revisions back', 50_000, () => getAll(view, 50_000, middle))
  measure('range of 1000 many revisions back, each key', 20 * RANGE_KEYS, () => scanAll(view, 20, middle))
  setKey(1)
  measure('count, each key', keyCount, () => view.count({ from: keyBytes, to: null, single: false }, LATEST, 0))
  snapshot.close()
  measure('fresh snapshot and one get', 100_000, () => {
    for (let i = 0; i < 100_000; i++) {
      const fresh = store.beginRead()
      getAll(view.reset(fresh), 1, LATEST)
      fresh.close()
    }
  })

  measure('compaction, each revision', revision - keyCount, () => compactAll(store))

  const putCpuUs = puts.map((it) => it.cpuUs).toSorted((a, b) => a - b)[1] as number
  const getsPerSecond = 1e6 / get.cpuUs
  const isMet = putCpuUs <= PUT_CPU_US_MAX && getsPerSecond >= GETS_PER_SECOND_MIN
  const gets = `${Math.round(getsPerSecond)} gets/s per CPU second`
  console.log(`put ${putCpuUs.toFixed(2)} us CPU (target ${PUT_CPU_US_MAX}), ${gets}`)
  if (!isMet) process.exitCode = 1
  store.close()
  rmSync(dir, { recursive: true })
}

main()
