/**
 * Everything that actors count in their pages, a sentence each. Names, types, labels and buckets are etcd's, so that
 * dashboards and alert rules made for it work; what begins with `raftring_` is this project's own.
 *
 * Each actor has a page of this layout and is its only writer; a scrape adds the pages up. What can be read off shared
 * words, rings or the system is not counted here: see derived-metrics.ts.
 */

import { allocateCountersPage } from '../ring/counters-page.js'
import { combinations, exponential, PageLayout, type Family } from './metric-family.js'
import { etcdErrors } from '../proto/etcd-errors.js'
import { declareRpcFamilies } from './rpc-catalogue.js'

const layout = new PageLayout()

const MS_TO_8S = exponential(0.001, 2, 14)
const TENTH_MS_UP = exponential(0.0001, 2, 20)
const HASH_BOUNDS = exponential(0.01, 2, 15)
const SIZE_BOUNDS = exponential(1, 2, 13)

/** What an entry of the log may ask for, as etcd names it. */
export const APPLY_OPERATIONS = Object.freeze([
  'unknown', 'Put', 'DeleteRange', 'Txn', 'Compaction', 'LeaseGrant', 'LeaseRevoke', 'Alarm', 'Authenticate',
  'AuthEnable', 'AuthDisable', 'AuthStatus', 'AuthUserAdd', 'AuthUserDelete', 'AuthUserGet', 'AuthUserChangePassword',
  'AuthUserGrantRole', 'AuthUserRevokeRole', 'AuthUserList', 'AuthRoleAdd', 'AuthRoleDelete', 'AuthRoleGet',
  'AuthRoleGrantPermission', 'AuthRoleRevokePermission', 'AuthRoleList', 'ClusterVersionSet', 'ClusterMemberAttrSet',
  'DowngradeInfoSet',
] as const)
export type ApplyOperation = (typeof APPLY_OPERATIONS)[number]

/** The checks of /livez and /readyz, in the order in which they run. */
export const LIVEZ_CHECKS = Object.freeze(['serializable_read'] as const)
export const READYZ_CHECKS = Object.freeze([
  'data_corruption', 'serializable_read', 'linearizable_read', 'non_learner',
] as const)
const HEALTH_CHECKS = [
  ...LIVEZ_CHECKS.map((name) => ['livez', name]),
  ...READYZ_CHECKS.map((name) => ['readyz', name]),
]

/** Why HTTP/1.1 itself does not let a request pass. */
export const HTTP1_REFUSALS = Object.freeze(['malformed', 'too-large', 'too-slow', 'unsupported'] as const)

/** Why the JSON gateway answers in a service's place. */
export const GATEWAY_REFUSALS = Object.freeze([
  'unknown-path', 'wrong-method', 'wrong-timeout', 'malformed', 'too-large', 'too-much-held', 'slow-body',
] as const)
export type GatewayRefusal = (typeof GATEWAY_REFUSALS)[number]

/** 'true' before 'false': a success is the even series. */
const SUCCESS = ['true', 'false'] as const

/** Why a leader does not promote a learner, in the words of etcd's metric. */
export const PROMOTE_FAILURES = Object.freeze([
  { id: etcdErrors.memberNotFound.id, reason: 'membership: ID not found' },
  { id: etcdErrors.memberNotLearner.id, reason: 'membership: can only promote a learner member' },
  { id: etcdErrors.learnerNotReady.id, reason: etcdErrors.learnerNotReady.message },
  { id: etcdErrors.memberNotEnoughStarted.id, reason: etcdErrors.memberNotEnoughStarted.message },
])

