/** One request that waits for another actor's answer. Reused: a slot of the request table for its whole life. */

import type { GrpcCall } from '../grpc/grpc-call.js'

export const RequestKind = Object.freeze({
  put: 1,
  deleteRange: 2,
  txn: 3,
  compaction: 4,
  leaseGrant: 5,
  leaseRevoke: 6,
  leaseKeepAlive: 7,
  leaseTimeToLive: 8,
  leaseLeases: 9,
  /** A proposal of the member itself: its attributes, the cluster's version. */
  own: 10,
  authenticate: 11,
  /** A change of users or roles. */
  auth: 12,
  /** A change of alarms that a client asks for. */
  alarm: 13,
  /** The alarm that a request over the quota causes: the call is that request's. */
  quotaAlarm: 14,
  downgrade: 15,
  /** The member itself: compaction by the clock, the end of an alarm. */
  upkeep: 16,
  /** A change of the membership. */
  memberChange: 17,
  /** A question to raft about a member's log. */
  memberProgress: 18,
} as const)
export type RequestKindValue = (typeof RequestKind)[keyof typeof RequestKind]

/** The answer needs revisions of the past: compaction must keep them until it is given. */
export const NO_FLOOR = Number.MAX_SAFE_INTEGER

export class PendingRequest {
  high = 0
  low = 0
  sequence = 0
  kind: RequestKindValue = RequestKind.put
  /** Null when the client has gone or was answered: whatever comes is dropped. */
  call: GrpcCall | null = null
  /** When its bytes were heard, and when it was sent on. Monotonic ms. */
  receivedMs = 0
  proposedMs = 0
  /** How long it took until it was clear that it may go on. */
  authMs = 0
  /** When the server's own patience runs out. */
  deadlineMs = Infinity
  /** Put, DeleteRange: previous values are asked for. Compaction: physical. TimeToLive: keys are asked for. */
  wantsMore = false
  /** Lowest revision that its answer may have to read. */
  floor = NO_FLOOR
  /** The decoded request, for kinds whose answer depends on it. */
  request: unknown = null
}
