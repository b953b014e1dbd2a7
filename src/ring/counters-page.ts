/**
 * Numbers that one thread counts and any other reads, without a lock and without stopping the writer: a page of
 * float64 words, and a few texts that name some of them. A page has one writer; whoever wants totals adds up pages.
 *
 * ```
 * byte 0         4                 4 + 64 * TEXTS_MAX, rounded up to 8
 * +-------------+-----------------+--------------------------------+
 * | texts used  | texts, 64 each: | values, 8 bytes each           |
 * |             | length, UTF-8   |                                |
 * +-------------+-----------------+--------------------------------+
 * ```
 */

export const TEXTS_MAX = 32
const TEXT_BYTES = 64
const TEXTS_START = 4
const VALUES_START = (TEXTS_START + TEXTS_MAX * TEXT_BYTES + 7) & ~7

export function allocateCountersPage(valueCount: number): SharedArrayBuffer {
  return new SharedArrayBuffer(VALUES_START + valueCount * 8)
}

export class CountersPage {
  /** Aligned words: a reader sees an old or a new value, never a mixture. */
  readonly values: Float64Array
  readonly #used: Int32Array
  readonly #bytes: Uint8Array
  /** The writer's own index of the texts. */
  readonly #slots = new Map<string, number>()

  constructor(memory: SharedArrayBuffer) {
    this.values = new Float64Array(memory, VALUES_START)
    this.#used = new Int32Array(memory, 0, 1)
    this.#bytes = new Uint8Array(memory)
  }

  /** The number of this text, which is entered when it is new; -1 when there is no room for another one. */
  textSlot(text: string): number {
    const known = this.#slots.get(text)
    if (known !== undefined) return known
    const slot = this.#slots.size
    if (slot === TEXTS_MAX) return -1
    const { written } = new TextEncoder().encodeInto(text, this.#bytes.subarray(...textSpan(slot)))
    this.#bytes[TEXTS_START + slot * TEXT_BYTES] = written
    this.#slots.set(text, slot)
    // Readers look at a text only after this says that it is whole.
    Atomics.store(this.#used, 0, slot + 1)
    return slot
  }

  /** The texts entered so far, by number. Long ones are cut to what a slot holds. */
  texts(): string[] {
    const used = Atomics.load(this.#used, 0)
    return Array.from({ length: used }, (_, slot) => {
      const [start] = textSpan(slot)
      const length = this.#bytes[start - 1] as number
      return new TextDecoder().decode(this.#bytes.slice(start, start + length))
    })
  }
}

function textSpan(slot: number): [number, number] {
  const at = TEXTS_START + slot * TEXT_BYTES
  return [at + 1, at + TEXT_BYTES]
}
