/**
 * Range results as bytes on the wire: the store keeps every key-value in its protobuf form, so that a result is a walk
 * and a copy. A result that outgrows the buffer is not gathered in memory: it is measured to its end and then streamed
 * (`RangeStreamJob`).
 */

import { compareBytes, type Bytes } from '../../base/bytes.js'
import { copyRange } from '../../base/copy-into.js'
import { keyRange, type KeyRange } from '../../keyspace/key-range.js'
import { KeyRecord } from '../../keyspace/key-record.js'
import type { KeyspaceView } from '../../keyspace/keyspace-view.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import { RangeRequestSortOrder, RangeRequestSortTarget, type RangeRequest } from '../../proto/generated/etcdserverpb.js'
import { sizeOfUint32, sizeOfUint64, writeUint32, writeUint64 } from '../../proto/proto-writer.js'
import type { ResponseHeaders } from '../requests/response-headers.js'

const TAG_KVS = 0x12
const TAG_MORE = 0x18
const TAG_COUNT = 0x20
/** `more`, `count` and their tags. */
const TAIL_BYTES_MAX = 2 + 11
/** Every sub-revision of a revision. */
export const LAST_SUB = 0xffff_ffff

/** A result of at most this is one message built in memory; larger ones are streamed. */
export const RANGE_BUFFER_BYTES_MAX = 1024 * 1024

export interface RangePoint {
  readonly main: number
  readonly sub: number
}

/** True for the order the store has anyway. */
export function isDefaultOrder(request: RangeRequest): boolean {
  const { sort_order, sort_target } = request
  if (sort_order === RangeRequestSortOrder.NONE) return sort_target === RangeRequestSortTarget.KEY
  return sort_order === RangeRequestSortOrder.ASCEND && sort_target === RangeRequestSortTarget.KEY
}

export function hasRevisionFilters(request: RangeRequest): boolean {
  return (
    request.min_mod_revision !== 0 ||
    request.max_mod_revision !== 0 ||
    request.min_create_revision !== 0 ||
    request.max_create_revision !== 0
  )
}

export function passesFilters(request: RangeRequest, record: KeyRecord): boolean {
  const { modRevision, createRevision } = record
  if (request.max_mod_revision !== 0 && modRevision > request.max_mod_revision) return false
  if (request.min_mod_revision !== 0 && modRevision < request.min_mod_revision) return false
  if (request.max_create_revision !== 0 && createRevision > request.max_create_revision) return false
  return request.min_create_revision === 0 || createRevision >= request.min_create_revision
}

/**
 * etcd answers a keys-only range from its index, which knows no leases; sorted by value it reads the values after all.
 */
function keepsLease(request: RangeRequest): boolean {
  return request.sort_target === RangeRequestSortTarget.VALUE
}

/** Bytes of one result without its tag and length. */
export function kvSize(request: RangeRequest, record: KeyRecord): number {
  const { kv, valueTagStart, valueEnd } = record
  if (!request.keys_only) return kv.end - kv.start
  return valueTagStart - kv.start + (keepsLease(request) ? kv.end - valueEnd : 0)
}

/** What a result of `size` bytes takes in its response. */
export function kvFieldSize(size: number): number {
  return 1 + sizeOfUint32(size) + size
}

/** Writes one result as an element of `kvs`; value and lease are the last fields of the encoding. */
export function writeKv(out: Buffer, at: number, request: RangeRequest, record: KeyRecord): number {
  const { kv, valueTagStart, valueEnd } = record
  out[at++] = TAG_KVS
  at = writeUint32(out, at, kvSize(request, record))
  if (!request.keys_only) return copyRange(out, at, kv.bytes, kv.start, kv.end)
  at = copyRange(out, at, kv.bytes, kv.start, valueTagStart)
  return keepsLease(request) ? copyRange(out, at, kv.bytes, valueEnd, kv.end) : at
}

/** 0, or the error of reading at the revision that the request names. */
export function checkRevision(request: RangeRequest, view: KeyspaceView): number {
  if (request.revision <= 0) return 0
  if (request.revision > view.currentRevision) return etcdErrors.futureRev.id
  return request.revision < view.compactRevision ? etcdErrors.compacted.id : 0
}

/** What all ranges of one transaction may take; its answer is built in memory. */
export const TXN_RANGE_BYTES_MAX = 64 * 1024 * 1024
const BUFFER_BYTES_MIN = 64 * 1024
/** What a result built in memory may need is kept: to grow anew for each costs more than walking its keys. */
const BUFFER_BYTES_KEPT = RANGE_BUFFER_BYTES_MAX

export type RangeOutcome = 'written' | 'tooLarge'

export class RangeWriter {
  bytes: Buffer = Buffer.allocUnsafe(BUFFER_BYTES_MIN)
  length = 0
  count = 0
  more = false
  /** Ranges so far. */
  writes = 0
  /** A result that would be longer is not written. */
  bytesMax = RANGE_BUFFER_BYTES_MAX
  readonly #headers: ResponseHeaders
  readonly #record = new KeyRecord()

  constructor(headers: ResponseHeaders) {
    this.#headers = headers
  }

