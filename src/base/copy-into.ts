/** Copying between byte ranges, with the cheapest way for each size. */

import type { Bytes } from './bytes.js'
import type { Slice } from './slice.js'

/** Below this a loop beats the call and the view that `set` needs. */
const LOOP_BYTES_MAX = 64

/** Copies source[start, end) to target at `at` and returns the offset after the copy. */
export function copyRange(target: Bytes, at: number, source: Bytes, start: number, end: number): number {
  const length = end - start
  if (length <= LOOP_BYTES_MAX) {
    for (let i = 0; i < length; i++) target[at + i] = source[start + i] as number
  } else {
    target.set(source.subarray(start, end), at)
  }
  return at + length
}

/** Copies all of a byte string or slice to target at `at` and returns the offset after the copy. */
export function copyInto(target: Bytes, at: number, source: Bytes | Slice): number {
  if (source instanceof Uint8Array) return copyRange(target, at, source, 0, source.length)
  return copyRange(target, at, source.bytes, source.start, source.end)
}
