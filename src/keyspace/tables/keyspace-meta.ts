/** The one row of facts that every transaction updates and every snapshot reads first. */

import { assert, assertEqual } from '../../base/assert.js'
import { utf8 } from '../../base/bytes.js'
import { Slice } from '../../base/slice.js'
import { TABLE, type StoreView, type WriteTransaction } from '../../store/store.js'

const STATE_KEY = utf8('state')

/**
 * Written into the row; a store of another layout is refused. 2: rows may be missing in tables `latest` and `deleted`
 * that are made anew from revisions (settle-recent.ts), which who knows only 1 would not do.
 */
const FORMAT = 2
/** All that were ever written, and are read. */
export const STORE_FORMATS: readonly number[] = [1, FORMAT]

const STATE_BYTES = 14 * 8
/** Of a store that has seen its whole log. */
const STATE_HASH_SEED = 1

export class KeyspaceMeta {
  /** Raft index and term of the last entry applied. */
  appliedIndex = 0
  appliedTerm = 0
  /** A fresh store is at revision 1, so that the first write makes 2. */
  currentRevision = 1
  /** Reads below it are refused; -1 on a store that was never compacted. */
  compactRevision = -1
  leaseClockMs = 0
  /** Rows of `latest` and `latestLong` that are keys. */
  liveKeys = 0
  /** Rows of `deleted` and `deletedLong` that are keys. */
  deletedKeys = 0
  /** Keys in any of the long tables; while it is 0 nobody looks there. */
  longKeys = 0
  /** Physical compaction is complete up to here; -1 before the first. */
  compactedMain = -1
  /** The revision up to which the compaction under way, or the last one, removes. Older reads may miss rows. */
  compactTarget = -1
  /** The next row of `revisions` that the compaction under way looks at. */
  compactMain = 0
  compactSub = 0
  /**
   * What every entry did, folded into a signed number of 32 bits, which needs no object; equal on all members at the
   * same applied index. 0 on a store that began with another server's data, where nobody knows what members have in
   * common.
   */
  stateHash = STATE_HASH_SEED

  readonly #row = new Slice()
  readonly #buffer = new Uint8Array(STATE_BYTES)
  readonly #numbers = new DataView(this.#buffer.buffer)

  read(view: StoreView): this {
    if (!view.get(TABLE.meta, STATE_KEY, 0, STATE_KEY.length, this.#row)) return this.#fresh()
    const { bytes, start, end } = this.#row
    assertEqual(end - start, STATE_BYTES, 'length of the state row')
    for (let i = 0; i < STATE_BYTES; i++) this.#buffer[i] = bytes[start + i] as number
    if (!STORE_FORMATS.includes(this.#number(0))) assertEqual(this.#number(0), FORMAT, 'format of the store')
    this.appliedIndex = this.#number(1)
    this.appliedTerm = this.#number(2)
    this.currentRevision = this.#number(3)
    this.compactRevision = this.#number(4)
    this.leaseClockMs = this.#number(5)
    this.liveKeys = this.#number(6)
    this.deletedKeys = this.#number(7)
    this.longKeys = this.#number(8)
    this.compactedMain = this.#number(9)
    this.compactTarget = this.#number(10)
    this.compactMain = this.#number(11)
    this.compactSub = this.#number(12)
    this.stateHash = this.#number(13)
    return this
  }

  write(transaction: WriteTransaction): void {
    assert(this.liveKeys >= 0 && this.deletedKeys >= 0 && this.longKeys >= 0, 'a count of keys fell below zero')
    this.#set(0, FORMAT)
    this.#set(1, this.appliedIndex)
    this.#set(2, this.appliedTerm)
    this.#set(3, this.currentRevision)
    this.#set(4, this.compactRevision)
    this.#set(5, this.leaseClockMs)
    this.#set(6, this.liveKeys)
    this.#set(7, this.deletedKeys)
    this.#set(8, this.longKeys)
    this.#set(9, this.compactedMain)
    this.#set(10, this.compactTarget)
    this.#set(11, this.compactMain)
    this.#set(12, this.compactSub)
    this.#set(13, this.stateHash)
    transaction.put(TABLE.meta, STATE_KEY, 0, STATE_KEY.length, this.#buffer, 0, STATE_BYTES)
  }

  #fresh(): this {
    this.appliedIndex = 0
    this.appliedTerm = 0
    this.currentRevision = 1
    this.compactRevision = -1
    this.leaseClockMs = 0
    this.liveKeys = 0
    this.deletedKeys = 0
    this.longKeys = 0
    this.compactedMain = -1
    this.compactTarget = -1
    this.compactMain = 0
    this.compactSub = 0
    this.stateHash = STATE_HASH_SEED
    return this
  }

  #number(index: number): number {
    return this.#numbers.getFloat64(index * 8, true)
  }

  #set(index: number, value: number): void {
    this.#numbers.setFloat64(index * 8, value, true)
  }
}
