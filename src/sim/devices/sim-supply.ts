/** Segments that are made ready after a while, as the helper thread beside the real log does. */

import { assert } from '../../base/assert.js'
import type { SegmentSupply, SupplyStatus } from '../../wal/wal-device.js'
import { writeZeros } from '../../wal/wal-segment.js'
import type { World } from '../world/world.js'
import type { SimDisk } from './sim-disk.js'

const FILL_MS = 40
const ENOSPC = -28

export class SimSupply implements SegmentSupply {
  readonly #world: World
  readonly #disk: SimDisk
  readonly #fileBytes: number
  readonly #isGone: () => boolean
  readonly #onThrow: (error: unknown) => void
  #status: SupplyStatus = 'idle'

  /** `isGone`: the process that this belongs to has ended. `onThrow`: it ends here. */
  constructor(
    world: World,
    options: { disk: SimDisk; fileBytes: number; isGone: () => boolean; onThrow: (error: unknown) => void },
  ) {
    this.#world = world
    this.#disk = options.disk
    this.#fileBytes = options.fileBytes
    this.#isGone = options.isGone
    this.#onThrow = options.onThrow
  }

  prepare(name: string): void {
    assert(this.#status === 'idle' || this.#status === 'failed', `prepare while ${this.#status}`)
    this.#status = 'preparing'
    this.#later(() => this.#fill(name))
  }

  status(): SupplyStatus {
    return this.#status
  }

  take(): void {
    assert(this.#status === 'ready', `take while ${this.#status}`)
    this.#status = 'idle'
  }

  failure(): number {
    return this.#status === 'failed' ? ENOSPC : 0
  }

  discard(name: string): void {
    this.#later(() => this.#disk.remove(name))
  }

  discardFailure(): number {
    return 0
  }

  close(): void {
    return
  }

  #later(what: () => void): void {
    this.#world.time.after(this.#world.around(FILL_MS), () => {
      if (this.#isGone()) return
      try {
        what()
      } catch (error) {
        this.#onThrow(error)
      }
    })
  }

  #fill(name: string): void {
    const file = this.#disk.create(name)
    const isFilled = file !== null && writeZeros(file, 0, this.#fileBytes)
    if (isFilled) file.sync()
    else this.#disk.remove(name)
    this.#status = isFilled ? 'ready' : 'failed'
  }
}
