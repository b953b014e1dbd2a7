/**
 * The store of a simulated member over its lives. What came after the newest checkpoint is gone after every crash, as
 * every start of the real one restores its newest checkpoint.
 */

import { assert } from '../../base/assert.js'
import { EMPTY_BYTES, type Bytes } from '../../base/bytes.js'
import type { CheckpointSource, CheckpointTarget } from '../../mvcc/checkpoint/checkpointer.js'
import type { GenerationResult, StoreGeneration, StoreGenerations } from '../../mvcc/generations/store-generations.js'
import { MemoryStore, type StoreImage } from '../../store/memory-store.js'
import type { ReadableStore } from '../../store/store.js'

/** One life of a store. */
export interface OpenStore {
  readonly generation: StoreGeneration
  readonly generations: StoreGenerations | null
  readonly target: CheckpointTarget
  /** For fronts and watch workers. */
  openReader(generation: number): ReadableStore
  /** What this generation holds now goes into a file of another member's disk, of the same kind. */
  copyTo(disk: SimStoreDisk, path: string, generation: number): void
  /** The process is gone without a last word. */
  abandon(): void
}

export interface SimStoreDisk {
  open(): OpenStore
  /** No checkpoint can be written. */
  isFull: boolean
  /** Where a file of that name lies. */
  pathOf(name: string): string
  remove(): void
}

/** What one checkpoint names. */
interface Kept {
  readonly image: StoreImage
  readonly generation: number
  /** It is a leader's, and the first checkpoint of it. */
  readonly isInstalled: boolean
}

export class MemoryStoreDisk implements SimStoreDisk {
  isFull = false
  /** Of the newest checkpoint. */
  #kept: Kept | null = null
  /** Other members' stores, and those that have been given the name of a generation. */
  readonly files = new Map<string, StoreImage>()

  open(): OpenStore {
    const life = new MemoryLife(this, this.#kept, (kept) => {
      this.#kept = kept
    })
    return life
  }

  pathOf(name: string): string {
    return name
  }

  remove(): void {
    this.#kept = null
    this.files.clear()
  }
}

class MemoryLife implements OpenStore, StoreGenerations {
  readonly generation: StoreGeneration
  readonly generations = this
  readonly target: CheckpointTarget
  readonly #disk: MemoryStoreDisk
  readonly #stores = new Map<number, MemoryStore>()
  #begun: Kept | null = null

  constructor(disk: MemoryStoreDisk, kept: Kept | null, keep: (kept: Kept) => void) {
    this.#disk = disk
    this.generation = {
      ...this.#open(kept?.generation ?? 1, kept?.image, false),
      isInstalled: kept?.isInstalled ?? false,
    }
    this.target = {
      sync: () => undefined,
      write: () => {
        if (disk.isFull) return 'the disk is full'
        keep(this.#begun as Kept)
        return undefined
      },
      remove: (path) => void disk.files.delete(path),
      place: (from, to) => {
        disk.files.set(to, fileOf(disk, from))
        disk.files.delete(from)
      },
      close: () => undefined,
    }
  }

  openReader(generation: number): ReadableStore {
    const store = this.#stores.get(generation)
    assert(store !== undefined, `there is no generation ${generation}`)
    return store.openReader()
  }

  copyTo(disk: SimStoreDisk, path: string, generation: number): void {
    assert(disk instanceof MemoryStoreDisk, 'stores travel between disks of a kind')
    disk.files.set(path, (this.#stores.get(generation) as MemoryStore).image)
  }

  abandon(): void {
    return
  }

  /** Stores in memory have nothing to gain from being copied. */
  create(): GenerationResult {
    return { ok: false, code: 'no-space', message: 'stores in memory are not copied' }
  }

  open(number: number): GenerationResult {
    return { ok: true, generation: this.#open(number, fileOf(this.#disk, this.pathOf(number)), true) }
  }

  pathOf(number: number): string {
    return `store ${number}`
  }

  #open(number: number, image: StoreImage | undefined, isInstalled: boolean): StoreGeneration {
    const store = image === undefined ? new MemoryStore() : new MemoryStore({ image })
    this.#stores.set(number, store)
    let isFirst = isInstalled
    const source: CheckpointSource = {
      file: EMPTY_BYTES,
      begin: (): Bytes => {
        this.#begun = { image: store.image, generation: number, isInstalled: isFirst }
        return EMPTY_BYTES
      },
      adopt: () => {
        isFirst = false
      },
      giveUp: () => undefined,
    }
    return { number, store, source }
  }
}

function fileOf(disk: MemoryStoreDisk, path: string): StoreImage {
  const image = disk.files.get(path)
  assert(image !== undefined, `there is no file ${path}`)
  return image
}
