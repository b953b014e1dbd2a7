/** Random numbers from the system. */

import { randomFillSync } from 'node:crypto'

const ID_BYTES = 8
/** Numbers that are fetched together: one at a time costs some 10 us each, most of it the way to the system. */
const IDS = 64

/** Returns 64 unpredictable bits at every call. */
export function randomIds(): () => bigint {
  const pool = Buffer.alloc(IDS * ID_BYTES)
  let at = pool.length
  return () => {
    if (at === pool.length) {
      randomFillSync(pool)
      at = 0
    }
    at += ID_BYTES
    return pool.readBigUInt64LE(at - ID_BYTES)
  }
}
