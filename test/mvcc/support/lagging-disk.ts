/** The real store on a disk that syncs late: what the checkpointer is ordered waits until the test lets it go on. */

import assert from 'node:assert/strict'
import type {
  Checkpointer, CheckpointOutcome, CheckpointSource, CheckpointTarget,
} from '../../../src/mvcc/checkpoint/checkpointer.js'
import { StoreCheckpointSource, StoreCheckpointTarget } from '../../../src/mvcc/checkpoint/store-checkpoint.js'
import { restoreStore } from '../../../src/store/restore-store.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { MAP_BYTES, OpenGenerations, type Disk, type TestStore } from './test-disk.js'

export class LaggingDisk implements Disk {
  readonly #directory = temporaryDirectory()
  #checkpointer: LaggingCheckpointer | null = null

  /** Of the life that was opened last. */
  get checkpointer(): LaggingCheckpointer {
    assert(this.#checkpointer !== null, 'the disk was opened')
    return this.#checkpointer
  }

  open(): TestStore {
    const dir = this.#directory.root
    const restored = restoreStore(dir, { mapSizeBytes: MAP_BYTES })
    assert.ok(restored.ok, 'the store is restored')
    const { store, generation } = restored
    const generations = new OpenGenerations(dir)
    this.#checkpointer = new LaggingCheckpointer(new StoreCheckpointTarget({ dir, noFsync: false }))
    return {
      store,
      source: new StoreCheckpointSource(store, generation),
      number: generation,
      generations,
      checkpointer: this.#checkpointer,
      get isOpen(): boolean {
        return !store.isClosed
      },
      abandon: () => {
        if (!store.isClosed) store.close()
        generations.abandon()
      },
    }
  }

  remove(): void {
    this.#directory.remove()
  }
}

/** Does what was ordered, in that order, when it is told to. */
export class LaggingCheckpointer implements Checkpointer {
  /** While true nothing is done. */
  lags = false
  ordered = 0
  #done = 0
  readonly #target: CheckpointTarget
  readonly #orders: (() => void)[] = []
  #isRunning = false
  #outcome: CheckpointOutcome | null = null

  constructor(target: CheckpointTarget) {
    this.#target = target
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  get waiting(): number {
    return this.#orders.length
  }

  isDone(ordered: number): boolean {
    return this.#done >= ordered
  }

  begin(source: CheckpointSource, appliedIndex: number, appliedTerm: number): void {
    this.#isRunning = true
    const checkpoint = source.begin(appliedIndex, appliedTerm)
    this.#order(() => {
      assert.equal(this.#target.write(checkpoint), undefined)
      source.adopt()
      this.#outcome = { ok: true, appliedIndex, appliedTerm }
    })
  }

  syncAhead({ file }: CheckpointSource): void {
    this.#order(() => this.#target.sync(file))
  }

  remove(path: string): void {
    this.#order(() => this.#target.remove(path))
  }

  place(from: string, to: string): boolean {
    this.#order(() => this.#target.place(from, to))
    return true
  }

  hasOutcome(): boolean {
    return this.#outcome !== null
  }

  takeOutcome(): CheckpointOutcome {
    const outcome = this.#outcome
    assert(outcome !== null, 'there is an outcome')
    this.#outcome = null
    this.#isRunning = false
    return outcome
  }

  waitForOutcome(): void {
    this.goOn()
  }

  close(): void {
    this.goOn()
  }

  /** Does all that waits. */
  goOn(): void {
    this.lags = false
    for (let order = this.#orders.shift(); order !== undefined; order = this.#orders.shift()) {
      order()
      this.#done++
    }
  }

  #order(order: () => void): void {
    this.ordered++
    this.#orders.push(order)
    if (!this.lags) this.goOn()
  }
}
