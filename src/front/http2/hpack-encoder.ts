/**
 * Encodes header blocks (RFC 7541) without a dynamic table of our own, so that a block depends on its fields alone
 * and can be built once and sent on any connection. Serves both roles.
 *
 * A connection whose first block begins with TABLE_SIZE_ZERO may ignore the peer's SETTINGS_HEADER_TABLE_SIZE for
 * ever: the announced size cannot be reduced any further (RFC 7541 section 4.2).
 */

import { huffmanBytes, writeHuffman } from './hpack-huffman.js'
import { STATIC_ENTRY_COUNT, STATIC_TABLE, type HeaderField } from './hpack-static-table.js'

/** The one-octet dynamic table size update to zero. */
export const TABLE_SIZE_ZERO = 0x20

export interface HeaderEncoding {
  /**
   * `incremental` asks the peer to keep the field in its dynamic table (it then has index 62, or above when later
   * ones follow): for a caller that tracks the table itself. `never` forbids proxies to index it.
   */
  readonly indexing?: 'none' | 'incremental' | 'never'
  /** Huffman-code a string where that is shorter. Costs both sides time; off unless asked for. */
  readonly isHuffman?: boolean
}

const staticIndexOfField = new Map<string, number>()
const staticIndexOfName = new Map<string, number>()
for (let index = STATIC_ENTRY_COUNT; index >= 1; index--) {
  const { name, value } = STATIC_TABLE[index] as HeaderField
  // Walking down leaves the lowest index, as most encoders choose.
  staticIndexOfField.set(`${name}\0${value}`, index)
  staticIndexOfName.set(name, index)
}

/** A block of all `fields`, in a buffer of its own. Strings hold one octet per character. */
export function encodeHeaderBlock(
  fields: readonly HeaderField[],
  encoding: HeaderEncoding = {},
): Buffer {
  const block = Buffer.allocUnsafeSlow(headerBlockBytesMax(fields))
  let at = 0
  for (const field of fields) at = writeField(block, at, field, encoding)
  return block.subarray(0, at)
}

/** Enough room for `fields` in any encoding. */
export function headerBlockBytesMax(fields: readonly HeaderField[]): number {
  let bytes = 0
  for (const { name, value } of fields) bytes += name.length + value.length + 2 * INTEGER_BYTES_MAX
  return bytes
}

const INTEGER_BYTES_MAX = 6

/** Writes one field at `at` and returns the offset behind it. */
export function writeField(
  bytes: Uint8Array,
  at: number,
  field: HeaderField,
  encoding: HeaderEncoding,
): number {
  const { name, value } = field
  const indexing = encoding.indexing ?? 'none'
  const whole = indexing === 'never' ? undefined : staticIndexOfField.get(`${name}\0${value}`)
  if (whole !== undefined) return writeIndexed(bytes, at, whole)
  const prefixBits = indexing === 'incremental' ? 6 : 4
  const pattern = indexing === 'incremental' ? 0x40 : indexing === 'never' ? 0x10 : 0x00
  const isHuffman = encoding.isHuffman === true
  const nameIndex = staticIndexOfName.get(name) ?? 0
  let to = writeInteger(bytes, at, pattern, prefixBits, nameIndex)
  if (nameIndex === 0) to = writeString(bytes, to, name, isHuffman)
  return writeString(bytes, to, value, isHuffman)
}

/** A field that both tables know by `index` (62 is the newest dynamic entry). */
export function writeIndexed(bytes: Uint8Array, at: number, index: number): number {
  return writeInteger(bytes, at, 0x80, 7, index)
}

/** Section 5.1: `pattern` holds the bits above the prefix. */
export function writeInteger(
  bytes: Uint8Array,
  at: number,
  pattern: number,
  prefixBits: number,
  value: number,
): number {
  const prefixMax = (1 << prefixBits) - 1
  if (value < prefixMax) {
    bytes[at] = pattern | value
    return at + 1
  }
  bytes[at] = pattern | prefixMax
  let to = at + 1
  let rest = value - prefixMax
  while (rest >= 0x80) {
    bytes[to++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[to] = rest
  return to + 1
}

function writeString(bytes: Uint8Array, at: number, text: string, isHuffman: boolean): number {
  const coded = isHuffman ? huffmanBytes(text) : text.length
  if (coded < text.length) {
    return writeHuffman(bytes, writeInteger(bytes, at, 0x80, 7, coded), text)
  }
  const to = writeInteger(bytes, at, 0x00, 7, text.length)
  for (let i = 0; i < text.length; i++) bytes[to + i] = text.charCodeAt(i)
  return to + text.length
}
