/**
 * What a test's node keeps over its lives: a disk that forgets everything since the newest checkpoint when power fails.
 */

import assert from 'node:assert/strict'
import {
  InlineCheckpointer,
  type Checkpointer,
  type CheckpointSource,
  type CheckpointTarget,
} from '../../../src/mvcc/checkpoint/checkpointer.js'
import { StoreCheckpointSource, StoreCheckpointTarget } from '../../../src/mvcc/checkpoint/store-checkpoint.js'
import { LmdbGenerations } from '../../../src/mvcc/generations/lmdb-generations-file.js'
import type { GenerationResult, StoreGenerations } from '../../../src/mvcc/generations/store-generations.js'
import type { LmdbStore } from '../../../src/store/lmdb-store.js'
import { MemoryStore, type StoreImage } from '../../../src/store/memory-store.js'
import { restoreStore } from '../../../src/store/restore-store.js'
import type {
  CommitResult,
  MayCommit,
  ReadSnapshot,
  Store,
  StoreStats,
  WriteTransaction,
} from '../../../src/store/store.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

export const MAP_BYTES = 1024 ** 3

/** The store of one life. */
export interface TestStore {
  readonly store: Store
  readonly source: CheckpointSource
  readonly number: number
  readonly isInstalled?: boolean
  readonly generations: StoreGenerations | null
  readonly checkpointer: Checkpointer
  /** False when the file that this life began with has been let go of. */
  readonly isOpen: boolean
  /** The process is gone without a last word. */
  abandon(): void
}

export interface Disk {
  open(): TestStore
  remove(): void
}

export class MemoryDisk implements Disk {
  /** While true no transaction fits. */
  isFull = false
  /** Checkpoints made so far. */
  checkpoints = 0
  /** Syncs between checkpoints. */
  syncs = 0
  #image: StoreImage | null = null
  #number = 1
  #isInstalled = false
  /** Stores that lie in files of this disk, by path. */
  readonly files = new Map<string, StoreImage>()

  open(): TestStore {
    const inner = this.#image === null ? new MemoryStore() : new MemoryStore({ image: this.#image })
    let write = (): void => undefined
    const sourceOf: SourceOf = (store, number, isInstalled) =>
      new ImageSource(store, (image) => {
        write = () => {
          this.#image = image
          this.#number = number
          this.#isInstalled = isInstalled
        }
      })
    const target: CheckpointTarget = {
      sync: () => void this.syncs++,
      write: () => {
        if (this.isFull) return 'the test filled the disk'
        write()
        this.checkpoints++
        return undefined
      },
      remove: (path) => void this.files.delete(path),
      place: (from, to) => {
        this.files.set(to, this.files.get(from) as StoreImage)
        this.files.delete(from)
      },
      close: () => undefined,
    }
    return {
      store: new FillableStore(inner, () => this.isFull),
      source: sourceOf(inner, this.#number, false),
      number: this.#number,
      isInstalled: this.#isInstalled,
      generations: new MemoryGenerations(this, sourceOf),
      checkpointer: new InlineCheckpointer(target),
      isOpen: true,
      abandon: () => undefined,
    }
  }

  /** A leader's store, as peer leaves it in a file. */
  put(path: string, { image }: MemoryStore): void {
    this.files.set(path, image)
  }

  remove(): void {
    this.#image = null
  }
}

type SourceOf = (store: MemoryStore, number: number, isInstalled: boolean) => CheckpointSource

/** Stores in memory are never made smaller, but another's may take the place of one. */
class MemoryGenerations implements StoreGenerations {
  readonly #disk: MemoryDisk
  readonly #sourceOf: SourceOf

  constructor(disk: MemoryDisk, sourceOf: SourceOf) {
    this.#disk = disk
    this.#sourceOf = sourceOf
  }

  create(): GenerationResult {
    return { ok: false, code: 'no-space', message: 'a store in memory has no room to be copied to' }
  }

