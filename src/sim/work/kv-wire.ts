/** Requests and answers about keys as they travel. */

import { text as textOf, utf8 } from '../../base/bytes.js'
import {
  CompareResult,
  CompareTarget,
  decodeDeleteRangeResponse,
  decodePutResponse,
  decodeRangeResponse,
  decodeTxnResponse,
  encodeDeleteRangeRequest,
  encodePutRequest,
  encodeRangeRequest,
  encodeTxnRequest,
  type CompareInput,
  type DeleteRangeResponse,
  type PutResponse,
  type RangeResponse,
  type RequestOpInput,
  type ResponseOp,
} from '../../proto/generated/etcdserverpb.js'
import type { KeyValue } from '../../proto/generated/mvccpb.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import type { ActionAnswer, KvAction, KvAnswered, KvCompare, KvRequest, SeenKey } from '../checkers/kv-checker.js'

export const METHODS = Object.freeze({
  put: '/etcdserverpb.KV/Put',
  delete: '/etcdserverpb.KV/DeleteRange',
  range: '/etcdserverpb.KV/Range',
  txn: '/etcdserverpb.KV/Txn',
})

export function encodeKv(request: KvRequest): { kind: keyof typeof METHODS; bytes: Uint8Array } {
  const { compares, success, failure, isSerializable } = request
  const action = success[0]
  if (compares.length > 0 || success.length !== 1 || action === undefined) {
    const bytes = encodeTxnRequest({
      compare: compares.map(wireCompare), success: success.map(wireAction), failure: failure.map(wireAction),
    })
    return { kind: 'txn', bytes }
  }
  const wire = wireAction(action)
  switch (action.kind) {
    case 'put':
      return { kind: 'put', bytes: encodePutRequest({ ...wire.request_put, prev_kv: true }) }
    case 'delete':
      return { kind: 'delete', bytes: encodeDeleteRangeRequest({ ...wire.request_delete_range, prev_kv: true }) }
    case 'range':
      return { kind: 'range', bytes: encodeRangeRequest({ ...wire.request_range, serializable: isSerializable }) }
  }
}

function wireAction(action: KvAction): RequestOpInput {
  switch (action.kind) {
    case 'put': {
      const { key, value, leaseId } = action
      return { request_put: { key: utf8(key), value: utf8(value), lease: leaseId } }
    }
    case 'delete':
      return { request_delete_range: { key: utf8(action.range.key), range_end: utf8(action.range.end) } }
    case 'range': {
      const { range, revision } = action
      return { request_range: { key: utf8(range.key), range_end: utf8(range.end), revision } }
    }
  }
}

function wireCompare(compare: KvCompare): CompareInput {
  const base = { key: utf8(compare.key), result: CompareResult.EQUAL }
  switch (compare.target) {
    case 'value': return { ...base, target: CompareTarget.VALUE, value: utf8(compare.value) }
    case 'mod': return { ...base, target: CompareTarget.MOD, mod_revision: compare.number }
    case 'version': return { ...base, target: CompareTarget.VERSION, version: compare.number }
    case 'create': return { ...base, target: CompareTarget.CREATE, create_revision: compare.number }
  }
}

export function answeredOf(kind: keyof typeof METHODS, message: Uint8Array): KvAnswered {
  if (kind === 'txn') {
    const { header, succeeded, responses } = decodeTxnResponse(message)
    return { revision: header?.revision ?? 0, succeeded, answers: responses.map(txnAnswer) }
  }
  const alone = (revision: number | undefined, answer: ActionAnswer): KvAnswered =>
    ({ revision: revision ?? 0, succeeded: true, answers: [answer] })
  switch (kind) {
    case 'put': {
      const answer = decodePutResponse(message)
      return alone(answer.header?.revision, putAnswer(answer, true))
    }
    case 'delete': {
      const answer = decodeDeleteRangeResponse(message)
      return alone(answer.header?.revision, deleteAnswer(answer))
    }
    case 'range': {
      const answer = decodeRangeResponse(message)
      return alone(answer.header?.revision, rangeAnswer(answer))
    }
  }
}

function txnAnswer(response: ResponseOp): ActionAnswer {
  if (response.response_put !== undefined) return putAnswer(response.response_put, false)
  if (response.response_delete_range !== undefined) return deleteAnswer(response.response_delete_range)
  return rangeAnswer(response.response_range ?? { header: undefined, kvs: [], more: false, count: 0 })
}

function putAnswer({ prev_kv }: PutResponse, askedForPrevious: boolean): ActionAnswer {
  const previous = prev_kv === undefined ? null : seenKey(prev_kv)
  return { kind: 'put', previous: askedForPrevious ? previous : undefined }
}

function deleteAnswer({ deleted, prev_kvs }: DeleteRangeResponse): ActionAnswer {
  return { kind: 'delete', deleted, previous: prev_kvs.map(seenKey) }
}

function rangeAnswer({ kvs, count }: RangeResponse): ActionAnswer {
  return { kind: 'range', keys: kvs.map(seenKey), count }
}

export function seenKey(kv: KeyValue): SeenKey {
  return {
    key: textOf(kv.key),
    value: textOf(kv.value),
    createRevision: kv.create_revision,
    modRevision: kv.mod_revision,
    version: kv.version,
    leaseId: kv.lease,
  }
}

/** The request was looked at and not done. Other errors leave it open. */
export function isRefusal(status: number): boolean {
  return status === grpcStatus.invalidArgument || status === grpcStatus.notFound || status === grpcStatus.outOfRange
}
