/** What the body of a log entry asks for, as far as rights matter. */

import type { Bytes } from '../base/bytes.js'
import {
  decodeDeleteRangeRequest,
  decodeLeaseRevokeRequest,
  decodeRangeRequest,
  decodeTxnRequest,
} from '../proto/generated/etcdserverpb.js'
import { PutRequestView } from '../proto/hot/put-request-view.js'
import { RaftBody, type RaftBodyField } from '../proto/hot/raft-request.js'
import { ProtoError } from '../proto/proto-error.js'
import type { AskedRequest } from './request-needs.js'

const ANYBODY: AskedRequest = Object.freeze({ kind: 'anybody' })
const USER: AskedRequest = Object.freeze({ kind: 'user' })
const ROOT: AskedRequest = Object.freeze({ kind: 'root' })

const put = new PutRequestView()

/** Throws a ProtoError when the body is not what its field says. */
export function askedBody(field: RaftBodyField, bytes: Bytes, start: number, end: number): AskedRequest {
  switch (field) {
    case RaftBody.put:
      return askedPut(bytes, start, end)
    case RaftBody.range:
      return { kind: 'range', request: decodeRangeRequest(bytes, start, end) }
    case RaftBody.deleteRange:
      return { kind: 'deleteRange', request: decodeDeleteRangeRequest(bytes, start, end) }
    case RaftBody.txn:
      return { kind: 'txn', request: decodeTxnRequest(bytes, start, end) }
    case RaftBody.leaseGrant:
      return USER
    case RaftBody.leaseRevoke:
      return { kind: 'leaseRevoke', leaseId: decodeLeaseRevokeRequest(bytes, start, end).ID }
    default:
      return isAdministrative(field) ? ROOT : ANYBODY
  }
}

function askedPut(bytes: Bytes, start: number, end: number): AskedRequest {
  if (!put.decode(bytes, start, end)) throw new ProtoError('truncated', 'not a PutRequest')
  const lease = (put.leaseHigh | put.leaseLow) === 0 ? 0n : put.leaseId()
  const key = bytes.subarray(put.keyStart, put.keyEnd)
  return { kind: 'put', request: { key, lease, prev_kv: put.prevKv } }
}

/**
 * What a member proposes by itself, it proposes as root. Alarms are not looked at: an entry of a client that crosses
 * the quota brings one with it; fronts ask who it is before they propose an administrator's.
 */
function isAdministrative(field: RaftBodyField): boolean {
  switch (field) {
    case RaftBody.compaction:
    case RaftBody.authEnable:
    case RaftBody.authDisable:
    case RaftBody.authUserAdd:
    case RaftBody.authUserDelete:
    case RaftBody.authUserChangePassword:
    case RaftBody.authUserGrantRole:
    case RaftBody.authUserRevokeRole:
    case RaftBody.authUserList:
    case RaftBody.authRoleList:
    case RaftBody.authRoleAdd:
    case RaftBody.authRoleDelete:
    case RaftBody.authRoleGrantPermission:
    case RaftBody.authRoleRevokePermission:
      return true
    default:
      return false
  }
}
