/**
 * HashKV, a slice at a time: CRC-32C over etcd's key bucket as it would be with these contents, so that members of any
 * make can be compared.
 *
 * Of what a compaction has left, or will leave, only those revisions count that the hashed revision still needs: a row
 * at or below the compact revision counts if it is what its key has at that revision. When no key is live there, etcd
 * does without this filter, and hashes all that the compaction leaves.
 */

import { crc32cUpdate } from '../../base/crc32c.js'
import { utf8, type Bytes } from '../../base/bytes.js'
import { KeyRecord } from '../../keyspace/key-record.js'
import type { KeyspaceView } from '../../keyspace/keyspace-view.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import { encodeHashKVResponse } from '../../proto/generated/etcdserverpb.js'
import { Bucket, TOMBSTONE_BYTES, writeRevision } from '../../snapshot/etcd-buckets.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import type { JobState } from '../kv/range-job.js'
import type { Job } from '../kv/range-jobs.js'
import { LAST_SUB } from '../kv/range-writer.js'
import { isEnded, type Proposer } from '../requests/proposer.js'

const SLICE_ROWS = 512
const SLICE_BYTES = 256 * 1024
/** A hash that takes longer than this is given up, so that it holds no compaction back for ever. */
const PATIENCE_MS = 600_000

export interface HashKvQuestion {
  readonly revision: number
  readonly compactRevision: number
  readonly currentRevision: number
  /** Told how long it took, once it is answered. */
  readonly answered: (tookMs: number) => void
}

export class HashKvJob implements Job {
  readonly call: GrpcCall
  readonly giveUpAtMs: number
  /** What is read from here on must not be compacted meanwhile. */
  readonly revision: number
  readonly #startedMs: number
  #question: HashKvQuestion
  readonly #proposer: Proposer
  readonly #revisionKey: Bytes = new Uint8Array(TOMBSTONE_BYTES)
  readonly #found = new KeyRecord()
  #nextMain = 0
  #nextSub = 0
  #crc = 0
  /** Without the filter. */
  #crcOfAll = 0
  #isAnyLive = false

  constructor(call: GrpcCall, question: HashKvQuestion, proposer: Proposer, nowMs: number) {
    this.call = call
    this.#startedMs = nowMs
    this.giveUpAtMs = nowMs + PATIENCE_MS
    this.revision = Math.max(0, question.compactRevision)
    this.#question = question
    this.#proposer = proposer
    this.#begin()
  }

  step(view: KeyspaceView, nowMs: number): JobState {
    if (isEnded(this.call)) return 'done'
    if (nowMs >= this.giveUpAtMs) {
      this.#proposer.fail(this.call, etcdErrors.timeout.id)
      return 'done'
    }
    if (view.removedBelow > this.#question.compactRevision && !this.#beginAgain(view)) {
      this.#proposer.fail(this.call, etcdErrors.compacted.id)
      return 'done'
    }
    if (!this.#slice(view)) return 'more'
    const { revision, compactRevision, currentRevision, answered } = this.#question
    this.#proposer.answer(this.call, encodeHashKVResponse({
      header: this.#proposer.headers.fields(currentRevision),
      hash: this.#isAnyLive ? this.#crc : this.#crcOfAll,
      compact_revision: compactRevision,
      hash_revision: revision,
    }))
    answered(nowMs - this.#startedMs)
    return 'done'
  }

  #begin(): void {
    const name = utf8(Bucket.key)
    this.#crc = this.#crcOfAll = crc32cUpdate(0, name, 0, name.length)
    this.#isAnyLive = false
    this.#nextMain = this.#nextSub = 0
  }

  /** A compaction has begun before it could be told what is read here. False if it went past what is asked for. */
  #beginAgain(view: KeyspaceView): boolean {
    const { compactRevision } = view
    if (this.#question.revision < compactRevision) return false
    this.#question = { ...this.#question, compactRevision }
    this.#begin()
    return true
  }

  /** True when all rows have been seen. */
  #slice(view: KeyspaceView): boolean {
    const { revision } = this.#question
    let rows = 0
    let bytes = 0
    let isAtEnd = true
    view.scanRevisions(this.#nextMain, this.#nextSub, (record) => {
      if (record.modRevision > revision) return false
      if (rows >= SLICE_ROWS || bytes >= SLICE_BYTES) {
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

  #add(view: KeyspaceView, record: KeyRecord): void {
    const { revision, compactRevision } = this.#question
    const isOld = record.modRevision <= compactRevision
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
    const isLive = this.#isNewest(view, key, revision, modRevision, modSub)
    if (!isOld || isLive) this.#crc = crc
    if (isLive) this.#isAnyLive = true
    else if (!isOld || this.#isNewest(view, key, compactRevision, modRevision, modSub)) this.#crcOfAll = crcOfAll
  }

  /** True if this is what the key had at that revision. */
  #isNewest(view: KeyspaceView, key: Bytes, at: number, main: number, sub: number): boolean {
    const found = this.#found
    if (!view.getAt(key, 0, key.length, at, LAST_SUB, found)) return false
    return found.modRevision === main && found.modSub === sub
  }
}
