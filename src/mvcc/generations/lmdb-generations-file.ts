/** Store files in the store's directory. */

import { statfsSync } from 'node:fs'
import { syncDirectory } from '../../store/checkpoint-file.js'
import { createLmdbStore, openLmdbCopy } from '../../store/lmdb-store.js'
import { removeStoreFile, storePath } from '../../store/restore-store.js'
import { StoreCheckpointSource } from '../checkpoint/store-checkpoint.js'
import type { GenerationResult, StoreGenerations } from './store-generations.js'

/** What the log and the old file may need meanwhile. */
const SPARE_BYTES = 256 * 1024 * 1024

export class LmdbGenerations implements StoreGenerations {
  readonly #dir: string
  readonly #options: { readonly mapSizeBytes?: number }

  constructor(dir: string, options: { readonly mapSizeBytes?: number } = {}) {
    this.#dir = dir
    this.#options = options
  }

  create(number: number, bytes: number): GenerationResult {
    const { bavail, bsize } = statfsSync(this.#dir)
    const free = bavail * bsize
    if (free < bytes + SPARE_BYTES) {
      const message = `a new store file may take ${bytes} bytes, and ${free} are free beside ${SPARE_BYTES} to spare`
      return { ok: false, code: 'no-space', message }
    }
    const path = this.pathOf(number)
    removeStoreFile(path)
    const created = createLmdbStore({ ...this.#options, path })
    if (!created.ok) {
      removeStoreFile(path)
      return created
    }
    const { store } = created
    syncDirectory(this.#dir)
    return { ok: true, generation: { number, store, source: new StoreCheckpointSource(store, number) } }
  }

  open(number: number): GenerationResult {
    const opened = openLmdbCopy({ ...this.#options, path: this.pathOf(number), pinAtOpen: true })
    if (!opened.ok) return opened
    const { store } = opened
    return { ok: true, generation: { number, store, source: new StoreCheckpointSource(store, number, true) } }
  }

  pathOf(number: number): string {
    return storePath(this.#dir, number)
  }
}
