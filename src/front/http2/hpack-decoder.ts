/**
 * Decodes any legal HPACK header block (RFC 7541) within bounds. One decoder serves one direction of one connection,
 * because the dynamic table is part of the connection's state. Serves both roles.
 */

import { HEADER_TABLE_BYTES_DEFAULT } from './frame-layout.js'
import { HeaderBlockCache } from './header-block-cache.js'
import { HpackDynamicTable } from './hpack-dynamic-table.js'
import { decodeHuffman, decodedHuffmanBytesMax } from './hpack-huffman.js'
import {
  STATIC_ENTRY_COUNT,
  STATIC_TABLE,
  fieldBytes,
  type HeaderField,
} from './hpack-static-table.js'

/** Never changed once made: equal blocks may be answered with the same object. */
export interface HeaderBlock {
  readonly fields: readonly HeaderField[]
  /** The list's size as SETTINGS_MAX_HEADER_LIST_SIZE counts it, over the limit included. */
  readonly listBytes: number
  /** The list was larger than allowed: `fields` is incomplete, the dynamic table is still in step. */
  readonly isTooLarge: boolean
  /** What the reader made of the fields, kept so that a repeated block is interpreted once. */
  interpretation: unknown
}

export interface HpackDecoderOptions {
  /** Our own SETTINGS_HEADER_TABLE_SIZE. */
  readonly tableBytesMax?: number
  /** Our own SETTINGS_MAX_HEADER_LIST_SIZE. */
  readonly listBytesMax?: number
  /** False where every block differs, or to measure. */
  readonly isCaching?: boolean
}

const LIST_BYTES_MAX_DEFAULT = 64 * 1024
/** Four continuation octets: far above any index or length that other limits let through. */
const INTEGER_SHIFT_MAX = 28
const INVALID = -1

/** Shared by all decoders of a thread: nothing of it outlives one string. */
let scratch = Buffer.allocUnsafeSlow(4096)

export class HpackDecoder {
  /** Why the last `decode` returned null. Every failure is a COMPRESSION_ERROR of the connection. */
  failure = ''

  readonly #table: HpackDynamicTable
  readonly #tableBytesMax: number
  readonly #listBytesMax: number
  readonly #cache: HeaderBlockCache | null
  #blocksFromCache = 0
  #bytes: Buffer = scratch
  #at = 0
  #end = 0

  constructor(options: HpackDecoderOptions = {}) {
    this.#tableBytesMax = options.tableBytesMax ?? HEADER_TABLE_BYTES_DEFAULT
    this.#listBytesMax = options.listBytesMax ?? LIST_BYTES_MAX_DEFAULT
    this.#table = new HpackDynamicTable(this.#tableBytesMax)
    this.#cache = options.isCaching === false ? null : new HeaderBlockCache()
  }

  /** The block in `bytes[start, end)`, whole. Null, with `failure` set, when it is not legal. */
  decode(bytes: Buffer, start: number, end: number): HeaderBlock | null {
    const cache = this.#cache
    const version = this.#table.version
    if (cache !== null) {
      const known = cache.find(bytes, start, end, version)
      if (known !== null) {
        this.#blocksFromCache++
        return known
      }
    }
    this.#bytes = bytes
    this.#at = start
    this.#end = end
    const mayChangeSize = end > start && ((bytes[start] as number) & 0xe0) === 0x20
    const block = this.#readBlock()
    this.#bytes = scratch
    if (block !== null && cache !== null && !mayChangeSize && version === this.#table.version) {
      cache.store(bytes, start, end, version, block)
    }
    return block
  }

  /** Blocks answered from the cache since the last question. */
  takeBlocksFromCache(): number {
    const count = this.#blocksFromCache
    this.#blocksFromCache = 0
    return count
  }