  /**
   * Builds the RangeResponse into `bytes[0, length)`. The request has passed its checks.
   */
  write(request: RangeRequest, view: KeyspaceView, at: RangePoint, headerRevision: number): RangeOutcome {
    this.writes++
    this.#headers.encode(headerRevision)
    this.length = this.#headers.writeField(this.bytes, 0)
    this.count = 0
    this.more = false
    const range = keyRange(request.key, request.range_end)
    if (request.count_only) {
      this.count = view.count(range, at.main, at.sub)
    } else if (range.single) {
      if (!this.#writeSingle(request, view, at)) return 'tooLarge'
    } else if (isDefaultOrder(request) && !hasRevisionFilters(request)) {
      if (!this.#writeInOrder(request, view, range, at)) return 'tooLarge'
    } else if (!this.#writeSorted(request, view, range, at)) {
      return 'tooLarge'
    }
    this.length = writeTail(this.bytes, this.length, this.more, this.count)
    return 'written'
  }

  /** Gives back what an unusually large result needed. */
  shrink(): void {
    if (this.bytes.length > BUFFER_BYTES_KEPT) this.bytes = Buffer.allocUnsafe(BUFFER_BYTES_MIN)
  }

  #writeSingle(request: RangeRequest, view: KeyspaceView, at: RangePoint): boolean {
    const record = this.#record
    const { key } = request
    const found = view.getAt(key, 0, key.length, at.main, at.sub, record)
    if (!found) return true
    this.count = 1
    return !passesFilters(request, record) || this.#append(request, record)
  }

  #writeInOrder(request: RangeRequest, view: KeyspaceView, range: KeyRange, at: RangePoint): boolean {
    const limit = request.limit > 0 ? request.limit : Infinity
    let written = 0
    let fits = true
    view.scan(range, at.main, at.sub, (record) => {
      if (written === limit) {
        this.more = true
        return false
      }
      fits = this.#append(request, record)
      written++
      return fits
    }, request.keys_only)
    if (fits) this.count = this.more ? view.count(range, at.main, at.sub) : written
    return fits
  }

  #writeSorted(request: RangeRequest, view: KeyspaceView, range: KeyRange, at: RangePoint): boolean {
    const chosen = sortedKeys(request, view, range, at)
    this.count = chosen.count
    this.more = chosen.more
    for (const { key } of chosen.keys) {
      view.getAt(key, 0, key.length, at.main, at.sub, this.#record)
      if (!this.#append(request, this.#record)) return false
    }
    return true
  }

  #append(request: RangeRequest, record: KeyRecord): boolean {
    const needed = kvFieldSize(kvSize(request, record))
    if (this.length + needed + TAIL_BYTES_MAX > this.bytes.length && !this.#grow(needed)) return false
    this.length = writeKv(this.bytes, this.length, request, record)
    return true
  }

  #grow(needed: number): boolean {
    const wanted = this.length + needed + TAIL_BYTES_MAX
    // One key-value alone may be larger than the bound; it is in memory already.
    if (wanted > this.bytesMax && this.length > 128) return false
    const larger = Buffer.allocUnsafe(Math.max(2 * this.bytes.length, wanted))
    this.bytes.copy(larger, 0, 0, this.length)
    this.bytes = larger
    return true
  }
}

export function tailSize(more: boolean, count: number): number {
  return (more ? 2 : 0) + (count === 0 ? 0 : 1 + sizeOfUint64(count))
}

export function writeTail(out: Buffer, at: number, more: boolean, count: number): number {
  if (more) {
    out[at++] = TAG_MORE
    out[at++] = 1
  }
  if (count === 0) return at
  out[at++] = TAG_COUNT
  return writeUint64(out, at, count)
}

interface Chosen {
  readonly keys: SortRow[]
  readonly count: number
  readonly more: boolean
}

interface SortRow {
  readonly key: Bytes
  readonly number: number
  readonly value: Bytes | null
}

/**
 * Which keys, in which order, when the store's own order is not what is asked for. As in etcd, a sort target without an
 * order sorts the first limit + 1 keys only, unless a revision filter makes it look at all.
 */
export function sortedKeys(request: RangeRequest, view: KeyspaceView, range: KeyRange, at: RangePoint): Chosen {
  const { sort_order, sort_target, limit } = request
  const filtered = hasRevisionFilters(request)
  const fetchMax =
    limit > 0 && !filtered && sort_order === RangeRequestSortOrder.NONE ? limit + 1 : Infinity
  let rows: SortRow[] = []
  let seen = 0
  view.scan(range, at.main, at.sub, (record) => {
    seen++
    if (!filtered || passesFilters(request, record)) rows.push(rowOf(sort_target, record))
    return rows.length < fetchMax
  })
  const isComplete = rows.length < fetchMax
  const count = isComplete ? seen : view.count(range, at.main, at.sub)
  const isDescending = sort_order === RangeRequestSortOrder.DESCEND
  if (sort_target === RangeRequestSortTarget.KEY) {
    if (isDescending) rows.reverse()
  } else {
    // Equal rows stay in key order whichever way it goes, as in etcd for short results.
    const order = orderOf(sort_target)
    rows.sort(isDescending ? (a, b) => order(b, a) : order)
  }
  const more = limit > 0 && rows.length > limit
  if (more) rows = rows.slice(0, limit)
  return { keys: rows, count, more }
}

function rowOf(target: number, record: KeyRecord): SortRow {
  const key = record.key.copy()
  switch (target) {
    case RangeRequestSortTarget.VERSION:
      return { key, number: record.version, value: null }
    case RangeRequestSortTarget.CREATE:
      return { key, number: record.createRevision, value: null }
    case RangeRequestSortTarget.MOD:
      return { key, number: record.modRevision, value: null }
    case RangeRequestSortTarget.VALUE:
      return { key, number: 0, value: record.value.copy() }
    default:
      return { key, number: 0, value: null }
  }
}

function orderOf(target: number): (a: SortRow, b: SortRow) => number {
  if (target === RangeRequestSortTarget.VALUE) return (a, b) => compareBytes(a.value as Bytes, b.value as Bytes)
  return (a, b) => a.number - b.number
}
