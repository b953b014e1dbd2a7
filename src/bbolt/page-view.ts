/** One page of a bbolt file as it was read: whatever it points at lies inside it. */

import type { Bytes } from '../base/bytes.js'
import type { Slice } from '../base/slice.js'
import { BboltError } from './bbolt-error.js'
import {
  BUCKET_FLAG, COUNT_ELSEWHERE, ELEMENT_BYTES, PAGE_HEADER_BYTES, PageField, PageFlag, viewOf,
} from './page-layout.js'

export class PageView {
  /** For messages. */
  readonly name: string
  readonly isLeaf: boolean
  readonly count: number
  readonly #bytes: Bytes
  readonly #numbers: DataView

  constructor(bytes: Bytes, name: string, flag: number | null = null) {
    this.name = name
    this.#bytes = bytes
    this.#numbers = viewOf(bytes)
    if (bytes.length < PAGE_HEADER_BYTES) throw new BboltError(`${name}: ${bytes.length} bytes long`)
    const flags = this.#numbers.getUint16(PageField.flags, true)
    const isExpected = flag === null ? flags === PageFlag.leaf || flags === PageFlag.branch : flags === flag
    if (!isExpected) throw new BboltError(`${name}: invalid type: ${flags}`)
    this.isLeaf = flags === PageFlag.leaf
    this.count = this.#numbers.getUint16(PageField.count, true)
    const isList = flag === PageFlag.freelist
    if (!isList && PAGE_HEADER_BYTES + this.count * ELEMENT_BYTES > bytes.length) {
      throw new BboltError(`${name}: ${this.count} elements do not fit`)
    }
  }

  isBucket(index: number): boolean {
    return (this.#numbers.getUint32(at(index), true) & BUCKET_FLAG) !== 0
  }

  /** Points at key and value of a leaf's element. */
  pair(index: number, key: Slice, value: Slice): void {
    const element = at(index)
    const start = element + this.#numbers.getUint32(element + 4, true)
    const keyEnd = start + this.#numbers.getUint32(element + 8, true)
    const end = keyEnd + this.#numbers.getUint32(element + 12, true)
    this.#check(index, start, end)
    key.at(this.#bytes, start, keyEnd)
    value.at(this.#bytes, keyEnd, end)
  }

  /** Points at the key of a branch's element and returns the page below it. */
  child(index: number, key: Slice): bigint {
    const element = at(index)
    const start = element + this.#numbers.getUint32(element, true)
    const end = start + this.#numbers.getUint32(element + 4, true)
    this.#check(index, start, end)
    key.at(this.#bytes, start, end)
    return this.#numbers.getBigUint64(element + 8, true)
  }

  /** A view of the key of either kind. */
  key(index: number): Bytes {
    const element = at(index)
    const position = element + (this.isLeaf ? 4 : 0)
    const start = element + this.#numbers.getUint32(position, true)
    const end = start + this.#numbers.getUint32(position + 4, true)
    this.#check(index, start, end)
    return this.#bytes.subarray(start, end)
  }

  /** Of a freelist. */
  *freePages(): Generator<number> {
    let position = PAGE_HEADER_BYTES
    let { count } = this
    if (count === COUNT_ELSEWHERE) {
      count = Number(this.#numbers.getBigUint64(position, true))
      position += 8
    }
    if (position + 8 * count > this.#bytes.length) throw new BboltError(`${this.name}: ${count} pages do not fit`)
    for (let i = 0; i < count; i++, position += 8) yield Number(this.#numbers.getBigUint64(position, true))
  }

  #check(index: number, start: number, end: number): void {
    if (start < PAGE_HEADER_BYTES + this.count * ELEMENT_BYTES || end > this.#bytes.length) {
      throw new BboltError(`${this.name}: element ${index} lies outside the page`)
    }
  }
}

function at(index: number): number {
  return PAGE_HEADER_BYTES + index * ELEMENT_BYTES
}
