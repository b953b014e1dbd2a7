/**
 * Which image serves whom: who asks while none is being made waits for the next one, and all who wait when it begins
 * share it. An image goes when nobody needs it any more. Pure: the maker and the remover are handed in.
 */

import { assert } from '../../base/assert.js'

/** What an image says about itself. */
export interface ImageFacts {
  readonly path: string
  readonly sizeBytes: number
  readonly pageBytes: number
  readonly index: number
  readonly term: number
  /** Encoded raftpb.ConfState. */
  readonly confState: Uint8Array
}

export interface ImageShelfOptions {
  /** Makes an image that holds at least everything up to this entry. */
  readonly make: (index: number) => Promise<ImageFacts>
  readonly remove: (image: ImageFacts) => void
}

/** Images on disk at a time: one may be on its way to a slow member while the next one is made. */
const IMAGES_MAX = 2

interface Waiting {
  readonly index: number
  readonly resolve: (lease: ImageLease) => void
  readonly reject: (error: Error) => void
}

/** Somebody's hold on an image. */
export interface ImageLease {
  readonly image: ImageFacts
  release(): void
}

export class ImageShelf {
  readonly #options: ImageShelfOptions
  readonly #waiting: Waiting[] = []
  #isMaking = false
  #images = 0

  constructor(options: ImageShelfOptions) {
    this.#options = options
  }

  /** Images that are there or being made. */
  get count(): number {
    return this.#images
  }

  /** An image at or behind this entry. */
  ask(index: number): Promise<ImageLease> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ index, resolve, reject })
      this.#next()
    })
  }

  #next(): void {
    if (this.#isMaking || this.#waiting.length === 0 || this.#images >= IMAGES_MAX) return
    this.#isMaking = true
    this.#images++
    // Whoever asks in the same turn shares it.
    void Promise.resolve().then(() => this.#make())
  }

  async #make(): Promise<void> {
    const sharers = this.#waiting.splice(0)
    const index = Math.max(...sharers.map((sharer) => sharer.index))
    try {
      const image = await this.#options.make(index)
      assert(image.index >= index, `an image at ${image.index} for who needs ${index}`)
      let holders = sharers.length
      for (const { resolve } of sharers) {
        let isHeld = true
        const release = (): void => {
          assert(isHeld, 'an image is released once for each hold')
          isHeld = false
          if (--holders === 0) this.#remove(image)
        }
        resolve({ image, release })
      }
    } catch (error) {
      this.#images--
      for (const { reject } of sharers) reject(error as Error)
    }
    this.#isMaking = false
    this.#next()
  }

  #remove(image: ImageFacts): void {
    this.#options.remove(image)
    this.#images--
    this.#next()
  }
}
