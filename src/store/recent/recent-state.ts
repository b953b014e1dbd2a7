/**
 * What every commit says of recent rows, in the store itself, so that a snapshot knows which of them are its own.
 *
 * ```
 * row `recent` of table meta:
 * format (4) | slot (4) | has older (4) | 0 (4) | stamp (8) | settled (8) | older settled (8)
 * ```
 */

import { assertEqual } from '../../base/assert.js'
import { utf8 } from '../../base/bytes.js'
import { Slice } from '../../base/slice.js'
import { TABLE, type StoreView, type WriteTransaction } from '../store.js'

const KEY = utf8('recent')
const FORMAT = 1
const BYTES = 40

export class RecentState {
  /** The newest slot in force; 0 when none is, and all rows are in the file. */
  slot = 0
  /** Whether the one before is in force as well. */
  hasOlder = false
  /** Counts commits. */
  stamp = 0
  /** All rows that stand for revisions up to this one are in the file; see keyspace/tables/settle-recent.ts. */
  settled = 0
  /** And up to this one, once the older slot is. */
  olderSettled = 0
  readonly #row = new Slice()
  readonly #buffer = new Uint8Array(BYTES)
  readonly #fields = new DataView(this.#buffer.buffer)

  /** False, and as of a store without recent rows, when the store says nothing. */
  read(view: StoreView): boolean {
    if (!view.get(TABLE.meta, KEY, 0, KEY.length, this.#row)) {
      this.slot = this.stamp = this.settled = this.olderSettled = 0
      this.hasOlder = false
      return false
    }
    const { bytes, start, end } = this.#row
    assertEqual(end - start, BYTES, 'length of the row of recent rows')
    for (let i = 0; i < BYTES; i++) this.#buffer[i] = bytes[start + i] as number
    const fields = this.#fields
    assertEqual(fields.getUint32(0, true), FORMAT, 'format of the row of recent rows')
    this.slot = fields.getInt32(4, true)
    this.hasOlder = fields.getInt32(8, true) !== 0
    this.stamp = fields.getFloat64(16, true)
    this.settled = fields.getFloat64(24, true)
    this.olderSettled = fields.getFloat64(32, true)
    return true
  }

  write(transaction: WriteTransaction): void {
    const fields = this.#fields
    fields.setUint32(0, FORMAT, true)
    fields.setInt32(4, this.slot, true)
    fields.setInt32(8, this.hasOlder ? 1 : 0, true)
    fields.setFloat64(16, this.stamp, true)
    fields.setFloat64(24, this.settled, true)
    fields.setFloat64(32, this.olderSettled, true)
    transaction.put(TABLE.meta, KEY, 0, KEY.length, this.#buffer, 0, BYTES)
  }

  copyFrom(other: RecentState): void {
    this.slot = other.slot
    this.hasOlder = other.hasOlder
    this.stamp = other.stamp
    this.settled = other.settled
    this.olderSettled = other.olderSettled
  }
}
