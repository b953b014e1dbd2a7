/**
 * HPACK's dynamic table (RFC 7541 sections 2.3.2 and 4): newest entry first, bounded by bytes. Entries are immutable
 * and shared by every header list that names them.
 */

import { assert } from '../../base/assert.js'
import { FIELD_OVERHEAD_BYTES, fieldBytes, type HeaderField } from './hpack-static-table.js'

export class HpackDynamicTable {
  /** Moves whenever a block may mean or do something else than before. */
  version = 0
  /** A ring; the newest entry is at `#newest`. */
  #entries: (HeaderField | undefined)[]
  #newest = 0
  #count = 0
  #bytes = 0
  #bytesMax: number

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
    this.#entries = new Array<HeaderField | undefined>(slotsFor(bytesMax))
  }

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Entry `position`, 0 being the newest; undefined when there is none. */
  at(position: number): HeaderField | undefined {
    if (position >= this.#count) return undefined
    return this.#entries[(this.#newest + position) % this.#entries.length]
  }

  /** An entry larger than the table empties it and is not kept (section 4.4). */
  insert(field: HeaderField): void {
    const size = fieldBytes(field.name, field.value)
    this.#evictTo(this.#bytesMax - size)
    if (size > this.#bytesMax) return
    const slots = this.#entries.length
    assert(this.#count < slots, 'dynamic table has a slot for every entry that its bytes allow')
    this.#newest = (this.#newest + slots - 1) % slots
    this.#entries[this.#newest] = field
    this.#count++
    this.#bytes += size
    this.version++
  }

  resize(bytesMax: number): void {
    this.#evictTo(bytesMax)
    // What had no room before may have some now, so that even an equal table is not the same.
    if (bytesMax !== this.#bytesMax) this.version++
    this.#bytesMax = bytesMax
    const slots = slotsFor(bytesMax)
    if (slots <= this.#entries.length) return
    const entries = new Array<HeaderField | undefined>(slots)
    for (let i = 0; i < this.#count; i++) entries[i] = this.at(i)
    this.#entries = entries
    this.#newest = 0
  }

  #evictTo(bytes: number): void {
    while (this.#count > 0 && this.#bytes > bytes) {
      const oldest = (this.#newest + this.#count - 1) % this.#entries.length
      const field = this.#entries[oldest] as HeaderField
      this.#entries[oldest] = undefined
      this.#count--
      this.#bytes -= fieldBytes(field.name, field.value)
      this.version++
    }
  }
}

/** The smallest entry has no octets of its own, so this many entries fit. */
function slotsFor(bytesMax: number): number {
  return Math.floor(bytesMax / FIELD_OVERHEAD_BYTES) + 1
}
