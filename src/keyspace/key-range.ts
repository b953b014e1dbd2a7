/** Ranges of keys, and the three ways in which the wire names them. */

import { EMPTY_BYTES, type Bytes } from '../base/bytes.js'

/** A put is held to these before it is proposed; a row of the store must take a key whole, a value may take several. */
export const KEY_BYTES_MAX = 8 * 1024 * 1024
export const VALUE_BYTES_MAX = 256 * 1024 * 1024

/** Half-open range of keys; `to` null: to the end of the key space. A single key k is [k, k+\0). */
export interface KeyRange {
  readonly from: Bytes
  readonly to: Bytes | null
  readonly single: boolean
}

export const ALL_KEYS: KeyRange = Object.freeze({ from: EMPTY_BYTES, to: null, single: false })

/** Wire rules: an empty end means the key alone, a single zero byte everything from the key on. */
export function keyRange(key: Bytes, rangeEnd: Bytes): KeyRange {
  if (rangeEnd.length === 0) {
    const to = new Uint8Array(key.length + 1)
    to.set(key)
    return { from: key, to, single: true }
  }
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return { from: key, to: null, single: false }
  return { from: key, to: rangeEnd, single: false }
}
