/**
 * Power cuts at the level of pages. What is on disk after one: of every page written since the last sync either the old
 * or the new contents, meta pages included, and whatever checkpoint file was durable. The store must restore its newest
 * checkpoint from any such mix, and what it then holds must equal a store in memory that was given the same entries.
 *
 * The safeguards can be taken away, to show that the test sees what they prevent.
 */

import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EMPTY_BYTES, type Bytes } from '../../src/base/bytes.js'
import { Prng } from '../../src/base/prng.js'
import { Slice } from '../../src/base/slice.js'
import { KeyspaceView, LATEST } from '../../src/keyspace/keyspace-view.js'
import { KeyspaceWriter } from '../../src/keyspace/keyspace-writer.js'
import { settleRecent } from '../../src/keyspace/tables/settle-recent.js'
import {
  adoptCheckpoint,
  beginCheckpoint,
  dropCheckpoint,
  finishCheckpoint,
  syncStoreFile,
  type CheckpointTicket,
} from '../../src/store/checkpoint.js'
import { CHECKPOINT_FILE, readCheckpoint } from '../../src/store/checkpoint-file.js'
import { SwitchingStore } from '../../src/store/generations/switching-store.js'
import { openLmdbStore, type LmdbStore } from '../../src/store/lmdb-store.js'
import { MemoryStore, type StoreImage } from '../../src/store/memory-store.js'
import { RecentMemory, allocateRecent } from '../../src/store/recent/recent-memory.js'
import { RecentState } from '../../src/store/recent/recent-state.js'
import { restoreMetaPages, restoreStore, storePath } from '../../src/store/restore-store.js'
import type { Store, WriteTransaction } from '../../src/store/store.js'
import { compareStores } from './compare-stores.js'
import { PageLoss } from './page-loss.js'

export interface PowerLossOptions {
  readonly seed: number
  readonly rounds: number
  readonly dir: string
  /** `none` holds no pin ever; `not-restored` holds none between a restore and the next checkpoint. */
  readonly pins: 'all' | 'none' | 'not-restored'
  /** With recent rows, as a node has them: a slot has so many bytes. Null: every row goes to the file at once. */
  readonly recentSlotBytes: number | null
  /** `not-settled`: rows that were in memory only are not made anew after a cut. */
  readonly recent: 'settled' | 'not-settled'
}

const PAGE_BYTES = 4096
/** Entries. */
const COMPACTED_EVERY = 50
const SETTLED_ROWS = 1000
const SETTLINGS_MAX = 1000
const TRANSACTIONS_MAX = 100
const STORE_OPTIONS = { mapSizeBytes: 2 ** 32 }
/** What the disk has for certain: nothing, at first. */
const NO_FILE: Bytes = EMPTY_BYTES

type Stage = 'idle' | 'begun' | 'synced' | 'finished'

export class PowerLossRun {
  readonly #options: PowerLossOptions
  readonly #prng: Prng
  readonly #writer = new KeyspaceWriter()
  readonly #modelWriter = new KeyspaceWriter()
  /** What the store held at each entry from which a restart may begin. */
  readonly #images = new Map<number, StoreImage>([[0, new MemoryStore().image]])
  #dir: string
  #file: LmdbStore
  #store: SwitchingStore
  #model = new MemoryStore()
  #index = 0
  #stage: Stage = 'idle'
  #ticket: CheckpointTicket | null = null
  #durableFile: Bytes = NO_FILE
  #durableCheckpoint: Bytes | null = null
  /** What the cuts have lost and kept so far. */
  readonly pages: PageLoss