export const counters = Object.freeze({
  // Told by fronts.
  clientReceivedBytes: layout.counter(
    'etcd_network_client_grpc_received_bytes_total', 'Bytes of request messages from gRPC clients.',
  ),
  clientSentBytes: layout.counter(
    'etcd_network_client_grpc_sent_bytes_total', 'Bytes of response messages to gRPC clients.',
  ),
  streamFailures: layout.counter(
    'etcd_network_server_stream_failures_total', 'Streams of clients that broke off, by direction and API.',
    { labels: ['Type', 'API'], series: combinations(['receive', 'send'], ['watch', 'lease-keepalive']) },
  ),
  clientRequests: layout.counter(
    'etcd_server_client_requests_total', 'Calls by kind and by the API version that the client says it has.',
    { labels: ['type', 'client_api_version'], series: [['unary'], ['stream']], isByText: true },
  ),
  proposalsFailed: layout.counter(
    'etcd_server_proposals_failed_total', 'Proposals that were refused or had no outcome in time.',
  ),
  promotions: layout.counter(
    'etcd_server_learner_promote_successes', 'Promotions of learners that this leader made.',
  ),
  promotionFailures: layout.counter(
    'etcd_server_learner_promote_failures', 'Promotions of learners that this leader refused, by the reason.',
    { labels: ['Reason'], series: PROMOTE_FAILURES.map(({ reason }) => [reason]) },
  ),
  proposalsPending: layout.gauge(
    'etcd_server_proposals_pending', 'Proposals whose outcome is waited for.',
  ),
  readIndexesFailed: layout.counter(
    'etcd_server_read_indexes_failed_total', 'Linearizable reads that failed because the leader changed.',
  ),
  slowReadIndexes: layout.counter(
    'etcd_server_slow_read_indexes_total', 'Linearizable reads that waited longer than an election timeout.',
  ),
  rangeDuration: layout.histogram(
    'etcd_server_range_duration_seconds', 'Time to read a range from a snapshot.', TENTH_MS_UP,
    { labels: ['success'], series: [[SUCCESS[0]], [SUCCESS[1]]] },
  ),
  healthSuccess: layout.counter('etcd_server_health_success', 'Answers of /health that said true.'),
  healthFailures: layout.counter('etcd_server_health_failures', 'Answers of /health that said false.'),
  healthcheck: layout.gauge(
    'etcd_server_healthcheck', 'Last result of each check of /livez and /readyz, 1 when it passed.',
    { labels: ['type', 'name'], series: HEALTH_CHECKS, joining: 'newest' },
  ),
  healthchecks: layout.counter(
    'etcd_server_healthchecks_total', 'Results of the checks of /livez and /readyz.',
    {
      labels: ['type', 'name', 'status'],
      series: HEALTH_CHECKS.flatMap((check) => [[...check, 'success'], [...check, 'error']]),
    },
  ),
  scrapes: layout.counter(
    'promhttp_metric_handler_requests_total', 'Scrapes by HTTP status.',
    { labels: ['code'], series: [['200'], ['500'], ['503']] },
  ),
  scrapesInFlight: layout.gauge('promhttp_metric_handler_requests_in_flight', 'Scrapes that are being answered.'),
  watchStreams: layout.gauge('etcd_debugging_mvcc_watch_stream_total', 'Open watch streams.'),
  watchLoopResponse: layout.histogram(
    'etcd_debugging_server_watch_send_loop_watch_stream_duration_seconds',
    'Time to hand one response with events to its connection.', MS_TO_8S,
  ),
  watchLoopEvent: layout.histogram(
    'etcd_debugging_server_watch_send_loop_watch_stream_duration_per_event_seconds',
    'The same, divided by the events of the response.', MS_TO_8S,
  ),
  watchLoopControl: layout.histogram(
    'etcd_debugging_server_watch_send_loop_control_stream_duration_seconds',
    'Time to hand one created or canceled response to its connection.', MS_TO_8S,
  ),
  watchLoopProgress: layout.histogram(
    'etcd_debugging_server_watch_send_loop_progress_duration_seconds',
    'Time to hand one progress notice to its connection.', MS_TO_8S,
  ),

  cuts: layout.counter('raftring_connections_cut_total', 'Connections of clients that were cut, by reason.', {
    labels: ['reason'], series: [['slow reader'], ['keep-alive timeout'], ['handshake timeout'], ['abuse']],
  }),
  tlsHandshakes: layout.counter('raftring_tls_handshakes_total', 'Handshakes of TLS, by what became of them.', {
    labels: ['result'], series: [['good'], ['failed'], ['refused as too many'], ['certificate refused']],
  }),
  gatewayRequests: layout.counter('raftring_gateway_requests_total', 'Requests to the JSON gateway.'),
  gatewayRefused: layout.counter(
    'raftring_gateway_refused_total', 'Requests to the JSON gateway that ended without their service, by reason.',
    { labels: ['reason'], series: GATEWAY_REFUSALS.map((reason) => [reason]) },
  ),
  gatewayHeldBytes: layout.gauge(
    'raftring_gateway_held_bytes', 'Memory of request bodies that have not come whole.',
  ),
  http1Requests: layout.counter('raftring_http1_requests_total', 'HTTP/1.1 requests that clients sent.'),
  http1Refused: layout.counter(
    'raftring_http1_refused_total', 'HTTP/1.1 connections that ended with something that is no request, by reason.',
    { labels: ['reason'], series: HTTP1_REFUSALS.map((reason) => [reason]) },
  ),
  http2Streams: layout.counter('raftring_http2_streams_total', 'HTTP/2 streams that clients opened.'),
  http2Refused: layout.counter('raftring_http2_streams_refused_total', 'HTTP/2 streams that were refused as too many.'),
  http2Resets: layout.counter('raftring_http2_resets_total', 'HTTP/2 streams that were reset, by side.', {
    labels: ['by'], series: [['client'], ['server']],
  }),
  http2Bytes: layout.counter('raftring_http2_bytes_total', 'Bytes of HTTP/2 connections.', {
    labels: ['direction'], series: [['received'], ['sent']],
  }),

  // Told by raft.
  leaderChanges: layout.counter('etcd_server_leader_changes_seen_total', 'Times that another leader was seen.'),
  messagesDropped: layout.counter(
    'raftring_raft_messages_dropped_total', 'Messages to other members that found no room on their way out.',
  ),
  walStalls: layout.counter(
    'raftring_wal_stalls_total', "Times that the log's disk did not answer for an election timeout.",
  ),
  stallHandovers: layout.counter(
    'raftring_wal_stall_handovers_total', 'Times that leadership was handed over because of that.',
  ),
  messagesMalformed: layout.counter(
    'raftring_raft_messages_malformed_total', 'Messages of other members that made no sense.',
  ),
  forwardsDropped: layout.counter(
    'raftring_forwarded_proposals_dropped_total', 'Proposals of other members that this one could not take.',
  ),
  readTicketsDropped: layout.counter(
    'raftring_read_tickets_dropped_total', 'Read tickets that had no answer: no leader, or too many.',
  ),
  heartbeatFailures: layout.counter(
    'etcd_server_heartbeat_send_failures_total', 'Heartbeats sent more than two intervals behind the one before.',
  ),
  snapshotApplying: layout.gauge(
    'etcd_server_snapshot_apply_in_progress_total', '1 while a snapshot from a leader is being applied.',
  ),

  // Told by wal.
  walFsync: layout.histogram(
    'etcd_disk_wal_fsync_duration_seconds', 'Time of one fdatasync of the log.', MS_TO_8S,
  ),
  walWrite: layout.histogram(
    'etcd_disk_wal_write_duration_seconds', 'Time of one write to the log.', MS_TO_8S,
  ),
  walBytes: layout.gauge('etcd_disk_wal_write_bytes_total', 'Bytes written to the log.'),
  walBatch: layout.histogram(
    'raftring_wal_batch_entries', 'Entries that shared one write of the log.', SIZE_BOUNDS,
  ),

  // Told by mvcc.
  applyDuration: layout.histogram(
    'etcd_server_apply_duration_seconds', 'Time to apply one committed entry, its share of the commit not included.',
    TENTH_MS_UP,
    {
      labels: ['version', 'op', 'success'],
      series: combinations(['v3'], APPLY_OPERATIONS, SUCCESS),
      isSparse: true,
    },
  ),
  slowApplies: layout.counter(
    'etcd_server_slow_apply_total', 'Entries that took longer to apply than --warning-apply-duration.',
  ),
  commitDuration: layout.histogram(
    'etcd_disk_backend_commit_duration_seconds', 'Time to commit one transaction of the store.', MS_TO_8S,
  ),
  applyBatch: layout.histogram(
    'raftring_apply_batch_entries', 'Entries that shared one transaction of the store.', SIZE_BOUNDS,
  ),
  mvccRanges: layout.counter('etcd_mvcc_range_total', 'Ranges that were read.'),
  mvccPuts: layout.counter('etcd_mvcc_put_total', 'Puts that were applied.'),
  mvccDeletes: layout.counter('etcd_mvcc_delete_total', 'Deletes that were applied.'),
  mvccTxns: layout.counter('etcd_mvcc_txn_total', 'Transactions of more than one operation that were applied.'),
  mvccPutBytes: layout.gauge(
    'etcd_debugging_mvcc_total_put_size_in_bytes', 'Bytes of keys and values of all puts that were applied.',
  ),
  mvccKeys: layout.gauge('etcd_debugging_mvcc_keys_total', 'Live keys.'),
  compactionPause: layout.histogram(
    'etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds',
    'Time that one slice of a compaction held up writes.', exponential(1, 2, 13),
  ),
  compactionTotal: layout.histogram(
    'etcd_debugging_mvcc_db_compaction_total_duration_milliseconds', 'Time from a compaction to its last slice.',
    exponential(100, 2, 14),
  ),
  compactionLast: layout.gauge(
    'etcd_debugging_mvcc_db_compaction_last', 'When the last compaction ended, in seconds since 1970.',
  ),
  compactionKeys: layout.counter(
    'etcd_debugging_mvcc_db_compaction_keys_total', 'Revisions that compactions removed.',
  ),
  indexCompactionPause: layout.histogram(
    'etcd_debugging_mvcc_index_compaction_pause_duration_milliseconds',
    'Time that the logical part of a compaction held up writes.', exponential(0.5, 2, 14),
  ),
  hashDuration: layout.histogram('etcd_mvcc_hash_duration_seconds', 'Time of one Hash.', HASH_BOUNDS),
  hashRevDuration: layout.histogram('etcd_mvcc_hash_rev_duration_seconds', 'Time of one HashKV.', HASH_BOUNDS),
  defragDuration: layout.histogram(
    'etcd_disk_backend_defrag_duration_seconds', 'Time of one rewriting of the store file.', exponential(0.1, 2, 13),
  ),
  defragInflight: layout.gauge('etcd_disk_defrag_inflight', '1 while the store file is being rewritten.'),
  snapshotDuration: layout.histogram(
    'etcd_disk_backend_snapshot_duration_seconds', 'Time of one snapshot sent to a client.', exponential(0.01, 2, 17),
  ),
  checkpointDuration: layout.histogram(
    'raftring_checkpoint_duration_seconds', 'Time from the beginning of a checkpoint to its file on disk.',
    exponential(0.001, 2, 16),
  ),
  checkpointFailures: layout.counter(
    'raftring_checkpoint_failures_total', 'Checkpoints that found no room on the disk.',
  ),
  recentBytes: layout.gauge(
    'raftring_store_recent_bytes', 'Memory taken by rows that are not in the file of the store yet.',
  ),
  recentSettled: layout.counter(
    'raftring_store_recent_settled_total', 'Rows that went from memory to the file of the store.',
  ),
  recentOverflows: layout.counter(
    'raftring_store_recent_overflows_total', 'Commits that found no memory and put all rows into the store file.',
  ),
  leaseGranted: layout.counter('etcd_debugging_lease_granted_total', 'Leases granted.'),
  leaseRevoked: layout.counter('etcd_debugging_lease_revoked_total', 'Leases revoked.'),
  leaseTtl: layout.histogram(
    'etcd_debugging_lease_ttl_total', 'TTLs of granted leases, in seconds.', exponential(1, 2, 24),
  ),

  // Told by peer.
  snapshotSave: layout.histogram(
    'etcd_snap_db_save_total_duration_seconds', "Time from the beginning of a leader's store to its file on disk.",
    exponential(0.1, 2, 10),
  ),
  snapshotSync: layout.histogram(
    'etcd_snap_db_fsync_duration_seconds', "Time of the last sync of the file of a leader's store.", MS_TO_8S,
  ),

  // Told by lease.
  leaseRenewed: layout.counter('etcd_debugging_lease_renewed_total', 'Renewals of leases answered while leading.'),
  leaseExpired: layout.counter('etcd_debugging_server_lease_expired_total', 'Leases that expired while leading.'),
  leases: layout.gauge('raftring_leases', 'Leases that exist.'),

  // Told by watch workers.
  watchers: layout.gauge('etcd_debugging_mvcc_watcher_total', 'Watchers.'),
  slowWatchers: layout.gauge('etcd_debugging_mvcc_slow_watcher_total', 'Watchers that catch up from the store.'),
  watchEvents: layout.counter('etcd_debugging_mvcc_events_total', 'Events sent, once for each watcher.'),
  eventLogOverruns: layout.counter(
    'raftring_event_log_overruns_total', 'Times that a watch worker was so far behind that it went back to the store.',
  ),

  // Told by whoever reads the store.
  openSnapshots: layout.gauge(
    'etcd_mvcc_db_open_read_transactions', 'Read transactions that are open, those of checkpoints included.',
  ),
})

/** Since when the page's owner has had its read snapshot open, in monotonic ms; 0 when it has none. Not exposed. */
export const snapshotSince: Family = layout.gauge('', '')
/** Of the events that watch workers have sent, those that the page's owner has handed on. Not exposed. */
export const watchEventsTaken: Family = layout.gauge('', '')

export const rpcCounters = declareRpcFamilies(layout)

/** Shared memory for one actor's page. */
export function allocateActorPage(): SharedArrayBuffer {
  return allocateCountersPage(layout.wordCount)
}

/** What a scrape shows of the pages of all actors. */
export function counterFamilies(isExtensive: boolean): readonly Family[] {
  return layout.families.filter((family) => family.name !== '' && (isExtensive || family !== rpcCounters.handling))
}
