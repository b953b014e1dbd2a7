/** Checkpoints that take a while, as those of the helper thread do. A crash before the end leaves the one before. */

import { assert } from '../../base/assert.js'
import { InlineCheckpointer, type CheckpointSource, type CheckpointTarget } from '../../mvcc/checkpoint/checkpointer.js'
import type { World } from '../world/world.js'

const WRITE_MS = 30

export interface SimCheckpointerOptions {
  readonly target: CheckpointTarget
  /** The process that this belongs to has ended. */
  readonly isGone: () => boolean
  /** mvcc should look: there is an outcome. */
  readonly ring: () => void
}

export class SimCheckpointer extends InlineCheckpointer {
  readonly #world: World
  readonly #options: SimCheckpointerOptions
  #complete: (() => void) | null = null

  constructor(world: World, options: SimCheckpointerOptions) {
    super(options.target)
    this.#world = world
    this.#options = options
  }

  override get isRunning(): boolean {
    return this.#complete !== null || super.isRunning
  }

  override begin(source: CheckpointSource, appliedIndex: number, appliedTerm: number): void {
    assert(!this.isRunning, 'one checkpoint at a time')
    const bytes = source.begin(appliedIndex, appliedTerm)
    const complete = (): void => {
      if (this.#complete !== complete || this.#options.isGone()) return
      this.#complete = null
      this.finish(source, bytes, appliedIndex, appliedTerm)
      this.#options.ring()
    }
    this.#complete = complete
    this.#world.time.after(this.#world.around(WRITE_MS), complete)
  }

  override waitForOutcome(): void {
    this.#complete?.()
  }
}
