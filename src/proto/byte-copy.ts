/**
 * Copies between byte arrays without a view where that is cheaper: making a typed array view costs
 * more than moving a short key.
 */

import { EMPTY_BYTES, type Bytes } from '../base/bytes.js'

/** Above this, `set` of a view beats a loop (measured on Node 20). */
const LOOP_BYTES_MAX = 40

/** Copies `source` from `start` to `end` to `target` at `at`; returns the offset after the copy. */
export function copyInto(
  target: Bytes, at: number, source: Bytes, start: number, end: number,
): number {
  const length = end - start
  if (length > LOOP_BYTES_MAX) {
    target.set(source.subarray(start, end), at)
  } else {
    for (let i = 0; i < length; i++) target[at + i] = source[start + i] as number
  }
  return at + length
}

/** A copy of `source` from `start` to `end` in an ArrayBuffer of its own, also when `source` is shared memory. */
export function copyOut(source: Bytes, start: number, end: number): Bytes {
  return start === end ? EMPTY_BYTES : new Uint8Array(viewOf(source, start, end))
}

/** `source` from `start` to `end` without copying; a plain Uint8Array also when `source` is a Buffer. */
export function viewOf(source: Bytes, start: number, end: number): Bytes {
  return start === end ? EMPTY_BYTES : new Uint8Array(source.buffer, source.byteOffset + start, end - start)
}
