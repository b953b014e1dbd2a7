/** Checkpoints that take a while, as those of the helper thread do. A crash before the end leaves the one before. */

import { assert } from '../../base/assert.js'
import type {
  Checkpointer,
  CheckpointOutcome,
  CheckpointSource,
  CheckpointTarget,
} from '../../mvcc/checkpoint/checkpointer.js'
import type { World } from '../world/world.js'

const WRITE_MS = 30

export interface SimCheckpointerOptions {
  readonly target: CheckpointTarget
  /** The process that this belongs to has ended. */
  readonly isGone: () => boolean
  /** mvcc should look: there is an outcome. */
  readonly ring: () => void
}

export class SimCheckpointer implements Checkpointer {
  readonly #world: World
  readonly #options: SimCheckpointerOptions
  readonly ordered = 0
  #finish: (() => void) | null = null
  #outcome: CheckpointOutcome | null = null

  constructor(world: World, options: SimCheckpointerOptions) {
    this.#world = world
    this.#options = options
  }

  get isRunning(): boolean {
    return this.#finish !== null || this.#outcome !== null
  }

  isDone(): boolean {
    return true
  }

  begin(source: CheckpointSource, appliedIndex: number, appliedTerm: number): void {
    assert(!this.isRunning, 'one checkpoint at a time')
    const bytes = source.begin(appliedIndex, appliedTerm)
    const finish = (): void => {
      if (this.#finish !== finish || this.#options.isGone()) return
      this.#finish = null
      const message = this.#options.target.write(bytes)
      if (message === undefined) {
        source.adopt()
        this.#outcome = { ok: true, appliedIndex, appliedTerm }
      } else {
        source.giveUp()
        this.#outcome = { ok: false, code: 'no-space', message }
      }
      this.#options.ring()
    }
    this.#finish = finish
    this.#world.time.after(this.#world.around(WRITE_MS), finish)
  }

  syncAhead(source: CheckpointSource): void {
    this.#options.target.sync(source.file)
  }

  remove(path: string): void {
    this.#options.target.remove(path)
  }

  place(from: string, to: string): boolean {
    this.#options.target.place(from, to)
    return true
  }

  hasOutcome(): boolean {
    return this.#outcome !== null
  }

  takeOutcome(): CheckpointOutcome {
    const outcome = this.#outcome
    assert(outcome !== null, 'no checkpoint was begun')
    this.#outcome = null
    return outcome
  }

  waitForOutcome(): void {
    this.#finish?.()
  }

  close(): void {
    this.#options.target.close()
  }
}
