/**
 * Records that are too large for their row in `revisions`, in rows of their own. One row's value is bounded by the
 * store, so a record may take several:
 *
 * ```
 * main (8 bytes) | sub (4) | chunk number (2), all big-endian     bytes of the record, CHUNK_BYTES but for the last
 * ```
 */

import { Slice } from '../../base/slice.js'
import { TABLE, type StoreView, type WriteTransaction } from '../../store/store.js'
import { REVISION_KEY_BYTES, writeRevisionKey } from './revision-row.js'

export const CHUNK_BYTES = 8 * 1024 * 1024

const KEY_BYTES = REVISION_KEY_BYTES + 2

export class LargeValues {
  readonly #key = new Uint8Array(KEY_BYTES)
  readonly #chunk = new Slice()

  /** Stores bytes [from, to) of the transaction's value buffer. */
  append(transaction: WriteTransaction, main: number, sub: number, from: number, to: number): void {
    writeRevisionKey(this.#key, main, sub)
    for (let chunk = 0, at = from; at < to; chunk++, at += CHUNK_BYTES) {
      this.#setChunk(chunk)
      transaction.appendBuffer(TABLE.values, this.#key, 0, KEY_BYTES, at, Math.min(to, at + CHUNK_BYTES))
    }
  }

  /** Points `record` at the whole record of `bytes` bytes; false if it is gone. */
  read(view: StoreView, main: number, sub: number, bytes: number, record: Slice): boolean {
    writeRevisionKey(this.#key, main, sub)
    this.#setChunk(0)
    if (bytes <= CHUNK_BYTES) return view.get(TABLE.values, this.#key, 0, KEY_BYTES, record)
    const whole = new Uint8Array(bytes)
    for (let chunk = 0, at = 0; at < bytes; chunk++, at += CHUNK_BYTES) {
      this.#setChunk(chunk)
      if (!view.get(TABLE.values, this.#key, 0, KEY_BYTES, this.#chunk)) return false
      whole.set(this.#chunk.view(), at)
    }
    record.at(whole, 0, bytes)
    return true
  }

  /** Returns how many rows there were. */
  remove(transaction: WriteTransaction, main: number, sub: number): number {
    writeRevisionKey(this.#key, main, sub)
    for (let chunk = 0; ; chunk++) {
      this.#setChunk(chunk)
      if (!transaction.remove(TABLE.values, this.#key, 0, KEY_BYTES)) return chunk
    }
  }

  #setChunk(chunk: number): void {
    this.#key[REVISION_KEY_BYTES] = chunk >>> 8
    this.#key[REVISION_KEY_BYTES + 1] = chunk
  }
}
