/** What fronts count for each RPC, under the names of grpc-go's Prometheus middleware, which dashboards know. */

import { methods, type Method } from '../proto/schema.js'
import { combinations, exponential, type Family, type PageLayout } from './metric-family.js'

/** gRPC codes as label values, by number. */
const CODE_NAMES = [
  'OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists', 'PermissionDenied',
  'ResourceExhausted', 'FailedPrecondition', 'Aborted', 'OutOfRange', 'Unimplemented', 'Internal', 'Unavailable',
  'DataLoss', 'Unauthenticated',
] as const
export const CODE_COUNT = CODE_NAMES.length

const HANDLING_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

const TYPE_NAMES = { unary: 'unary', server: 'server_stream', both: 'bidi_stream' } as const

/** Kinds of requests whose time from hearing to answering etcd tells; the first is for reads within a Txn. */
const REQUEST_TYPES_BY_PATH: Readonly<Record<string, string>> = Object.freeze({
  '/etcdserverpb.KV/Range': 'Range',
  '/etcdserverpb.KV/RangeStream': 'RangeStream',
  '/etcdserverpb.KV/Put': 'Put',
  '/etcdserverpb.KV/DeleteRange': 'DeleteRange',
  '/etcdserverpb.KV/Txn': 'Txn',
  '/etcdserverpb.KV/Compact': 'Compaction',
  '/etcdserverpb.Lease/LeaseGrant': 'LeaseGrant',
  '/etcdserverpb.Lease/LeaseRevoke': 'LeaseRevoke',
  '/etcdserverpb.Maintenance/Alarm': 'Alarm',
  '/etcdserverpb.Auth/Authenticate': 'Authenticate',
})
const READONLY_TXN = 'ReadonlyTxn'
const TXN_PATH = '/etcdserverpb.KV/Txn'
const AUTH_SERVICE = 'etcdserverpb.Auth'

export interface RpcFamilies {
  readonly started: Family
  readonly handled: Family
  readonly received: Family
  readonly sent: Family
  /** With --metrics=extensive only. */
  readonly handling: Family
  readonly requestDuration: Family
}

/** Where one method's series stand in the families; a request type of -1 has no duration. */
export interface RpcPlace {
  readonly path: string
  readonly isStream: boolean
  readonly series: number
  readonly requestType: number
  /** For Txn: the request type of one that only reads. */
  readonly readonlyType: number
}

/** etcd registers no service of the log's, and no reflection. */
const served: readonly Method[] = Object.freeze([...methods.values()].sort((a, b) => (a.path < b.path ? -1 : 1)))
const requestTypes: readonly string[] = Object.freeze([
  READONLY_TXN, ...new Set(served.map(requestTypeOf).filter((type) => type !== null)),
])

export function declareRpcFamilies(layout: PageLayout): RpcFamilies {
  const labels = ['grpc_type', 'grpc_service', 'grpc_method']
  const series = served.map(({ service, rpc }) => [TYPE_NAMES[rpc.streaming], service, rpc.name])
  const byCode = series.flatMap((values) => CODE_NAMES.map((code) => [...values, code]))
  return Object.freeze({
    started: layout.counter('grpc_server_started_total', 'RPCs started.', { labels, series }),
    handled: layout.counter('grpc_server_handled_total', 'RPCs completed, by status code.', {
      labels: [...labels, 'grpc_code'], series: byCode,
    }),
    received: layout.counter('grpc_server_msg_received_total', 'Messages received from clients.', { labels, series }),
    sent: layout.counter('grpc_server_msg_sent_total', 'Messages sent to clients.', { labels, series }),
    handling: layout.histogram('grpc_server_handling_seconds', 'Time from the start of an RPC to its end.',
      HANDLING_BOUNDS, { labels, series }),
    requestDuration: layout.histogram('etcd_server_request_duration_seconds',
      'Time from hearing a request to its answer, by kind of request.', exponential(0.001, 2, 14),
      { labels: ['type', 'success'], series: combinations(requestTypes, ['true', 'false']), isSparse: true }),
  })
}

export function rpcPlaces(): readonly RpcPlace[] {
  return served.map((method, series) => ({
    path: method.path,
    isStream: method.rpc.streaming !== 'unary',
    series,
    requestType: requestTypes.indexOf(requestTypeOf(method) ?? ''),
    readonlyType: method.path === TXN_PATH ? requestTypes.indexOf(READONLY_TXN) : -1,
  }))
}

function requestTypeOf(method: Method): string | null {
  const named = REQUEST_TYPES_BY_PATH[method.path]
  if (named !== undefined) return named
  return method.service === AUTH_SERVICE ? `Auth${method.rpc.name.replace(/^Auth/, '')}` : null
}