  /** Entries in the dynamic table, newest first; for tests and dumps. */
  dynamicTable(): HeaderField[] {
    const fields: HeaderField[] = []
    for (let i = 0; i < this.#table.count; i++) fields.push(this.#table.at(i) as HeaderField)
    return fields
  }

  get dynamicTableBytes(): number {
    return this.#table.bytes
  }

  #readBlock(): HeaderBlock | null {
    if (!this.#readSizeUpdates()) return null
    const fields: HeaderField[] = []
    let listBytes = 0
    while (this.#at < this.#end) {
      const first = this.#bytes[this.#at] as number
      const isKept = listBytes < this.#listBytesMax
      let field: HeaderField | null
      if (first >= 0x80) {
        field = this.#readIndexed()
      } else if (first >= 0x40) {
        field = this.#readLiteral(6)
        if (field !== null) this.#table.insert(field)
      } else if (first >= 0x20) {
        // Section 4.2: only at the beginning of a block.
        return this.#fail('table size update inside a header block')
      } else {
        field = this.#readLiteral(4)
      }
      if (field === null) return null
      listBytes += fieldBytes(field.name, field.value)
      if (isKept && listBytes <= this.#listBytesMax) fields.push(field)
    }
    const isTooLarge = listBytes > this.#listBytesMax
    return { fields, listBytes, isTooLarge, interpretation: undefined }
  }

  #readSizeUpdates(): boolean {
    while (this.#at < this.#end && ((this.#bytes[this.#at] as number) & 0xe0) === 0x20) {
      const size = this.#readInteger(5)
      if (size === INVALID) return false
      if (size > this.#tableBytesMax) {
        this.#fail('table size update above SETTINGS_HEADER_TABLE_SIZE')
        return false
      }
      this.#table.resize(size)
    }
    return true
  }

  #readIndexed(): HeaderField | null {
    const index = this.#readInteger(7)
    return index === INVALID ? null : this.#fieldAt(index)
  }

  #readLiteral(prefixBits: number): HeaderField | null {
    const index = this.#readInteger(prefixBits)
    if (index === INVALID) return null
    let name: string | null
    if (index === 0) {
      name = this.#readString()
    } else {
      const named = this.#fieldAt(index)
      name = named === null ? null : named.name
    }
    if (name === null) return null
    const value = this.#readString()
    if (value === null) return null
    return { name, value }
  }

  #fieldAt(index: number): HeaderField | null {
    if (index === 0) return this.#fail('index 0')
    if (index <= STATIC_ENTRY_COUNT) return STATIC_TABLE[index] as HeaderField
    const field = this.#table.at(index - STATIC_ENTRY_COUNT - 1)
    return field === undefined ? this.#fail('index beyond the dynamic table') : field
  }

  /** Section 5.1. */
  #readInteger(prefixBits: number): number {
    const prefixMax = (1 << prefixBits) - 1
    let value = (this.#bytes[this.#at++] as number) & prefixMax
    if (value < prefixMax) return value
    for (let shift = 0; shift < INTEGER_SHIFT_MAX; shift += 7) {
      if (this.#at >= this.#end) {
        this.#fail('integer cut off')
        return INVALID
      }
      const octet = this.#bytes[this.#at++] as number
      value += (octet & 0x7f) << shift
      if (octet < 0x80) return value
    }
    this.#fail('integer too large')
    return INVALID
  }

  /** Section 5.2. */
  #readString(): string | null {
    if (this.#at >= this.#end) return this.#fail('string cut off')
    const isHuffman = (this.#bytes[this.#at] as number) >= 0x80
    const length = this.#readInteger(7)
    if (length === INVALID) return null
    const start = this.#at
    if (length > this.#end - start) return this.#fail('string longer than its block')
    this.#at = start + length
    if (!isHuffman) return this.#bytes.toString('latin1', start, start + length)
    const room = decodedHuffmanBytesMax(length)
    if (room > scratch.length) scratch = Buffer.allocUnsafeSlow(room)
    const decoded = decodeHuffman(this.#bytes, start, start + length, scratch)
    return decoded < 0 ? this.#fail('wrong Huffman code') : scratch.toString('latin1', 0, decoded)
  }

  #fail(reason: string): null {
    this.failure = reason
    return null
  }
}
