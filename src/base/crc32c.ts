/**
 * CRC-32C (Castagnoli), the checksum of WAL records, snapshot files and HashKV. Slicing by eight: eight table look-ups
 * per eight bytes instead of one per byte. Bytes that live in a `Crc32cMemory` are checked nearly twice as fast.
 */

import type { Bytes } from './bytes.js'

/** 0x1EDC6F41 with its bits reversed, because the CRC takes the lowest bit first. */
const POLYNOMIAL_REVERSED = 0x82f63b78

/** Table k holds the CRC of each byte value followed by k zero bytes; table k starts at k * 256. */
export function crc32cTables(count: number): Int32Array {
  const tables = new Int32Array(count * 256)
  for (let value = 0; value < 256; value++) {
    let crc = value
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL_REVERSED : crc >>> 1
    tables[value] = crc
  }
  // The other tables look up any entry of the first, so it must be complete before they begin.
  for (let at = 256; at < tables.length; at++) {
    const crc = tables[at - 256] as number
    tables[at] = (crc >>> 8) ^ (tables[crc & 255] as number)
  }
  return tables
}

const TABLES = crc32cTables(8)
const T0 = TABLES.subarray(0, 256)
const T1 = TABLES.subarray(256, 512)
const T2 = TABLES.subarray(512, 768)
const T3 = TABLES.subarray(768, 1024)
const T4 = TABLES.subarray(1024, 1280)
const T5 = TABLES.subarray(1280, 1536)
const T6 = TABLES.subarray(1536, 1792)
const T7 = TABLES.subarray(1792, 2048)

/** The CRC of what `crc` covers followed by bytes[start, end). Begin with 0. Unsigned. */
export function crc32cUpdate(crc: number, bytes: Bytes, start: number, end: number): number {
  let c = ~crc
  let i = start
  for (const stop = end - 7; i < stop; i += 8) {
    c = (T7[(c ^ (bytes[i] as number)) & 255] as number)
      ^ (T6[((c >>> 8) ^ (bytes[i + 1] as number)) & 255] as number)
      ^ (T5[((c >>> 16) ^ (bytes[i + 2] as number)) & 255] as number)
      ^ (T4[(c >>> 24) ^ (bytes[i + 3] as number)] as number)
      ^ (T3[bytes[i + 4] as number] as number)
      ^ (T2[bytes[i + 5] as number] as number)
      ^ (T1[bytes[i + 6] as number] as number)
      ^ (T0[bytes[i + 7] as number] as number)
  }
  for (; i < end; i++) c = (c >>> 8) ^ (T0[(c ^ (bytes[i] as number)) & 255] as number)
  return ~c >>> 0
}

/** The CRC-32C of all of `bytes`. */
export function crc32c(bytes: Bytes): number {
  return crc32cUpdate(0, bytes, 0, bytes.length)
}
