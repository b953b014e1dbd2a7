/**
 * The real store on a disk that loses power: of every page of every store file that was written since that file's last
 * sync, either the old or the new contents are there afterwards. Checkpoint files are whole, because they are synced
 * before they get their name.
 */

import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bytes } from '../../../src/base/bytes.js'
import type { Prng } from '../../../src/base/prng.js'
import { InlineCheckpointer, type CheckpointTarget } from '../../../src/mvcc/checkpoint/checkpointer.js'
import { StoreCheckpointSource, StoreCheckpointTarget } from '../../../src/mvcc/checkpoint/store-checkpoint.js'
import { CHECKPOINT_FILE } from '../../../src/store/checkpoint-file.js'
import { restoreStore } from '../../../src/store/restore-store.js'
import { PageLoss } from '../../store/page-loss.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { MAP_BYTES, OpenGenerations, type Disk, type TestStore } from '../support/test-disk.js'

const PAGE_BYTES = 4096

export class PowerLossDisk implements Disk {
  /** What the cuts have lost and kept so far. */
  readonly pages: PageLoss
  readonly #directory = temporaryDirectory()
  #life = 0
  /** By file name: what the disk has for certain. */
  #durable = new Map<string, Bytes>()

  constructor(prng: Prng) {
    this.pages = new PageLoss(prng, PAGE_BYTES)
    mkdirSync(this.#dir)
  }

  get #dir(): string {
    return this.#directory.path(String(this.#life))
  }

  open(): TestStore {
    const restored = restoreStore(this.#dir, { mapSizeBytes: MAP_BYTES })
    assert.ok(restored.ok, 'the store is restored')
    const { store, generation } = restored
    const source = new StoreCheckpointSource(store, generation)
    const target = this.#watched(new StoreCheckpointTarget({ dir: this.#dir, noFsync: true }))
    const generations = new OpenGenerations(this.#dir)
    const abandon = (): void => {
      this.#cut(() => {
        if (!store.isClosed) store.close()
        generations.abandon()
      })
    }
    return {
      store, source, number: generation, generations, checkpointer: new InlineCheckpointer(target), abandon,
      get isOpen(): boolean {
        return !store.isClosed
      },
    }
  }

  remove(): void {
    this.#directory.remove()
  }

  /** Remembers what was in a file when it was synced. */
  #watched(target: CheckpointTarget): CheckpointTarget {
    return {
      sync: (file) => {
        target.sync(file)
        this.#synced(file)
      },
      write: (checkpoint) => {
        const refused = target.write(checkpoint)
        this.#synced(checkpoint)
        return refused
      },
      remove: (path) => target.remove(path),
      place: (from, to) => target.place(from, to),
      close: () => target.close(),
    }
  }

  #synced(file: Bytes): void {
    const fd = new DataView(file.buffer, file.byteOffset).getUint32(0, true)
    const path = readlinkSync(`/proc/self/fd/${fd}`)
    this.#durable.set(path.slice(path.lastIndexOf('/') + 1), readFileSync(path))
  }

  /** The next life begins in a directory of its own, with what survived. */
  #cut(close: () => void): void {
    const dir = this.#dir
    const names = readdirSync(dir).filter((name) => name.endsWith('.mdb') || name === CHECKPOINT_FILE)
    const written = new Map(names.map((name) => [name, readFileSync(join(dir, name))]))
    close()
    rmSync(dir, { recursive: true })
    this.#life++
    mkdirSync(this.#dir)
    const before = this.#durable
    this.#durable = new Map()
    for (const [name, bytes] of written) {
      const survived = name === CHECKPOINT_FILE ? bytes : this.pages.mix(before.get(name) ?? new Uint8Array(0), bytes)
      writeFileSync(join(this.#dir, name), survived)
      this.#durable.set(name, survived)
    }
  }
}
