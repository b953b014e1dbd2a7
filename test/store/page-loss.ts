/** What a power cut leaves of a file whose pages were on their way to the disk: each page on its own, or not at all. */

import type { Bytes } from '../../src/base/bytes.js'
import type { Prng } from '../../src/base/prng.js'

export class PageLoss {
  kept = 0
  lost = 0
  readonly #prng: Prng
  readonly #pageBytes: number

  constructor(prng: Prng, pageBytes: number) {
    this.#prng = prng
    this.#pageBytes = pageBytes
  }

  /** Of what was written since `durable`. */
  mix(durable: Bytes, written: Bytes): Bytes {
    const mixed = new Uint8Array(Math.max(durable.length, written.length))
    mixed.set(durable)
    const likelihood = this.#prng.pick([0.02, 0.5, 0.98])
    let end = durable.length
    for (let at = 0; at < written.length; at += this.#pageBytes) {
      const page = written.subarray(at, at + this.#pageBytes)
      if (Buffer.compare(page, mixed.subarray(at, at + page.length)) === 0) continue
      if (this.#prng.chance(likelihood)) {
        mixed.set(page, at)
        end = Math.max(end, at + page.length)
        this.kept++
      } else {
        this.lost++
      }
    }
    return mixed.subarray(0, end)
  }
}
