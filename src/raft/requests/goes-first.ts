/**
 * Which requests are still taken when apply is far behind and others are refused (the gate PriorityRequest): those that
 * end leases, because what they free is what holds others up.
 */

import type { Bytes } from '../../base/bytes.js'
import { decodeExtension } from '../../proto/generated/raftringpb.js'
import { malformed } from '../../proto/hot/decode-guard.js'
import { RaftBody, RaftRequestView } from '../../proto/hot/raft-request.js'

const view = new RaftRequestView()

/** Of the data of an entry; what is malformed is for apply to say so. */
export function goesFirst(data: Bytes): boolean {
  if (!view.decode(data, 0, data.length)) return false
  if (view.bodyField === RaftBody.leaseRevoke) return true
  if (!view.hasExtension) return false
  try {
    return decodeExtension(data, view.extensionStart, view.extensionEnd).revoke !== undefined
  } catch (error) {
    return malformed(error)
  }
}
