/**
 * A range result too large for one buffer, sent in slices of bounded time and memory: a first walk fixes count and
 * exact size, because a unary answer's length goes first; a second one sends (docs/ARCHITECTURE.md). Each slice reads
 * from a snapshot of its own at the job's revision, which is entered in a floor word that physical compaction respects.
 */

import { assert } from '../../base/assert.js'
import type { Bytes } from '../../base/bytes.js'
import { concatBytes } from '../../base/bytes.js'
import { keyRange, type KeyRange } from '../../keyspace/key-range.js'
import { KeyRecord } from '../../keyspace/key-record.js'
import type { KeyspaceView } from '../../keyspace/keyspace-view.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import type { RangeRequest } from '../../proto/generated/etcdserverpb.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import { isEnded } from '../requests/proposer.js'
import {
  hasRevisionFilters,
  isDefaultOrder,
  kvFieldSize,
  kvSize,
  LAST_SUB,
  sortedKeys,
  tailSize,
  writeKv,
  writeTail,
} from './range-writer.js'
import type { ResponseHeaders } from '../requests/response-headers.js'

/** One slice: this many keys or bytes, whichever is first. */
const SLICE_KEYS_MAX = 2000
const SLICE_BYTES_MAX = 256 * 1024
/** Measuring copies nothing to the client, but LMDB copies every value. */
const MEASURE_BYTES_MAX = 2 * 1024 * 1024
/** No answer may hold history longer. */
const HOLD_MS_MAX = 60_000

const ZERO = new Uint8Array(1)

/** Where the slices of a front's jobs are built, one after the other. */
export class SliceBuffer {
  bytes: Buffer = Buffer.allocUnsafeSlow(SLICE_BYTES_MAX)

  /** For one key-value that is longer than a slice; given back when the slice is done. */
  grow(size: number): void {
    if (size > this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(size)
  }

  shrink(): void {
    if (this.bytes.length > SLICE_BYTES_MAX) this.bytes = Buffer.allocUnsafeSlow(SLICE_BYTES_MAX)
  }
}

export type JobState = 'more' | 'waits' | 'done'

export class RangeJob {
  readonly call: GrpcCall
  /** What is being read; the floor word keeps it. */
  readonly revision: number
  readonly #request: RangeRequest
  readonly #headers: ResponseHeaders
  readonly #range: KeyRange
  readonly #headerRevision: number
  readonly #giveUpAtMs: number
  readonly #record = new KeyRecord()
  /** The answer's order when it is not the store's. */
  #keys: readonly Bytes[] | null = null
  #nextKey = 0
  #resumeAt: Bytes
  #isBegun = false
  #isMeasured = false
  #kvBytes = 0
  #kvCount = 0
  #kvSent = 0
  #count = 0
  #more = false
  readonly #slice: SliceBuffer

