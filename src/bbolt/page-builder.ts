/** Gathers the elements of one leaf or branch page, and writes the page once it is known how many they are. */

import type { Bytes } from '../base/bytes.js'
import { copyInto } from '../base/copy-into.js'
import type { Slice } from '../base/slice.js'
import { ELEMENT_BYTES, PAGE_HEADER_BYTES, PageField, PageFlag } from './page-layout.js'

const DATA_BYTES = 16 * 1024

export class PageBuilder {
  readonly #isLeaf: boolean
  /** Keys and values as they will stand behind the elements. */
  #data: Bytes = new Uint8Array(DATA_BYTES)
  #dataBytes = 0
  /** For each element: its data's offset, length of the key, and of the value or the child's page number. */
  readonly #at: number[] = []
  readonly #keyBytes: number[] = []
  readonly #rest: number[] = []
  readonly #flags: number[] = []

  constructor(isLeaf: boolean) {
    this.#isLeaf = isLeaf
  }

  get count(): number {
    return this.#at.length
  }

  /** Of the page as it is. */
  get bytes(): number {
    return PAGE_HEADER_BYTES + this.count * ELEMENT_BYTES + this.#dataBytes
  }

  /** The key of the first element. */
  firstKey(): Bytes {
    return this.#data.slice(0, this.#keyBytes[0] ?? 0)
  }

  addPair(flags: number, key: Slice, value: Slice): void {
    this.#add(flags, key, value.end - value.start)
    this.#dataBytes = copyInto(this.#reserve(value.end - value.start), this.#dataBytes, value)
  }

  addChild(key: Slice, page: number): void {
    this.#add(0, key, page)
  }

  /** Writes header, elements and data at target[at ...]. The room must be there and need not be zero. */
  write(target: Bytes, at: number, id: number, overflow: number): void {
    const numbers = new DataView(target.buffer, target.byteOffset + at)
    const dataAt = PAGE_HEADER_BYTES + this.count * ELEMENT_BYTES
    numbers.setBigUint64(PageField.id, BigInt(id), true)
    numbers.setUint16(PageField.flags, this.#isLeaf ? PageFlag.leaf : PageFlag.branch, true)
    numbers.setUint16(PageField.count, this.count, true)
    numbers.setUint32(PageField.overflow, overflow, true)
    for (let i = 0; i < this.count; i++) {
      const element = PAGE_HEADER_BYTES + i * ELEMENT_BYTES
      const position = dataAt + (this.#at[i] as number) - element
      const keyBytes = this.#keyBytes[i] as number
      const rest = this.#rest[i] as number
      if (this.#isLeaf) {
        numbers.setUint32(element, this.#flags[i] as number, true)
        numbers.setUint32(element + 4, position, true)
        numbers.setUint32(element + 8, keyBytes, true)
        numbers.setUint32(element + 12, rest, true)
      } else {
        numbers.setUint32(element, position, true)
        numbers.setUint32(element + 4, keyBytes, true)
        numbers.setBigUint64(element + 8, BigInt(rest), true)
      }
    }
    target.set(this.#data.subarray(0, this.#dataBytes), at + dataAt)
  }

  clear(): void {
    this.#at.length = 0
    this.#keyBytes.length = 0
    this.#rest.length = 0
    this.#flags.length = 0
    this.#dataBytes = 0
  }

  #add(flags: number, key: Slice, rest: number): void {
    this.#at.push(this.#dataBytes)
    this.#keyBytes.push(key.end - key.start)
    this.#rest.push(rest)
    this.#flags.push(flags)
    this.#dataBytes = copyInto(this.#reserve(key.end - key.start), this.#dataBytes, key)
  }

  #reserve(more: number): Bytes {
    const needed = this.#dataBytes + more
    if (needed > this.#data.length) {
      const larger = new Uint8Array(Math.max(2 * this.#data.length, needed))
      larger.set(this.#data.subarray(0, this.#dataBytes))
      this.#data = larger
    }
    return this.#data
  }
}
