/** Every compile-time bound that more than one folder relies on, and how they relate. */

import { assert } from '../base/assert.js'
import { CAPACITY_BYTES_MAX } from '../ring/ring-layout.js'

export const KIB = 1024
export const MIB = 1024 * KIB

/** Front workers; bounded by the origin byte of a request id and by the shared words. */
export const FRONTS_MAX = 32
export const WATCH_WORKERS_MAX = 32

/** What gRPC may add to a request beyond --max-request-bytes. */
export const GRPC_OVERHEAD_BYTES = 512 * KIB

/** What an entry may be longer than the client's message: header, extension and tags. */
export const ENTRY_OVERHEAD_BYTES_MAX = 1 * KIB

/** A message's fixed area beside its byte fields. */
export const FRAME_OVERHEAD_BYTES_MAX = 256

/** Bytes of each of the three slots of rows that are not in the store file yet (store/recent). */
export const RECENT_SLOT_BYTES = 16 * MIB
/** Bytes of the event log shared between mvcc and watch; a power of two. */
export const EVENT_LOG_BYTES = 8 * MIB

/** The smallest power of two that is at least `value`. */
export function powerOfTwoAtLeast(value: number): number {
  let power = 1
  while (power < value) power *= 2
  return power
}

/** The longest record that carries an entry. */
export function entryRecordBytesMax(requestBytesMax: number): number {
  return requestBytesMax + ENTRY_OVERHEAD_BYTES_MAX + FRAME_OVERHEAD_BYTES_MAX
}

/** Capacity of a ring that must take entries of requests up to `requestBytesMax`, and at least `floorBytes`. */
export function entryRingBytes(requestBytesMax: number, floorBytes: number): number {
  return Math.max(floorBytes, powerOfTwoAtLeast(2 * entryRecordBytesMax(requestBytesMax)))
}

/** As `entryRingBytes` for a ring that is filled by `entryRoomBytes`, which must reach one longest entry. */
export function batchRingBytes(requestBytesMax: number, floorBytes: number): number {
  return Math.max(floorBytes, powerOfTwoAtLeast(4 * entryRecordBytesMax(requestBytesMax)))
}

/**
 * Bytes of entries that surely fit into a ring with `freeBytes`: one longest record is kept back for the padding at the
 * wrap and for what goes with the entries, and a record of a short entry is at most 5/3 of what raft counts for it.
 */
export function entryRoomBytes(freeBytes: number, requestBytesMax: number): number {
  return Math.max(0, Math.floor((freeBytes - entryRecordBytesMax(requestBytesMax)) * 0.6))
}

/** The most that --max-request-bytes may be: a ring must hold a batch of such entries. */
export const REQUEST_BYTES_MAX = 128 * MIB
assert(batchRingBytes(REQUEST_BYTES_MAX, 0) <= CAPACITY_BYTES_MAX, 'a ring can take a batch of the longest entries')

assert(FRONTS_MAX <= 200, 'the origin byte of a request id names every front and the other proposers')

/** A lease lives at least this many election timeouts, in whole seconds. */
export const MIN_LEASE_TTL_TICKS = Object.freeze({ numerator: 3, denominator: 2 })

/** Requests of one front that may wait for answers of other actors; a power of two. Each has reply room kept for it. */
export const PENDING_REQUESTS_MAX = 16_384
/** What one `applied` answer takes in its ring, header included. */
const APPLIED_RECORD_BYTES_MAX = 160
/** The ring from mvcc to a front. */
export const ANSWER_RING_BYTES = 4 * MIB

assert(
  PENDING_REQUESTS_MAX * APPLIED_RECORD_BYTES_MAX <= ANSWER_RING_BYTES,
  'every outstanding request has room for its answer',
)

/** Who asked for something that goes through the log has waited in vain after this: etcd's request timeout. */
export function requestTimeoutMs(electionMs: number): number {
  return 5000 + 2 * electionMs
}
