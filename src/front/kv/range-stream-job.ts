/**
 * RangeStream: the same result as a Range, in messages of about half a request's size each, so that neither side
 * holds all of it. The revision is fixed at the first message; the last one carries header, count and `more`.
 */

import { concatBytes, type Bytes } from '../../base/bytes.js'
import { keyRange, type KeyRange } from '../../keyspace/key-range.js'
import type { KeyspaceView } from '../../keyspace/keyspace-view.js'
import { etcdErrors, type EtcdError } from '../../proto/etcd-errors.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import type { RangeRequest } from '../../proto/generated/etcdserverpb.js'
import { sizeOfUint32, writeUint32 } from '../../proto/proto-writer.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import { isEnded } from '../requests/proposer.js'
import type { JobState } from './range-job.js'
import { kvFieldSize, kvSize, LAST_SUB, tailSize, writeKv, writeTail } from './range-writer.js'
import type { ResponseHeaders } from '../requests/response-headers.js'

const FIRST_CHUNK_KEYS = 10
const CHUNK_KEYS_MAX = 10_000
const HOLD_MS_MAX = 60_000
const TAG_RANGE_RESPONSE = 0x0a
/** Tag and length of `range_response`, written once the length is known. */
const PREFIX_BYTES_MAX = 6

const ZERO = new Uint8Array(1)

export class RangeStreamJob {
  readonly call: GrpcCall
  readonly revision: number
  readonly giveUpAtMs: number
  readonly #request: RangeRequest
  readonly #headers: ResponseHeaders
  readonly #headerRevision: number
  readonly #range: KeyRange
  readonly #chunkBytesWanted: number
  /** Users and roles as of now, 0 while auth is off: the rights that the answer was begun with end with them. */
  readonly #usersStamp: () => number
  readonly #usersAtStart: number
  #resumeAt: Bytes
  #chunkKeys = FIRST_CHUNK_KEYS
  #sent = 0
  #out: Buffer = Buffer.allocUnsafe(64 * 1024)
  #length = 0

  constructor(call: GrpcCall, request: RangeRequest, view: KeyspaceView, options: {
    headers: ResponseHeaders
    nowMs: number
    requestBytesMax: number
    usersStamp: () => number
  }) {
    this.call = call
    this.#request = request
    this.#headers = options.headers
    this.#headerRevision = view.currentRevision
    this.revision = request.revision > 0 ? request.revision : view.currentRevision
    this.giveUpAtMs = Math.min(options.nowMs + HOLD_MS_MAX, call.deadlineMs)
    this.#range = keyRange(request.key, request.range_end)
    this.#resumeAt = this.#range.from
    this.#chunkBytesWanted = options.requestBytesMax
    this.#usersStamp = options.usersStamp
    this.#usersAtStart = options.usersStamp()
  }

  /** Sends one message. */
  step(view: KeyspaceView, nowMs: number): JobState {
    const { call } = this
    if (isEnded(call)) return 'done'
    if (nowMs >= this.giveUpAtMs) return this.#fail(etcdErrors.timeout)
    if (this.revision < view.compactRevision) return this.#fail(etcdErrors.compacted)
    if (call.wantsWritable) return 'waits'
    if (this.#usersAtStart !== this.#usersStamp()) {
      const { code, message } = etcdErrors.authOldRevision
      call.finish(code, message)
      return 'done'
    }
    if (this.#request.count_only) {
      this.#length = PREFIX_BYTES_MAX
      return this.#finish(false, view.count(this.#range, this.revision, LAST_SUB))
    }
    return this.#sendChunk(view)
  }

  #fail(error: EtcdError): JobState {
    this.call.abort(error.code, error.message)
    return 'done'
  }

  #sendChunk(view: KeyspaceView): JobState {
    const limit = this.#request.limit > 0 ? this.#request.limit : Infinity
    const keysMax = Math.min(this.#chunkKeys, limit - this.#sent)
    this.#length = PREFIX_BYTES_MAX
    let keys = 0
    let isEnd = true
    let last: Bytes | null = null
    const range = { from: this.#resumeAt, to: this.#range.to, single: this.#range.single && this.#sent === 0 }
    view.scan(range, this.revision, LAST_SUB, (record) => {
      if (keys === keysMax) {
        isEnd = false
        return false
      }
      this.#reserve(kvFieldSize(kvSize(this.#request, record)))
      this.#length = writeKv(this.#out, this.#length, this.#request, record)
      keys++
      if (keys === keysMax) last = record.key.copy()
      return true
    })
    this.#sent += keys
    if (last !== null) this.#resumeAt = concatBytes(last, ZERO)
    const more = !isEnd && this.#sent >= limit
    if (isEnd || more) {
      return this.#finish(more, more ? view.count(this.#range, this.revision, LAST_SUB) : this.#sent)
    }
    this.#adapt(this.#length)
    this.#sendMessage(PREFIX_BYTES_MAX)
    return 'more'
  }

  #adapt(bytes: number): void {
    if (bytes < this.#chunkBytesWanted / 2) this.#chunkKeys = Math.min(CHUNK_KEYS_MAX, 2 * this.#chunkKeys)
    else if (bytes > 2 * this.#chunkBytesWanted) this.#chunkKeys = Math.max(1, this.#chunkKeys >>> 1)
  }

  #finish(more: boolean, count: number): JobState {
    this.#headers.encode(this.#headerRevision)
    this.#reserve(this.#headers.fieldLength + tailSize(more, count))
    this.#length = this.#headers.writeField(this.#out, this.#length)
    this.#length = writeTail(this.#out, this.#length, more, count)
    this.#sendMessage(PREFIX_BYTES_MAX)
    this.call.finish(grpcStatus.ok, '')
    return 'done'
  }

  /** The prefix is written right before its content, wherever that starts. */
  #sendMessage(contentAt: number): void {
    const size = this.#length - contentAt
    const start = contentAt - 1 - sizeOfUint32(size)
    this.#out[start] = TAG_RANGE_RESPONSE
    writeUint32(this.#out, start + 1, size)
    this.call.sendMessage(this.#out, start, this.#length)
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#out.length) return
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#out.length, this.#length + size))
    this.#out.copy(larger, 0, 0, this.#length)
    this.#out = larger
  }
}
