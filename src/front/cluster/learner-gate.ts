/** What a learner answers: its status, what it has of the keys, and a snapshot. Everything else is for voters. */

import { decodeRangeRequest } from '../../proto/generated/etcdserverpb.js'

const STATUS = '/etcdserverpb.Maintenance/Status'
const RANGE = '/etcdserverpb.KV/Range'
const SNAPSHOT = '/etcdserverpb.Maintenance/Snapshot'

/** Whether it answers the method at all; of ranges only the serializable ones. */
export function isForLearner(method: string): boolean {
  return method === STATUS || method === SNAPSHOT || method === RANGE
}

/** May throw a ProtoError, as the method's own service would. */
export function isRequestForLearner(method: string, bytes: Uint8Array, start: number, end: number): boolean {
  return method === RANGE ? decodeRangeRequest(bytes, start, end).serializable : isForLearner(method)
}
