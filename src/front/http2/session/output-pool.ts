/**
 * Output buffers of one front, by size. A connection holds one only while it has something unsent, so that ten thousand
 * idle connections hold none, and takes the smallest that does, so that a thousand small answers cost little. Buffers
 * come back instead of being left to the garbage collector, which sees no hurry in memory that is not on its heap:
 * large answers to many clients would fill gigabytes meanwhile.
 */

const KiB = 1024
/** The largest takes an output that has just passed its soft bound. */
const SIZES: readonly number[] = [4 * KiB, 32 * KiB, 320 * KiB]
/** What is kept for the next taker, per size, while there is much to do: some 64 MiB each. */
const FREE_COUNTS_MAX: readonly number[] = [1024, 2048, 200]
/** What is kept when there is nothing to do: some 4 MiB each. */
const IDLE_COUNTS: readonly number[] = [1024, 128, 12]

/** Pieces of a queue that are worth coming back. */
export const PIECE_BYTES = 32 * KiB

export class OutputPool {
  readonly #free: readonly Buffer[][] = SIZES.map(() => [])
  /** The fewest that were free since the last `trim`: what nobody has needed. */
  readonly #lowest: number[] = SIZES.map(() => 0)

  /** A buffer of at least `needed` octets, contents undefined. */
  take(needed: number): Buffer {
    for (let i = 0; i < SIZES.length; i++) {
      if ((SIZES[i] as number) < needed) continue
      const free = this.#free[i] as Buffer[]
      const taken = free.pop()
      if (free.length < (this.#lowest[i] as number)) this.#lowest[i] = free.length
      return taken ?? Buffer.allocUnsafeSlow(SIZES[i] as number)
    }
    // Larger ones are left to the garbage collector: the next burst may be somebody else's.
    let size = 2 * (SIZES[SIZES.length - 1] as number)
    while (size < needed) size *= 2
    return Buffer.allocUnsafeSlow(size)
  }

  give(buffer: Buffer): void {
    const at = SIZES.indexOf(buffer.length)
    if (at < 0) return
    const free = this.#free[at] as Buffer[]
    if (free.length < (FREE_COUNTS_MAX[at] as number)) free.push(buffer)
  }

  /** Lets go of half of what nobody has needed since the last call. Called from time to time. */
  trim(): void {
    for (const [i, free] of this.#free.entries()) {
      const unneeded = Math.ceil((this.#lowest[i] as number) / 2)
      const spare = Math.max(0, free.length - (IDLE_COUNTS[i] as number))
      free.length -= Math.min(unneeded, spare)
      this.#lowest[i] = free.length
    }
  }

  /** True while there is more than an idle front keeps. */
  get isSwollen(): boolean {
    return this.#free.some((free, i) => free.length > (IDLE_COUNTS[i] as number))
  }

  get freeBytes(): number {
    return this.#free.reduce((sum, free, i) => sum + free.length * (SIZES[i] as number), 0)
  }
}
