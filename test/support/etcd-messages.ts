/**
 * Field tables of the etcd messages that tests send and receive (field numbers: the etcd v3
 * protocol).
 */

import { lazy, message, type Codec, type Output } from './wire-message.js'

export const ResponseHeader = message({
  clusterId: [1, 'uid'],
  memberId: [2, 'uid'],
  revision: [3, 'int'],
  raftTerm: [4, 'uid'],
})
export const KeyValue = message({
  key: [1, 'bytes'],
  createRevision: [2, 'int'],
  modRevision: [3, 'int'],
  version: [4, 'int'],
  value: [5, 'bytes'],
  lease: [6, 'id'],
})
export type KeyValue = Output<typeof KeyValue>
export const Event = message({ type: [1, 'int'], kv: [2, KeyValue], prevKv: [3, KeyValue] })
export type Event = Output<typeof Event>

export const SORT_ORDER = { NONE: 0, ASCEND: 1, DESCEND: 2 } as const
export const SORT_TARGET = { KEY: 0, VERSION: 1, CREATE: 2, MOD: 3, VALUE: 4 } as const
export const COMPARE_RESULT = { EQUAL: 0, GREATER: 1, LESS: 2, NOT_EQUAL: 3 } as const
export const COMPARE_TARGET = { VERSION: 0, CREATE: 1, MOD: 2, VALUE: 3, LEASE: 4 } as const
export const EVENT_TYPE = { PUT: 0, DELETE: 1 } as const
export const WATCH_FILTER = { NOPUT: 0, NODELETE: 1 } as const

export const RangeRequest = message({
  key: [1, 'bytes'],
  rangeEnd: [2, 'bytes'],
  limit: [3, 'int'],
  revision: [4, 'int'],
  sortOrder: [5, 'int'],
  sortTarget: [6, 'int'],
  serializable: [7, 'bool'],
  keysOnly: [8, 'bool'],
  countOnly: [9, 'bool'],
  minModRevision: [10, 'int'],
  maxModRevision: [11, 'int'],
  minCreateRevision: [12, 'int'],
  maxCreateRevision: [13, 'int'],
})
export const RangeResponse = message({
  header: [1, ResponseHeader],
  kvs: [2, KeyValue, 'many'],
  more: [3, 'bool'],
  count: [4, 'int'],
})
export type RangeResponse = Output<typeof RangeResponse>
export const RangeStreamResponse = message({ rangeResponse: [1, RangeResponse] })
export const PutRequest = message({
  key: [1, 'bytes'],
  value: [2, 'bytes'],
  lease: [3, 'id'],
  prevKv: [4, 'bool'],
  ignoreValue: [5, 'bool'],
  ignoreLease: [6, 'bool'],
})
export const PutResponse = message({ header: [1, ResponseHeader], prevKv: [2, KeyValue] })
export const DeleteRangeRequest = message({
  key: [1, 'bytes'],
  rangeEnd: [2, 'bytes'],
  prevKv: [3, 'bool'],
})
export const DeleteRangeResponse = message({
  header: [1, ResponseHeader],
  deleted: [2, 'int'],
  prevKvs: [3, KeyValue, 'many'],
})
export const Compare = message({
  result: [1, 'int'],
  target: [2, 'int'],
  key: [3, 'bytes'],
  version: [4, 'int'],
  createRevision: [5, 'int'],
  modRevision: [6, 'int'],
  value: [7, 'bytes'],
  lease: [8, 'id'],
  rangeEnd: [64, 'bytes'],
})

