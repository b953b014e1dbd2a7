/**
 * Writes until there is no space, shows that the store is then as it was, makes a little room and goes on, many times.
 * Run with a soft limit on the size of files: the write that reaches it fails inside a commit, as on a full disk.
 */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { Prng } from '../../src/base/prng.js'
import { Slice } from '../../src/base/slice.js'
import { KeyspaceWriter } from '../../src/keyspace/keyspace-writer.js'
import { beginCheckpoint, dropCheckpoint, finishCheckpoint } from '../../src/store/checkpoint.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { restoreStore } from '../../src/store/restore-store.js'
import type { Store, WriteTransaction } from '../../src/store/store.js'
import { compareStores } from './compare-stores.js'

const [dir, limitText] = process.argv.slice(2) as [string, string]
const REFUSALS = 25
const ROOM_BYTES = 300_000

let limit = Number(limitText)
const restored = restoreStore(dir, { mapSizeBytes: 2 ** 32 })
assert.ok(restored.ok)
const { store } = restored
const model = new MemoryStore()
const writer = new KeyspaceWriter()
const modelWriter = new KeyspaceWriter()
const value = new Slice()
const key = new Slice().at(new Uint8Array(12), 0, 12)

/** What a batch does follows from its number. */
function commit(target: Store, by: KeyspaceWriter, batch: number): boolean {
  const prng = new Prng(batch)
  return target.transact((transaction: WriteTransaction) => {
    by.begin(transaction)
    for (let sub = 0; sub < 100; sub++) {
      key.bytes[10] = prng.between(0, 7)
      key.bytes[11] = prng.between(0, 255)
      const size = prng.chance(0.02) ? 20_000 : prng.between(0, 600)
      by.put(key, value.at(new Uint8Array(size).fill(batch), 0, size), 0n, batch, sub)
    }
    by.setCurrentRevision(batch)
    by.finish()
  }).ok
}

function makeRoom(): void {
  limit += ROOM_BYTES
  const words = ['--pid', String(process.pid), `--fsize=${limit}:`]
  const { status, stderr } = spawnSync('prlimit', words, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
}

let batch = 2
for (let refusals = 0; refusals < REFUSALS;) {
  if (commit(store, writer, batch)) {
    assert.ok(commit(model, modelWriter, batch++))
    continue
  }
  refusals++
  compareStores(store, model)
  assert.equal(commit(store, writer, batch), false, 'the same batch finds no more space')
  makeRoom()
}
compareStores(store, model)

// A checkpoint file larger than the limit stands for one that finds no space.
const ticket = beginCheckpoint(store, { generation: 1, appliedIndex: 1, appliedTerm: 1 })
const outcome = finishCheckpoint(dir, { ...ticket, metaPages: new Uint8Array(limit) })
dropCheckpoint(store)
store.close()
process.stdout.write(JSON.stringify({ committed: batch - 2, checkpoint: outcome.ok ? 'ok' : outcome.code }))
