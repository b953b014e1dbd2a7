/**
 * Reads a bbolt file, one page for each level in memory, and believes nothing that it says about itself: what is wrong
 * is thrown as a BboltError that names the page.
 */

import { compareBytes, text, type Bytes } from '../base/bytes.js'
import { Slice } from '../base/slice.js'
import { BboltError } from './bbolt-error.js'
import { PageView } from './page-view.js'
import {
  BUCKET_HEADER_BYTES, DEPTH_MAX, MAGIC, META_BYTES, MetaField, NO_FREELIST, PageFlag, VERSION, metaChecksum, viewOf,
} from './page-layout.js'

export interface PageInput {
  readonly sizeBytes: number
  /** Reads target.length bytes from `position`; returns how many there were, fewer only at the end of the file. */
  read(target: Bytes, position: number): number
}

/** What an iteration points at: dead when it goes on. */
export interface Pair {
  readonly key: Slice
  readonly value: Slice
}

interface Meta {
  readonly pageBytes: number
  readonly root: bigint
  readonly freelist: bigint
  readonly high: number
  readonly txid: bigint
}

/** Where the second meta page can be when the first one does not say so. */
const PAGE_BYTES_MIN = 1024
const PAGE_BYTES_MAX = 65536
const FIRST_PAGE = 2

export class BboltReader {
  readonly #input: PageInput
  readonly #meta: Meta

  constructor(input: PageInput) {
    this.#input = input
    this.#meta = readMeta(input)
    const bytes = this.#meta.high * this.#meta.pageBytes
    if (input.sizeBytes < bytes) {
      throw new BboltError(`the file is too short: ${input.sizeBytes} bytes of at least ${bytes}`)
    }
  }

  /** Of the pages in use or free: what bbolt calls the size of the database. */
  get sizeBytes(): number {
    return this.#meta.high * this.#meta.pageBytes
  }

  get pageBytes(): number {
    return this.#meta.pageBytes
  }

  /** In their own order. */
  bucketNames(): string[] {
    const names: string[] = []
    for (const { key } of this.#tree(this.#page(this.#meta.root), true)) names.push(text(key.view()))
    return names
  }

  hasBucket(name: string): boolean {
    return this.bucketNames().includes(name)
  }

  /** All pairs in key order; none if there is no such bucket. */
  *pairs(bucket: string): Generator<Pair> {
    const root = this.#bucketRoot(bucket)
    if (root !== null) yield* this.#tree(root, false)
  }

  /** The value of a key, for buckets that are small. */
  get(bucket: string, key: string): Bytes | null {
    for (const pair of this.pairs(bucket)) if (text(pair.key.view()) === key) return pair.value.copy()
    return null
  }

  /**
   * Walks every page: each is reached once, none is free as well, all are well-formed and in order. Throws a BboltError
   * that says what is wrong.
   */
  check(): void {
    const seen = new PageSet(this.#meta.high)
    const freed = this.#freePages(seen)
    for (const { key, value } of this.#tree(this.#page(this.#meta.root, seen), true, seen)) {
      const name = text(key.view())
      const root = this.#rootOf(name, value, seen)
      let last: Bytes | null = null
      for (const pair of this.#tree(root, false, seen)) {
        if (last !== null && compareBytes(last, pair.key.view()) >= 0) {
          throw new BboltError(`bucket ${name}: keys out of order`)
        }
        last = pair.key.copy()
      }
    }
    if (!freed) return
    const lost = seen.firstMissing(FIRST_PAGE)
    if (lost !== null) throw new BboltError(`page ${lost}: unreachable unfreed`)
  }

  #bucketRoot(name: string): PageView | null {
    for (const { key, value } of this.#tree(this.#page(this.#meta.root), true)) {
      if (text(key.view()) === name) return this.#rootOf(name, value)
    }
    return null
  }

  #rootOf(name: string, value: Slice, seen?: PageSet): PageView {
    const bytes = value.copy()
    if (bytes.length < BUCKET_HEADER_BYTES) throw new BboltError(`bucket ${name}: ${bytes.length} bytes long`)
    const root = viewOf(bytes).getBigUint64(0, true)
    if (root !== 0n) return this.#page(root, seen)
    return new PageView(bytes.subarray(BUCKET_HEADER_BYTES), `inline page of bucket ${name}`)
  }