type In<C> = C extends Codec<infer I, unknown> ? I : never
export interface RequestOpIn {
  readonly requestRange?: In<typeof RangeRequest>
  readonly requestPut?: In<typeof PutRequest>
  readonly requestDeleteRange?: In<typeof DeleteRangeRequest>
  readonly requestTxn?: TxnRequestIn
}
export interface TxnRequestIn {
  readonly compare?: readonly In<typeof Compare>[]
  readonly success?: readonly RequestOpIn[]
  readonly failure?: readonly RequestOpIn[]
}
export interface ResponseOpOut {
  readonly responseRange: Output<typeof RangeResponse> | undefined
  readonly responsePut: Output<typeof PutResponse> | undefined
  readonly responseDeleteRange: Output<typeof DeleteRangeResponse> | undefined
  readonly responseTxn: TxnResponseOut | undefined
}
export interface TxnResponseOut {
  readonly header: Output<typeof ResponseHeader> | undefined
  readonly succeeded: boolean
  readonly responses: ResponseOpOut[]
}
const RequestOp: Codec<RequestOpIn, unknown> = message({
  requestRange: [1, RangeRequest],
  requestPut: [2, PutRequest],
  requestDeleteRange: [3, DeleteRangeRequest],
  requestTxn: [4, lazy((): Codec<TxnRequestIn, unknown> => TxnRequest)],
})
export const TxnRequest: Codec<TxnRequestIn, unknown> = message({
  compare: [1, Compare, 'many'],
  success: [2, RequestOp, 'many'],
  failure: [3, RequestOp, 'many'],
})
const ResponseOp: Codec<never, ResponseOpOut> = message({
  responseRange: [1, RangeResponse],
  responsePut: [2, PutResponse],
  responseDeleteRange: [3, DeleteRangeResponse],
  responseTxn: [4, lazy((): Codec<never, TxnResponseOut> => TxnResponse)],
})
export const TxnResponse: Codec<never, TxnResponseOut> = message({
  header: [1, ResponseHeader],
  succeeded: [2, 'bool'],
  responses: [3, ResponseOp, 'many'],
})

export const CompactionRequest = message({ revision: [1, 'int'], physical: [2, 'bool'] })
export const HeaderOnly = message({ header: [1, ResponseHeader] })
export const Empty = message({})

export const WatchCreateRequest = message({
  key: [1, 'bytes'],
  rangeEnd: [2, 'bytes'],
  startRevision: [3, 'int'],
  progressNotify: [4, 'bool'],
  filters: [5, 'int', 'many'],
  prevKv: [6, 'bool'],
  watchId: [7, 'int'],
  fragment: [8, 'bool'],
})
export type WatchCreateIn = In<typeof WatchCreateRequest>
export const WatchRequest = message({
  createRequest: [1, WatchCreateRequest],
  cancelRequest: [2, message({ watchId: [1, 'int'] })],
  progressRequest: [3, Empty],
})
export const WatchResponse = message({
  header: [1, ResponseHeader],
  watchId: [2, 'int'],
  created: [3, 'bool'],
  canceled: [4, 'bool'],
  compactRevision: [5, 'int'],
  cancelReason: [6, 'string'],
  fragment: [7, 'bool'],
  events: [11, Event, 'many'],
})
export type WatchResponse = Output<typeof WatchResponse>

export const LeaseGrantRequest = message({ ttl: [1, 'int'], id: [2, 'id'] })
export const LeaseGrantResponse = message({
  header: [1, ResponseHeader],
  id: [2, 'id'],
  ttl: [3, 'int'],
  error: [4, 'string'],
})
export const LeaseIdRequest = message({ id: [1, 'id'] })
export const LeaseKeepAliveResponse = message({
  header: [1, ResponseHeader],
  id: [2, 'id'],
  ttl: [3, 'int'],
})
export type LeaseKeepAliveResponse = Output<typeof LeaseKeepAliveResponse>
export const LeaseTimeToLiveRequest = message({ id: [1, 'id'], keys: [2, 'bool'] })
export const LeaseTimeToLiveResponse = message({
  header: [1, ResponseHeader],
  id: [2, 'id'],
  ttl: [3, 'int'],
  grantedTtl: [4, 'int'],
  keys: [5, 'bytes', 'many'],
})
export const LeaseLeasesResponse = message({
  header: [1, ResponseHeader],
  leases: [2, LeaseIdRequest, 'many'],
})

export const StatusResponse = message({
  header: [1, ResponseHeader],
  version: [2, 'string'],
  dbSize: [3, 'int'],
  leader: [4, 'uid'],
  raftIndex: [5, 'int'],
  raftTerm: [6, 'int'],
  raftAppliedIndex: [7, 'int'],
  errors: [8, 'string', 'many'],
  dbSizeInUse: [9, 'int'],
  isLearner: [10, 'bool'],
  storageVersion: [11, 'string'],
  dbSizeQuota: [12, 'int'],
})
export const MemberListRequest = message({ linearizable: [1, 'bool'] })
export const MemberListResponse = message({
  header: [1, ResponseHeader],
  members: [
    2,
    message({
      id: [1, 'uid'],
      name: [2, 'string'],
      peerUrls: [3, 'string', 'many'],
      clientUrls: [4, 'string', 'many'],
      isLearner: [5, 'bool'],
    }),
    'many',
  ],
})
export const HealthCheckRequest = message({ service: [1, 'string'] })
export const HealthCheckResponse = message({ status: [1, 'int'] })
