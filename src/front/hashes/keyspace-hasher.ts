/**
 * HashKV, a slice at a time: CRC-32C over etcd's key bucket as it would be with these contents, so that members of any
 * make can be compared.
 *
 * Of what a compaction has left, or will leave, only those revisions count that the hashed revision still needs: a row
 * at or below the compact revision counts if it is what its key has at that revision. When no key is live there, etcd
 * does without this filter, and hashes all that the compaction leaves. Not so while it compacts to that revision: the
 * deletion that it then must be is still kept.
 */

import { crc32cUpdate } from '../../base/crc32c.js'
import { utf8, type Bytes } from '../../base/bytes.js'
import { KeyRecord } from '../../keyspace/key-record.js'
import type { KeyspaceView } from '../../keyspace/keyspace-view.js'
import type { KeyspaceHash } from '../../messages/compaction-hashes.js'
import { Bucket, TOMBSTONE_BYTES, writeRevision } from '../../snapshot/etcd-buckets.js'
import { LAST_SUB } from '../kv/range-writer.js'

const SLICE_ROWS = 512
const SLICE_BYTES = 256 * 1024

export class KeyspaceHasher {
  readonly #revision: number
  #compactRevision: number
  readonly #revisionKey: Bytes = new Uint8Array(TOMBSTONE_BYTES)
  readonly #found = new KeyRecord()
  #nextMain = 0
  #nextSub = 0
  #crc = 0
  /** Without the filter. */
  #crcOfAll = 0
  #isAnyLive = false
  readonly #isOfCompaction: boolean

  /** `isOfCompaction`: as it is hashed while that revision is compacted to. */
  constructor(revision: number, compactRevision: number, isOfCompaction = false) {
    this.#revision = revision
    this.#compactRevision = compactRevision
    this.#isOfCompaction = isOfCompaction
    this.#begin()
  }

  /** True when all rows have been seen. What is read must be there: see `isCutOff`. */
  slice(view: KeyspaceView, rowsMax = SLICE_ROWS): boolean {
    let rows = 0
    let bytes = 0
    let isAtEnd = true
    view.scanRevisions(this.#nextMain, this.#nextSub, (record) => {
      if (record.modRevision > this.#revision) return false
      if (rows >= rowsMax || bytes >= SLICE_BYTES) {
        this.#nextMain = record.modRevision
        this.#nextSub = record.modSub
        isAtEnd = false
        return false
      }
      rows++
      bytes += record.kv.length
      this.#add(view, record)
      return true
    })
    return isAtEnd
  }

  /** After the last slice. */
  get result(): KeyspaceHash {
    return {
      hash: this.#isAnyLive || this.#isOfCompaction ? this.#crc : this.#crcOfAll,
      revision: this.#revision,
      compactRevision: this.#compactRevision,
    }
  }

  /** A compaction has begun before it could be told what is read here. One to revision 0 removes nothing. */
  isCutOff(view: KeyspaceView): boolean {
    return view.removedBelow > Math.max(0, this.#compactRevision)
  }

  /** From the start, as of the compaction that has come between; false if it went past what is asked for. */
  beginAgain({ compactRevision }: KeyspaceView): boolean {
    if (this.#revision < compactRevision) return false
    this.#compactRevision = compactRevision
    this.#begin()
    return true
  }

  #begin(): void {
    const name = utf8(Bucket.key)
    this.#crc = this.#crcOfAll = crc32cUpdate(0, name, 0, name.length)
    this.#isAnyLive = false
    this.#nextMain = this.#nextSub = 0
  }

  #add(view: KeyspaceView, record: KeyRecord): void {
    const isOld = record.modRevision <= this.#compactRevision
    if (isOld && record.isTombstone) return
    const length = writeRevision(this.#revisionKey, record.modRevision, record.modSub, record.isTombstone)
    // A tombstone's KeyValue is its key alone, which is its first field.
    const { bytes, start } = record.kv
    const end = record.isTombstone ? record.key.end : record.kv.end
    const crcWith = (crc: number): number =>
      crc32cUpdate(crc32cUpdate(crc, this.#revisionKey, 0, length), bytes, start, end)
    const crc = crcWith(this.#crc)
    // The look-ups below overwrite the row.
    const crcOfAll = this.#isAnyLive ? 0 : crcWith(this.#crcOfAll)
    if (!isOld && this.#isAnyLive) {
      this.#crc = crc
      return
    }
    const { modRevision, modSub } = record
    const key = record.key.copy()
    const isLive = this.#isNewest(view, key, this.#revision, modRevision, modSub)
    if (!isOld || isLive) this.#crc = crc
    if (isLive) this.#isAnyLive = true
    else if (!isOld || this.#isNewest(view, key, this.#compactRevision, modRevision, modSub)) this.#crcOfAll = crcOfAll
  }

  /** True if this is what the key had at that revision. */
  #isNewest(view: KeyspaceView, key: Bytes, at: number, main: number, sub: number): boolean {
    const found = this.#found
    if (!view.getAt(key, 0, key.length, at, LAST_SUB, found)) return false
    return found.modRevision === main && found.modSub === sub
  }
}
