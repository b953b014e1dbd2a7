/** Images of the store, as files: made of the store that this process has open, read in chunks, removed. */

import { closeSync, mkdirSync, openSync, readSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { KeyspaceView } from '../../keyspace/keyspace-view.js'
import { openLmdbStore } from '../../store/lmdb-store.js'
import { removeStoreFile } from '../../store/restore-store.js'
import type { ImageFacts } from './image-shelf.js'

/** Where images lie, those being sent and those being received: beside the store, on the same disk. */
export function imageDirOf(storeDir: string): string {
  return join(dirname(storeDir), 'snapshot')
}

/** What a start finds there nobody can use any more. */
export function clearImageDir(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true, force: true })
}

/**
 * Copies the last commit of a store that the process has open for writing. The copy runs on libuv's pool and goes past
 * the page cache where the system can do that; one instant of the store is held meanwhile.
 */
export async function makeImage(storePath: string, path: string): Promise<ImageFacts> {
  removeStoreFile(path)
  const store = openLmdbStore({ path: storePath, readOnly: true })
  try {
    await store.copyTo(path)
  } catch (error) {
    removeStoreFile(path)
    throw error
  } finally {
    store.close()
  }
  return factsOf(path)
}

/** Opened, it also proves that it is a store. */
function factsOf(path: string): ImageFacts {
  const image = openLmdbStore({ path, readOnly: true })
  try {
    const snapshot = image.beginRead()
    const view = new KeyspaceView(snapshot)
    const { appliedIndex: index, appliedTerm: term } = view
    const confState = view.confState() ?? new Uint8Array(0)
    snapshot.close()
    return { path, sizeBytes: statSync(path).size, pageBytes: image.pageBytes, index, term, confState }
  } finally {
    image.close()
  }
}

export class ImageReader {
  readonly #descriptor: number

  constructor(path: string) {
    this.#descriptor = openSync(path, 'r')
  }

  /** Throws when the image is shorter than that. */
  read(target: Buffer, position: number, length: number): void {
    for (let at = 0; at < length;) {
      const count = readSync(this.#descriptor, target, at, length - at, position + at)
      if (count === 0) throw new Error('the image is shorter than it was written')
      at += count
    }
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}
