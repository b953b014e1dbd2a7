/** What transaction n of the thread of threads-writer.ts writes: a reader that knows n knows every row. */

import { utf8, type Bytes } from '../../../src/base/bytes.js'
import { Prng } from '../../../src/base/prng.js'
import { TABLE, type Table } from '../../../src/store/store.js'

export const SLOT_BYTES = 64 * 1024
const KEYS = 3000
const WRITES_MAX = 24
const VALUE_BYTES_MAX = 120
/** Now and then a transaction does not fit into a slot. */
const HUGE_EVERY = 997
const HUGE_BYTES = 80_000

/** Written by every transaction, spread over all keys. */
export const MARKERS: readonly Bytes[] = Array.from({ length: 9 }, (_, i) => utf8(`key-${i}9999`))

export interface CounterWrite {
  readonly table: Table
  readonly key: string
  /** 0: the row is removed. */
  readonly bytes: number
}

export function writesOf(commit: number): CounterWrite[] {
  const prng = new Prng(commit)
  const writes: CounterWrite[] = []
  const count = prng.between(1, WRITES_MAX)
  for (let i = 0; i < count; i++) {
    const number = String(prng.between(0, KEYS - 1)).padStart(5, '0')
    const key = `key-${number[4]}${number.slice(0, 4)}`
    const isRemoval = prng.chance(0.2)
    // A key moves between the tables as it does when it is deleted and made again.
    const [here, there] = prng.chance(0.3) ? [TABLE.deleted, TABLE.latest] : [TABLE.latest, TABLE.deleted]
    writes.push({ table: there, key, bytes: 0 })
    writes.push({ table: here, key, bytes: isRemoval ? 0 : prng.between(4, VALUE_BYTES_MAX) })
  }
  if (commit % HUGE_EVERY === 0) writes.push({ table: TABLE.latest, key: 'key-4huge', bytes: HUGE_BYTES })
  return writes
}
