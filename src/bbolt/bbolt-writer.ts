/**
 * Writes a bbolt file from buckets whose pairs come in order: pages are filled from the bottom up and written one after
 * the other, so that of a bucket only one page for each level is in memory.
 */

import { assert } from '../base/assert.js'
import { compareBytes, utf8, type Bytes } from '../base/bytes.js'
import { Slice } from '../base/slice.js'
import { PageBuilder } from './page-builder.js'
import {
  BUCKET_FLAG, BUCKET_HEADER_BYTES, ELEMENT_BYTES, KEY_BYTES_MAX, MAGIC, META_BYTES, MetaField, PAGE_BYTES, PageField,
  PageFlag, VERSION, metaChecksum, viewOf,
} from './page-layout.js'

/** Where the file goes. Pages come in order; the first two again at the end. */
export interface PageOutput {
  write(bytes: Bytes, start: number, end: number, position: number): void
}

const FREELIST_PAGE = 2
const FIRST_PAGE = 3
/** As bbolt: a bucket that fits a quarter of a page stands in its parent. */
const INLINE_BYTES_MAX = PAGE_BYTES / 4
const OUTPUT_BYTES = 1024 * 1024

export class BboltWriter {
  readonly #output: PageOutput
  readonly #root: PageBuilder[] = [new PageBuilder(true)]
  /** Of the open bucket, leaf first. */
  #levels: PageBuilder[] = []
  #name: Bytes | null = null
  #lastName: Bytes | null = null
  readonly #lastKey = new Slice().at(new Uint8Array(KEY_BYTES_MAX), 0, 0)
  #nextPage = FIRST_PAGE
  #out: Bytes = new Uint8Array(OUTPUT_BYTES)
  #outBytes = 0
  /** Where the next byte of `#out` belongs in the file. */
  #written = 0

