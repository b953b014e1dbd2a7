/** Every method that is served, and the service that answers it. */

import type { Auth } from './auth/auth.js'
import type { ClusterService } from './cluster/cluster-service.js'
import { unary, type Route, type Routes } from './grpc-routes.js'
import type { HealthService } from './health-service.js'
import type { KvService } from './kv/kv-service.js'
import type { LeaseService } from './lease-service.js'
import type { Locks } from './locks/locks.js'
import type { MaintenanceService } from './maintenance/maintenance-service.js'
import type { SnapshotService } from './snapshot/snapshot-service.js'
import type { WatchService } from './watch-service.js'

export interface EtcdServices {
  readonly kv: KvService
  readonly leases: LeaseService
  readonly watches: WatchService
  readonly locks: Locks
  readonly auth: Auth
  readonly health: HealthService
  readonly maintenance: MaintenanceService
  readonly snapshots: SnapshotService
  readonly cluster: ClusterService
}

export function etcdRoutes(services: EtcdServices): Routes {
  const { kv, leases, watches, locks, auth, health, maintenance, snapshots, cluster } = services
  return new Map<string, Route>([
    ['/etcdserverpb.KV/Put', unary((call, bytes, start, end) => kv.put(call, bytes, start, end))],
    ['/etcdserverpb.KV/Range', unary((call, bytes, start, end) => kv.range(call, bytes, start, end))],
    ['/etcdserverpb.KV/RangeStream', unary((call, bytes, start, end) => kv.rangeStream(call, bytes, start, end))],
    ['/etcdserverpb.KV/DeleteRange', unary((call, bytes, start, end) => kv.deleteRange(call, bytes, start, end))],
    ['/etcdserverpb.KV/Txn', unary((call, bytes, start, end) => kv.txn(call, bytes, start, end))],
    ['/etcdserverpb.KV/Compact', unary((call, bytes, start, end) => kv.compact(call, bytes, start, end))],
    [
      '/etcdserverpb.Watch/Watch',
      {
        kind: 'stream',
        open: (call) => watches.open(call),
        onMessage: (call, bytes, start, end) => watches.onRequest(call, bytes, start, end),
        // As in etcd, watching goes on for a client that has nothing more to ask.
        onHalfClose: () => undefined,
        onClosed: (call) => watches.onClosed(call),
        onWritable: (call) => watches.onWritable(call),
      },
    ],
    ['/etcdserverpb.Lease/LeaseGrant', unary((call, bytes, start, end) => leases.grant(call, bytes, start, end))],
    ['/etcdserverpb.Lease/LeaseRevoke', unary((call, bytes, start, end) => leases.revoke(call, bytes, start, end))],
    [
      '/etcdserverpb.Lease/LeaseKeepAlive',
      {
        kind: 'stream',
        open: (call) => leases.openKeepAlive(call),
        onMessage: (call, bytes, start, end) => leases.keepAlive(call, bytes, start, end),
        onHalfClose: (call) => leases.onKeepAliveHalfClose(call),
        onClosed: (call) => leases.onKeepAliveClosed(call),
        onWritable: () => undefined,
      },
    ],
    [
      '/etcdserverpb.Lease/LeaseTimeToLive',
      unary((call, bytes, start, end) => leases.timeToLive(call, bytes, start, end)),
    ],
    ['/etcdserverpb.Lease/LeaseLeases', unary((call) => leases.leases(call))],
    ...cluster.routes(),
    ...maintenance.routes(),
    ['/etcdserverpb.Maintenance/Snapshot', snapshots.route],
    ['/grpc.health.v1.Health/Check', unary((call, bytes, start, end) => health.check(call, bytes, start, end))],
    [
      '/grpc.health.v1.Health/Watch',
      {
        kind: 'stream',
        open: () => undefined,
        onMessage: (call, bytes, start, end) => health.watch(call, bytes, start, end),
        onHalfClose: () => undefined,
        onClosed: (call) => health.onWatchClosed(call),
        onWritable: () => undefined,
      },
    ],
    ...locks.routes(),
    ...auth.routes(),
    ['/grpc.health.v1.Health/List', unary((call) => health.list(call))],
  ])
}