  constructor(call: GrpcCall, request: RangeRequest, view: KeyspaceView, options: {
    headers: ResponseHeaders
    slice: SliceBuffer
    nowMs: number
  }) {
    this.call = call
    this.#request = request
    this.#headers = options.headers
    this.#slice = options.slice
    this.#headerRevision = view.currentRevision
    this.revision = request.revision > 0 ? request.revision : view.currentRevision
    this.#range = keyRange(request.key, request.range_end)
    this.#resumeAt = this.#range.from
    this.#giveUpAtMs = Math.min(options.nowMs + HOLD_MS_MAX, call.deadlineMs)
    if (!isDefaultOrder(request) || hasRevisionFilters(request)) {
      const chosen = sortedKeys(request, view, this.#range, { main: this.revision, sub: LAST_SUB })
      this.#keys = chosen.keys.map(({ key }) => key)
      this.#count = chosen.count
      this.#more = chosen.more
    }
  }

  get giveUpAtMs(): number {
    return this.#giveUpAtMs
  }

  /** Does one slice. */
  step(view: KeyspaceView, nowMs: number): JobState {
    const { call } = this
    if (isEnded(call)) return 'done'
    if (nowMs >= this.#giveUpAtMs) {
      call.abort(etcdErrors.timeout.code, etcdErrors.timeout.message)
      return 'done'
    }
    // The floor word was stored after the turn that made this job: a compaction may have passed in between. And a
    // leader's store that takes the place of this one knows nothing of our floor.
    const isOvertaken = !this.#isBegun && this.revision < view.compactRevision
    if (isOvertaken || this.revision < view.removedBelow) {
      call.abort(etcdErrors.compacted.code, etcdErrors.compacted.message)
      return 'done'
    }
    this.#isBegun = true
    if (!this.#isMeasured) {
      if (this.#measure(view)) this.#begin()
      return 'more'
    }
    if (call.wantsWritable) return 'waits'
    if (!this.#send(view)) return 'more'
    call.finish(grpcStatus.ok, '')
    return 'done'
  }

  /** True when all of the result has been seen. */
  #measure(view: KeyspaceView): boolean {
    const limit = this.#request.limit > 0 ? this.#request.limit : Infinity
    let seen = 0
    let bytesSeen = 0
    const isEnd = this.#walk(view, (record) => {
      if (this.#keys === null && this.#kvCount === limit) {
        this.#more = true
        return false
      }
      this.#kvCount++
      const size = kvFieldSize(kvSize(this.#request, record))
      this.#kvBytes += size
      bytesSeen += size
      return ++seen < SLICE_KEYS_MAX && bytesSeen < MEASURE_BYTES_MAX
    })
    // In the store's order a walk also ends at the limit; sorted keys are cut to it already, and `more` is known.
    const isAtLimit = this.#keys === null && this.#more
    if (!isEnd && !isAtLimit) return false
    if (this.#keys === null) {
      const point = { main: this.revision, sub: LAST_SUB }
      this.#count = this.#more ? view.count(this.#range, point.main, point.sub) : this.#kvCount
    }
    return true
  }

  #begin(): void {
    this.#isMeasured = true
    this.#nextKey = 0
    this.#resumeAt = this.#range.from
    this.#headers.encode(this.#headerRevision)
    const total = this.#headers.fieldLength + this.#kvBytes + tailSize(this.#more, this.#count)
    this.call.startStreamedMessage(total)
    const out = this.#slice.bytes
    const end = this.#headers.writeField(out, 0)
    this.call.writeChunk(out, 0, end)
  }

  /** True when all of the result has been sent. */
  #send(view: KeyspaceView): boolean {
    const slice = this.#slice
    let length = 0
    this.#walk(view, (record) => {
      const size = kvFieldSize(kvSize(this.#request, record))
      if (length + size > slice.bytes.length) {
        if (length > 0) {
          this.call.writeChunk(slice.bytes, 0, length)
          length = 0
        }
        slice.grow(size)
      }
      length = writeKv(slice.bytes, length, this.#request, record)
      this.#kvSent++
      return this.#kvSent < this.#kvCount && length < SLICE_BYTES_MAX / 2
    })
    if (length > 0) this.call.writeChunk(slice.bytes, 0, length)
    slice.shrink()
    if (this.#kvSent < this.#kvCount) return false
    const end = writeTail(slice.bytes, 0, this.#more, this.#count)
    if (end > 0) this.call.writeChunk(slice.bytes, 0, end)
    return true
  }

  /** Visits results from where the last walk ended. Returns true if it came to the last one. */
  #walk(view: KeyspaceView, visit: (record: KeyRecord) => boolean): boolean {
    if (this.#keys !== null) return this.#walkKeys(view, this.#keys, visit)
    let stopped = false
    let last: Bytes | null = null
    const range = { from: this.#resumeAt, to: this.#range.to, single: false }
    view.scan(range, this.revision, LAST_SUB, (record) => {
      stopped = !visit(record)
      if (stopped) last = record.key.copy()
      return !stopped
    })
    if (last !== null) this.#resumeAt = concatBytes(last, ZERO)
    return !stopped
  }

  #walkKeys(view: KeyspaceView, keys: readonly Bytes[], visit: (record: KeyRecord) => boolean): boolean {
    while (this.#nextKey < keys.length) {
      const key = keys[this.#nextKey++] as Bytes
      const isThere = view.getAt(key, 0, key.length, this.revision, LAST_SUB, this.#record)
      assert(isThere, 'a compaction removed what a range holds')
      if (!visit(this.#record)) break
    }
    return this.#nextKey === keys.length
  }
}