  /** `buckets`: the leaves hold buckets, and none otherwise. */
  *#tree(page: PageView, buckets: boolean, seen?: PageSet, depth = 0): Generator<Pair> {
    if (depth > DEPTH_MAX) throw new BboltError(`${page.name}: deeper than ${DEPTH_MAX} pages`)
    const pair = { key: new Slice(), value: new Slice() }
    if (page.isLeaf) {
      for (let i = 0; i < page.count; i++) {
        page.pair(i, pair.key, pair.value)
        if (page.isBucket(i) !== buckets) throw new BboltError(`${page.name}: element ${i} is of the wrong kind`)
        yield pair
      }
      return
    }
    for (let i = 0; i < page.count; i++) {
      const child = this.#page(page.child(i, pair.key), seen)
      const first = child.count > 0 ? child.key(0) : null
      if (first === null) throw new BboltError(`${child.name}: empty below a branch`)
      if (compareBytes(pair.key.view(), first) > 0) throw new BboltError(`${child.name}: before its place`)
      yield* this.#tree(child, buckets, seen, depth + 1)
    }
  }

  #page(id: bigint, seen?: PageSet): PageView {
    const { pageBytes, high } = this.#meta
    if (id < BigInt(FIRST_PAGE) || id >= BigInt(high)) throw new BboltError(`page ${id}: out of bounds: ${high}`)
    const number = Number(id)
    const head = this.#read(number, pageBytes, `page ${id}`)
    const numbers = viewOf(head)
    if (numbers.getBigUint64(0, true) !== id) {
      throw new BboltError(`page ${id}: calls itself page ${numbers.getBigUint64(0, true)}`)
    }
    const pages = 1 + numbers.getUint32(12, true)
    if (number + pages > high) throw new BboltError(`page ${id}: overflows the file`)
    for (let i = 0; i < pages; i++) seen?.add(number + i, 'multiple references')
    const bytes = pages === 1 ? head : this.#read(number, pages * pageBytes, `page ${id}`)
    return new PageView(bytes, `page ${id}`)
  }

  #read(page: number, bytes: number, name: string): Bytes {
    const target = new Uint8Array(bytes)
    if (this.#input.read(target, page * this.#meta.pageBytes) < bytes) throw new BboltError(`${name}: cut off`)
    return target
  }

  /** False if the file does not list its free pages. */
  #freePages(seen: PageSet): boolean {
    const { freelist, pageBytes, high } = this.#meta
    if (freelist === NO_FREELIST) return false
    if (freelist < BigInt(FIRST_PAGE) || freelist >= BigInt(high)) throw new BboltError(`freelist: page ${freelist}`)
    const id = Number(freelist)
    const overflow = viewOf(this.#read(id, pageBytes, 'freelist')).getUint32(12, true)
    if (id + overflow >= high) throw new BboltError('freelist: overflows the file')
    for (let i = 0; i <= overflow; i++) seen.add(id + i, 'multiple references')
    const page = new PageView(this.#read(id, (1 + overflow) * pageBytes, 'freelist'), 'freelist', PageFlag.freelist)
    for (const free of page.freePages()) {
      if (free < FIRST_PAGE || free >= high) throw new BboltError(`freelist: page ${free} is out of bounds`)
      seen.add(free, 'reachable and freed')
    }
    return true
  }
}

/** One bit for each page of the file. */
class PageSet {
  readonly #bits: Uint8Array
  readonly #count: number

  constructor(count: number) {
    this.#count = count
    this.#bits = new Uint8Array(Math.ceil(count / 8))
  }

  add(page: number, problem: string): void {
    const bit = 1 << (page & 7)
    const byte = this.#bits[page >>> 3] as number
    if ((byte & bit) !== 0) throw new BboltError(`page ${page}: ${problem}`)
    this.#bits[page >>> 3] = byte | bit
  }

  firstMissing(from: number): number | null {
    for (let page = from; page < this.#count; page++) {
      if (((this.#bits[page >>> 3] as number) & (1 << (page & 7))) === 0) return page
    }
    return null
  }
}

/** The newer one of the two that are whole. */
function readMeta(input: PageInput): Meta {
  const first = metaAt(input, 0, null)
  if (first !== null) {
    const second = metaAt(input, first.pageBytes, first.pageBytes)
    return second !== null && second.txid > first.txid ? second : first
  }
  for (let pageBytes = PAGE_BYTES_MIN; pageBytes <= PAGE_BYTES_MAX; pageBytes *= 2) {
    const second = metaAt(input, pageBytes, pageBytes)
    if (second !== null) return second
  }
  throw new BboltError('not a bbolt database, or both of its meta pages are damaged')
}

function metaAt(input: PageInput, position: number, pageBytes: number | null): Meta | null {
  const bytes = new Uint8Array(META_BYTES)
  if (input.read(bytes, position) < META_BYTES) return null
  const numbers = viewOf(bytes)
  const said = numbers.getUint32(MetaField.pageSize, true)
  const isWhole = numbers.getUint32(MetaField.magic, true) === MAGIC
    && numbers.getUint32(MetaField.version, true) === VERSION
    && numbers.getBigUint64(MetaField.checksum, true) === metaChecksum(bytes)
  if (!isWhole || said < PAGE_BYTES_MIN || said > PAGE_BYTES_MAX) return null
  if (pageBytes !== null && said !== pageBytes) return null
  const high = numbers.getBigUint64(MetaField.high, true)
  if (high > BigInt(Math.floor(Number.MAX_SAFE_INTEGER / said))) return null
  return {
    pageBytes: said,
    root: numbers.getBigUint64(MetaField.root, true),
    freelist: numbers.getBigUint64(MetaField.freelist, true),
    high: Number(high),
    txid: numbers.getBigUint64(MetaField.txid, true),
  }
}
