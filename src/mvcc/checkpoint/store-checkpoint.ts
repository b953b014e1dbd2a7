/** The two halves of a checkpoint of the real store: its own steps, as the checkpointer calls them. */

import { assert } from '../../base/assert.js'
import { concatBytes, type Bytes } from '../../base/bytes.js'
import {
  adoptCheckpoint,
  beginCheckpoint,
  dropCheckpoint,
  finishCheckpoint,
  syncStoreFile,
} from '../../store/checkpoint.js'
import { decodeCheckpoint, encodeCheckpoint } from '../../store/checkpoint-file.js'
import type { LmdbStore } from '../../store/lmdb-store.js'
import { placeStoreFile, removeStoreFile } from '../../store/restore-store.js'
import type { CheckpointSource, CheckpointTarget } from './checkpointer.js'

/** A descriptor, little-endian. */
const FILE_BYTES = 4

export class StoreCheckpointSource implements CheckpointSource {
  /** The store's own descriptor, which every thread of the process may use; the store stays open longer than that. */
  readonly file: Bytes
  readonly #store: LmdbStore
  readonly #generation: number
  /** Of the next checkpoint. */
  #isInstalled: boolean

  constructor(store: LmdbStore, generation: number, isInstalled = false) {
    this.#store = store
    this.#generation = generation
    this.#isInstalled = isInstalled
    this.file = new Uint8Array(FILE_BYTES)
    new DataView(this.file.buffer).setUint32(0, store.dataFd, true)
  }

  begin(appliedIndex: number, appliedTerm: number): Bytes {
    const generation = this.#generation
    const isInstalled = this.#isInstalled
    const ticket = beginCheckpoint(this.#store, { generation, appliedIndex, appliedTerm, isInstalled })
    const { dataFd: _, ...checkpoint } = ticket
    return concatBytes(this.file, encodeCheckpoint(checkpoint))
  }

  adopt(): void {
    this.#isInstalled = false
    adoptCheckpoint(this.#store)
  }

  giveUp(): void {
    dropCheckpoint(this.#store)
  }
}

export interface StoreCheckpointTargetStart {
  readonly dir: string
  /** As --unsafe-no-fsync asks: a power cut may then leave a checkpoint of pages that were never written. */
  readonly noFsync: boolean
}

export class StoreCheckpointTarget implements CheckpointTarget {
  readonly #start: StoreCheckpointTargetStart

  constructor(start: StoreCheckpointTargetStart) {
    this.#start = start
  }

  sync(file: Bytes): void {
    if (!this.#start.noFsync) syncStoreFile(descriptorOf(file))
  }

  write(bytes: Bytes): string | undefined {
    const checkpoint = decodeCheckpoint(bytes.subarray(FILE_BYTES))
    assert(checkpoint !== null, 'a checkpoint arrives as it was sent')
    this.sync(bytes)
    const result = finishCheckpoint(this.#start.dir, { ...checkpoint, dataFd: descriptorOf(bytes) })
    return result.ok ? undefined : result.message
  }

  remove(path: string): void {
    removeStoreFile(path)
  }

  place(from: string, to: string): void {
    placeStoreFile(from, to, this.#start.noFsync)
  }

  close(): void {
    return
  }
}

function descriptorOf(file: Bytes): number {
  return new DataView(file.buffer, file.byteOffset).getUint32(0, true)
}
