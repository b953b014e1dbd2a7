/** Compressed request messages. Answers are always sent as they are, which every client must take. */

import { gunzipSync } from 'node:zlib'

export type Inflated =
  | { readonly ok: true; readonly bytes: Buffer }
  | { readonly ok: false; readonly code: 'too-large' | 'corrupt'; readonly reason: string }

/** Never makes more than `bytesMax` octets, whatever it is given. */
export function inflate(bytes: Buffer, start: number, end: number, bytesMax: number): Inflated {
  try {
    // The limit must be at least 1, and is checked against what was made before the last piece is cut off.
    const inflated = gunzipSync(bytes.subarray(start, end), { maxOutputLength: Math.max(1, bytesMax) })
    return { ok: true, bytes: inflated }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ERR_BUFFER_TOO_LARGE') return { ok: false, code: 'too-large', reason: message }
    return { ok: false, code: 'corrupt', reason: message }
  }
}