  open(number: number): GenerationResult {
    const store = new MemoryStore({ image: this.#disk.files.get(this.pathOf(number)) as StoreImage })
    const source = this.#sourceOf(store, number, true)
    return { ok: true, generation: { number, store: new FillableStore(store, () => this.#disk.isFull), source } }
  }

  pathOf(number: number): string {
    return `store ${number}`
  }
}

/**
 * The real store in a directory. A power cut takes what came after the newest checkpoint: its meta pages are put back.
 */
export class LmdbDisk implements Disk {
  readonly #directory = temporaryDirectory()

  open(): TestStore {
    const dir = this.#directory.root
    const restored = restoreStore(dir, { mapSizeBytes: MAP_BYTES })
    assert.ok(restored.ok, 'the store is restored')
    const { store, generation, isInstalled } = restored
    const source = new StoreCheckpointSource(store, generation)
    const checkpointer = new InlineCheckpointer(new StoreCheckpointTarget({ dir, noFsync: true }))
    const generations = new OpenGenerations(dir)
    const abandon = (): void => {
      if (!store.isClosed) store.close()
      generations.abandon()
    }
    return {
      store, source, number: generation, isInstalled, generations, checkpointer, abandon,
      get isOpen(): boolean {
        return !store.isClosed
      },
    }
  }

  /** A leader's store, as peer leaves it in a file. */
  get directory(): string {
    return this.#directory.root
  }

  remove(): void {
    this.#directory.remove()
  }
}

/** The real ones; a power cut closes what a node had open. */
export class OpenGenerations implements StoreGenerations {
  readonly #inner: LmdbGenerations
  readonly #stores: LmdbStore[] = []

  constructor(dir: string) {
    this.#inner = new LmdbGenerations(dir, { mapSizeBytes: MAP_BYTES })
  }

  create(number: number, bytes: number): GenerationResult {
    const created = this.#inner.create(number, bytes)
    if (created.ok) this.#stores.push(created.generation.store as LmdbStore)
    return created
  }

  open(number: number): GenerationResult {
    const opened = this.#inner.open(number)
    if (opened.ok) this.#stores.push(opened.generation.store as LmdbStore)
    return opened
  }

  pathOf(number: number): string {
    return this.#inner.pathOf(number)
  }

  abandon(): void {
    for (const store of this.#stores) if (!store.isClosed) store.close()
  }
}

class DiskFull extends Error {}

/** The store in memory on a disk that a test can fill: a transaction does all its work and then does not fit. */
class FillableStore implements Store {
  readonly inner: MemoryStore
  readonly #isFull: () => boolean

  constructor(inner: MemoryStore, isFull: () => boolean) {
    this.inner = inner
    this.#isFull = isFull
  }

  transact(work: (transaction: WriteTransaction) => void, mayCommit?: MayCommit): CommitResult {
    try {
      return this.inner.transact((transaction) => {
        work(transaction)
        if (this.#isFull()) throw new DiskFull()
      }, mayCommit)
    } catch (error) {
      if (error instanceof DiskFull) return { ok: false, code: 'no-space', message: 'the test filled the disk' }
      throw error
    }
  }

  beginRead(): ReadSnapshot {
    return this.inner.beginRead()
  }

  bytesWritten(): number {
    return this.inner.bytesWritten()
  }

  stats(): StoreStats {
    return this.inner.stats()
  }

  close(): void {
    this.inner.close()
  }
}

/** The image that was pinned is all that a checkpoint in memory consists of. */
class ImageSource implements CheckpointSource {
  readonly #inner: MemoryStore
  readonly #onBegin: (image: StoreImage) => void

  constructor(inner: MemoryStore, onBegin: (image: StoreImage) => void) {
    this.#inner = inner
    this.#onBegin = onBegin
  }

  readonly file = new Uint8Array(0)

  begin(): Uint8Array {
    this.#onBegin(this.#inner.image)
    return new Uint8Array(0)
  }

  adopt(): void {
    return
  }

  giveUp(): void {
    return
  }
}