  constructor(options: PowerLossOptions) {
    this.#options = options
    this.#prng = new Prng(options.seed)
    this.pages = new PageLoss(this.#prng, PAGE_BYTES)
    this.#dir = join(options.dir, '0')
    mkdirSync(this.#dir)
    this.#file = this.#open()
    this.#store = this.#withRecent(this.#file)
  }

  run(): void {
    for (let round = 1; round <= this.#options.rounds; round++) {
      this.#work()
      this.#cutPower(join(this.#options.dir, String(round)))
      this.#file = this.#open()
      this.#store = this.#withRecent(this.#file)
      this.#check()
    }
    this.#store.close()
  }

  #open(): LmdbStore {
    const path = storePath(this.#dir, 1)
    const read = readCheckpoint(this.#dir)
    if (this.#options.pins !== 'all' && read.kind === 'found') {
      assert.equal(restoreMetaPages(path, read.checkpoint), null)
      this.#index = read.checkpoint.appliedIndex
      return openLmdbStore({ ...STORE_OPTIONS, path })
    }
    const restored = restoreStore(this.#dir, STORE_OPTIONS)
    assert.ok(restored.ok)
    this.#index = restored.appliedIndex
    return restored.store
  }

  #withRecent(file: LmdbStore): SwitchingStore {
    const { recentSlotBytes, recent } = this.#options
    if (recentSlotBytes === null) return new SwitchingStore(file)
    if (recent === 'settled') assert.deepEqual(settleRecent(file), { ok: true })
    else forgetRecent(file)
    // A process that is gone takes its memory with it.
    const memory = new RecentMemory(allocateRecent(recentSlotBytes, this.#prng.between(1, 1 << 30)))
    const store = new SwitchingStore(file, memory)
    store.setRevision(revisionOf(store))
    return store
  }

  /** The restored store holds exactly what it held at the checkpoint; entries from there on are applied again. */
  #check(): void {
    const image = this.#images.get(this.#index)
    assert.ok(image !== undefined, `no checkpoint was begun at ${this.#index}`)
    this.#model = new MemoryStore({ image })
    compareStores(this.#store, this.#model)
    for (const index of this.#images.keys()) if (index !== this.#index) this.#images.delete(index)
  }

  #work(): void {
    const transactions = this.#prng.between(0, TRANSACTIONS_MAX)
    // Without a checkpoint in some rounds, the next restore goes back to the same one.
    const checkpoints = this.#prng.pick([0, 0.05, 0.3])
    for (let i = 0; i < transactions; i++) {
      this.#commit(this.#prng.between(1, 10))
      if (this.#prng.chance(0.05)) this.#sync()
      if (this.#prng.chance(checkpoints)) this.#advanceCheckpoint()
    }
    compareStores(this.#store, this.#model)
  }

  #commit(entries: number): void {
    const from = this.#index + 1
    this.#index += entries
    this.#settleForCompaction(from)
    applyEntries(this.#store, this.#writer, from, this.#index)
    this.#store.setRevision(revisionOf(this.#store))
    applyEntries(this.#model, this.#modelWriter, from, this.#index)
  }

  /** Rows are made anew of the newest revisions: these are not compacted away before (src/mvcc/compactor.ts). */
  #settleForCompaction(from: number): void {
    if (Math.floor(this.#index / COMPACTED_EVERY) * COMPACTED_EVERY < from) return
    for (let i = 0; this.#store.settledRevision < revisionOf(this.#store) && i < SETTLINGS_MAX; i++) {
      assert.deepEqual(this.#store.settleSome(SETTLED_ROWS), { ok: true })
    }
  }

  #advanceCheckpoint(): void {
    if (this.#stage === 'idle') {
      this.#images.set(this.#index, this.#model.image)
      this.#ticket = beginCheckpoint(this.#file, { generation: 1, appliedIndex: this.#index, appliedTerm: 1 })
      if (this.#options.pins === 'none') dropCheckpoint(this.#file)
      this.#stage = 'begun'
    } else if (this.#stage === 'begun') {
      this.#sync()
      this.#stage = 'synced'
    } else if (this.#stage === 'synced') {
      this.#finish(this.#dir)
      this.#stage = 'finished'
    } else {
      if (this.#options.pins !== 'none') adoptCheckpoint(this.#file)
      this.#stage = 'idle'
    }
  }

  #finish(dir: string): void {
    assert.deepEqual(finishCheckpoint(dir, this.#ticket as CheckpointTicket), { ok: true })
    this.#durableCheckpoint = readFileSync(join(dir, CHECKPOINT_FILE))
  }

  #sync(): void {
    syncStoreFile(this.#file.dataFd)
    this.#durableFile = readFileSync(storePath(this.#dir, 1))
  }

  #cutPower(dir: string): void {
    const written = readFileSync(storePath(this.#dir, 1))
    const survived = this.pages.mix(this.#durableFile, written)
    mkdirSync(dir)
    // A cut in the middle of the third step may or may not leave the new checkpoint file.
    if (this.#stage === 'synced' && this.#prng.chance(0.5)) this.#finish(dir)
    if (this.#durableCheckpoint !== null) writeFileSync(join(dir, CHECKPOINT_FILE), this.#durableCheckpoint)
    writeFileSync(storePath(dir, 1), survived)
    this.#durableFile = survived
    this.#stage = 'idle'
    this.#ticket = null
    this.#store.close()
    rmSync(this.#dir, { recursive: true })
    this.#dir = dir
  }
}

/** As a store that does not know of recent rows would take it: it says that all rows are in the file. */
function forgetRecent(file: Store): void {
  const state = new RecentState()
  const snapshot = file.beginRead()
  const isThere = state.read(snapshot)
  snapshot.close()
  if (!isThere) return
  state.slot = 0
  state.hasOlder = false
  assert.deepEqual(file.transact((transaction) => state.write(transaction)), { ok: true })
}

function revisionOf(store: Store): number {
  const snapshot = store.beginRead()
  const { currentRevision } = new KeyspaceView(snapshot)
  snapshot.close()
  return currentRevision
}

/** What an entry does follows from its index alone. */
function applyEntries(store: Store, writer: KeyspaceWriter, from: number, to: number): void {
  const apply = (transaction: WriteTransaction): void => {
    writer.begin(transaction)
    for (let index = from; index <= to; index++) applyEntry(writer, index)
    writer.setApplied(to, 1)
    writer.finish()
  }
  let committed = store.transact(apply)
  if (!committed.ok && committed.code === 'try-again') committed = store.transact(apply)
  assert.deepEqual(committed, { ok: true })
}

function applyEntry(writer: KeyspaceWriter, index: number): void {
  const prng = new Prng(index)
  const { view } = writer
  const main = view.currentRevision + 1
  const changes = prng.between(1, 20)
  let sub = 0
  for (let i = 0; i < changes; i++) {
    const key = sliceOf(keyOf(prng.between(0, 3000)))
    if (prng.chance(0.25)) {
      if (writer.remove(key, main, sub) !== null) sub++
    } else {
      const size = prng.chance(0.02) ? prng.between(1025, 60_000) : prng.between(0, 500)
      writer.put(key, sliceOf(new Uint8Array(size).fill(index & 0xff)), 0n, main, sub++)
    }
  }
  if (sub > 0) writer.setCurrentRevision(main)
  if (index % COMPACTED_EVERY !== 0 || view.currentRevision - 30 <= view.compactRevision) return
  writer.setCompactRevision(view.currentRevision - 30)
  while (!writer.compactSlice(view.compactRevision, 1000, LATEST).done);
}

function keyOf(number: number): Bytes {
  const size = number % 100 === 0 ? 3000 : 12
  const key = new Uint8Array(size).fill(0x6b)
  key[size - 2] = number >>> 8
  key[size - 1] = number
  return key
}

function sliceOf(bytes: Bytes): Slice {
  return new Slice().at(bytes, 0, bytes.length)
}
