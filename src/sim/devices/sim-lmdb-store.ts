/** The real store in a temporary directory, for the runs that go on LMDB itself. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assert } from '../../base/assert.js'
import { StoreCheckpointSource, StoreCheckpointTarget } from '../../mvcc/checkpoint/store-checkpoint.js'
import { LmdbGenerations } from '../../mvcc/generations/lmdb-generations-file.js'
import type { StoreGenerations } from '../../mvcc/generations/store-generations.js'
import { StoreCopy } from '../../store/generations/store-copy.js'
import { openLmdbStore, type LmdbStore } from '../../store/lmdb-store.js'
import { restoreStore, storePath } from '../../store/restore-store.js'
import type { ReadableStore } from '../../store/store.js'
import type { OpenStore, SimStoreDisk } from './sim-store.js'

const MAP_BYTES = 256 * 1024 * 1024

export class LmdbStoreDisk implements SimStoreDisk {
  isFull = false
  readonly #dir = mkdtempSync(join(tmpdir(), 'raftring-sim-'))
  readonly #storeDir = join(this.#dir, 'store')

  open(): OpenStore {
    const dir = this.#storeDir
    const restored = restoreStore(dir, { mapSizeBytes: MAP_BYTES })
    assert(restored.ok, `the store is restored: ${restored.ok ? '' : restored.message}`)
    const { store, generation, isInstalled } = restored
    const real = new StoreCheckpointTarget({ dir, noFsync: true })
    const opened: LmdbStore[] = [store]
    const openReader = (number: number): LmdbStore => {
      const reader = openLmdbStore({ path: storePath(dir, number), readOnly: true })
      opened.push(reader)
      return reader
    }
    return {
      generation: { number: generation, store, isInstalled, source: new StoreCheckpointSource(store, generation) },
      generations: generationsOf(dir, opened),
      target: {
        sync: (file) => real.sync(file),
        write: (bytes) => (this.isFull ? 'the disk is full' : real.write(bytes)),
        remove: (path) => real.remove(path),
        place: (from, to) => real.place(from, to),
        close: () => real.close(),
      },
      openReader: (number): ReadableStore => openReader(number),
      copyTo: (_disk, path, number) => copyStore(openReader(number), path),
      abandon: () => {
        for (const each of opened) if (!each.isClosed) each.close()
      },
    }
  }

  pathOf(name: string): string {
    return join(this.#dir, name)
  }

  remove(): void {
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

/** Those of leaders only: a file of a few keys is not worth being made smaller. */
function generationsOf(dir: string, opened: LmdbStore[]): StoreGenerations {
  const real = new LmdbGenerations(dir, { mapSizeBytes: MAP_BYTES })
  return {
    create: () => ({ ok: false, code: 'no-space', message: 'files are not made smaller here' }),
    open: (number) => {
      const found = real.open(number)
      if (found.ok) opened.push(found.generation.store as LmdbStore)
      return found
    },
    pathOf: (number) => real.pathOf(number),
  }
}

/** Row by row, because the engine's own copy takes a time that no seed decides. */
function copyStore(source: LmdbStore, path: string): void {
  rmSync(path, { force: true })
  const target = openLmdbStore({ path, mapSizeBytes: MAP_BYTES })
  const copy = new StoreCopy(source, target)
  while (!copy.isEqual) {
    const step = copy.step({ rowsMax: 10_000, bytesMax: Infinity })
    assert(step.ok, 'there is room for a copy')
  }
  target.close()
  source.close()
}