  constructor(output: PageOutput) {
    this.#output = output
    // Their contents come last, when the root is known.
    this.#outBytes = FREELIST_PAGE * PAGE_BYTES
    const at = this.#room(PAGE_BYTES)
    const freelist = new DataView(this.#out.buffer, at)
    freelist.setBigUint64(PageField.id, BigInt(FREELIST_PAGE), true)
    freelist.setUint16(PageField.flags, PageFlag.freelist, true)
  }

  /** Buckets come in the order of their names. */
  startBucket(name: string): void {
    assert(this.#name === null, 'buckets do not nest')
    const bytes = utf8(name)
    assert(this.#lastName === null || compareBytes(this.#lastName, bytes) < 0, `bucket ${name} out of order`)
    this.#name = bytes
    this.#levels = [new PageBuilder(true)]
    this.#lastKey.end = 0
  }

  /** Pairs come in the order of their keys. */
  pair(key: Slice, value: Slice): void {
    assert(this.#name !== null, 'a pair outside a bucket')
    this.#checkOrder(key)
    this.#addPair(this.#levels, 0, key, value)
  }

  endBucket(): void {
    const name = this.#name
    assert(name !== null, 'no bucket is open')
    const leaf = this.#levels[0] as PageBuilder
    const value = this.#levels.length === 1 && leaf.bytes <= INLINE_BYTES_MAX
      ? inlineBucket(leaf)
      : bucketHeader(this.#finishTree(this.#levels))
    this.#addPair(this.#root, BUCKET_FLAG, whole(name), whole(value))
    this.#lastName = name
    this.#name = null
  }

  /** Returns the length of the file. */
  finish(): number {
    assert(this.#name === null, 'a bucket is open')
    const root = this.#finishTree(this.#root)
    this.#flush()
    const metas = new Uint8Array(2 * PAGE_BYTES)
    for (let id = 0; id < 2; id++) writeMeta(metas.subarray(id * PAGE_BYTES), id, root, this.#nextPage)
    this.#output.write(metas, 0, metas.length, 0)
    return this.#written
  }

  #checkOrder(key: Slice): void {
    const last = this.#lastKey
    const length = key.end - key.start
    assert(length > 0 && length <= KEY_BYTES_MAX, `a key of ${length} bytes`)
    assert(last.end === 0 || compareBytes(last.view(), key.view()) < 0, 'keys of a bucket out of order')
    last.bytes.set(key.view(), 0)
    last.end = length
  }

  #addPair(levels: PageBuilder[], flags: number, key: Slice, value: Slice): void {
    const leaf = levels[0] as PageBuilder
    const bytes = leaf.bytes + ELEMENT_BYTES + key.end - key.start + value.end - value.start
    if (bytes > PAGE_BYTES && leaf.count > 0) this.#closePage(levels, 0)
    leaf.addPair(flags, key, value)
  }

  /** Writes the page of a level that is full, and tells its parent, which may be full then too. */
  #closePage(levels: PageBuilder[], level: number): void {
    const builder = levels[level] as PageBuilder
    const firstKey = whole(builder.firstKey())
    const page = this.#writePage(builder)
    if (levels.length === level + 1) levels.push(new PageBuilder(false))
    const parent = levels[level + 1] as PageBuilder
    const bytes = parent.bytes + ELEMENT_BYTES + firstKey.length
    if (bytes > PAGE_BYTES && parent.count > 1) this.#closePage(levels, level + 1)
    parent.addChild(firstKey, page)
  }

  /** Returns the root's page. */
  #finishTree(levels: PageBuilder[]): number {
    for (let level = 0; level < levels.length - 1; level++) this.#closePage(levels, level)
    return this.#writePage(levels.at(-1) as PageBuilder)
  }

  #writePage(builder: PageBuilder): number {
    const pages = Math.ceil(builder.bytes / PAGE_BYTES)
    const id = this.#nextPage
    this.#nextPage += pages
    const at = this.#room(pages * PAGE_BYTES)
    builder.write(this.#out, at, id, pages - 1)
    builder.clear()
    return id
  }

  /** Returns where zeros for so many bytes begin in `#out`. Read that anew afterwards. */
  #room(bytes: number): number {
    if (this.#outBytes + bytes > this.#out.length) {
      this.#flush()
      if (bytes > this.#out.length) this.#out = new Uint8Array(bytes)
    }
    const at = this.#outBytes
    this.#outBytes += bytes
    this.#out.fill(0, at, at + bytes)
    return at
  }

  #flush(): void {
    this.#output.write(this.#out, 0, this.#outBytes, this.#written)
    this.#written += this.#outBytes
    this.#outBytes = 0
  }
}

function whole(bytes: Bytes): Slice {
  return new Slice().at(bytes, 0, bytes.length)
}

function bucketHeader(root: number): Bytes {
  const value = new Uint8Array(BUCKET_HEADER_BYTES)
  viewOf(value).setBigUint64(0, BigInt(root), true)
  return value
}

function inlineBucket(leaf: PageBuilder): Bytes {
  const value = new Uint8Array(BUCKET_HEADER_BYTES + leaf.bytes)
  leaf.write(value, BUCKET_HEADER_BYTES, 0, 0)
  return value
}

function writeMeta(page: Bytes, id: number, root: number, high: number): void {
  const numbers = viewOf(page)
  numbers.setBigUint64(PageField.id, BigInt(id), true)
  numbers.setUint16(PageField.flags, PageFlag.meta, true)
  numbers.setUint32(MetaField.magic, MAGIC, true)
  numbers.setUint32(MetaField.version, VERSION, true)
  numbers.setUint32(MetaField.pageSize, PAGE_BYTES, true)
  numbers.setBigUint64(MetaField.root, BigInt(root), true)
  numbers.setBigUint64(MetaField.freelist, BigInt(FREELIST_PAGE), true)
  numbers.setBigUint64(MetaField.high, BigInt(high), true)
  numbers.setBigUint64(MetaField.txid, BigInt(id), true)
  numbers.setBigUint64(MetaField.checksum, metaChecksum(page.subarray(0, META_BYTES)), true)
}
