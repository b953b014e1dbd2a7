/**
 * The pages of a bbolt file, format 2: what etcd keeps its data in and what its snapshots are.
 *
 * ```
 * page      0    8       10      12         16
 *           | id | flags | count | overflow | contents, and `overflow` more pages of them
 * meta      16      20        24         28      32     40         48         56     64     72
 *           | magic | version | pageSize | flags | root | sequence | freelist | high | txid | FNV-1a of 16..72 |
 * leaf      count x | flags u32 | pos u32 | ksize u32 | vsize u32 |, then keys and values
 * branch    count x | pos u32 | ksize u32 | child u64 |, then keys
 * ```
 *
 * All numbers are little-endian. `pos` counts from the element that it stands in. A leaf element with BUCKET_FLAG names
 * a bucket: its value is root page and sequence, and behind them a whole leaf page if the root is 0 (an inline bucket).
 */

import type { Bytes } from '../base/bytes.js'

export const MAGIC = 0xed0cdaed
export const VERSION = 2
export const PAGE_BYTES = 4096

export const PageFlag = Object.freeze({ branch: 1, leaf: 2, meta: 4, freelist: 16 })
export const BUCKET_FLAG = 1

export const PAGE_HEADER_BYTES = 16
export const ELEMENT_BYTES = 16
export const BUCKET_HEADER_BYTES = 16
/** Page header and meta. */
export const META_BYTES = 80

export const PageField = Object.freeze({ id: 0, flags: 8, count: 10, overflow: 12 })
export const MetaField = Object.freeze({
  magic: 16, version: 20, pageSize: 24, flags: 28, root: 32, sequence: 40, freelist: 48, high: 56, txid: 64,
  checksum: 72,
})

/** In the freelist field of a file whose free pages are found by looking at all others, as etcd has them. */
export const NO_FREELIST = 0xffff_ffff_ffff_ffffn

/** A count of free pages that is this means: the first of them is the count. */
export const COUNT_ELSEWHERE = 0xffff

export const KEY_BYTES_MAX = 32768

/** The most pages that a bucket is deep; more is a circle. */
export const DEPTH_MAX = 64

const FNV_OFFSET = 0xcbf29ce484222325n
const FNV_PRIME = 0x100000001b3n

/** Of a page's meta, over all of it but the checksum itself. */
export function metaChecksum(page: Bytes): bigint {
  let hash = FNV_OFFSET
  for (let at = PAGE_HEADER_BYTES; at < MetaField.checksum; at++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(page[at] as number)) * FNV_PRIME)
  }
  return hash
}

export function viewOf(bytes: Bytes): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
