/** What clients may ask for, how much is kept, and how it is made durable. */

import { REQUEST_BYTES_MAX } from '../limits.js'
import { option, U32_MAX, type OptionSpec } from './option-spec.js'

const SPACE = 'Space and history'
const RAFT = 'Raft and durability'

export const RESOURCE_OPTIONS: readonly OptionSpec[] = [
  option({
    name: 'max-txn-ops', kind: 'count', default: '128', min: 1, section: 'Limits',
    text: 'Most operations in a transaction.',
  }),
  option({
    name: 'max-request-bytes', kind: 'size', default: '1572864', min: 1, max: REQUEST_BYTES_MAX, section: 'Limits',
    text: 'Most bytes of a client request the server will accept.',
  }),
  option({
    name: 'max-concurrent-streams', kind: 'count', default: String(U32_MAX), min: 1, max: U32_MAX,
    section: 'Limits',
    text: 'Most concurrent streams that each client connection can open.',
  }),
  option({
    name: 'max-connections', kind: 'count', default: '20000', min: 1, section: 'Limits',
    text: 'Most client connections at once.',
  }),
  option({
    name: 'grpc-keepalive-min-time', kind: 'duration', default: '5s', section: 'Limits',
    text: 'Least interval that a client should wait between pings.',
  }),
  option({
    name: 'grpc-keepalive-interval', kind: 'duration', default: '2h', section: 'Limits',
    text: 'Period of server-to-client pings (0 disables).',
  }),
  option({
    name: 'grpc-keepalive-timeout', kind: 'duration', default: '20s', section: 'Limits',
    text: 'Time to wait for a ping to be answered before closing (0 disables).',
  }),
  option({
    name: 'watch-progress-notify-interval', kind: 'duration', default: '0s', section: 'Limits',
    experimental: 'watch-progress-notify-interval',
    text: 'Period of progress notices to watchers that asked for them (0 is 10m).',
  }),

  option({
    name: 'quota-backend-bytes', kind: 'integer', default: '0', section: SPACE,
    text: 'Most bytes of data in use before writes are refused (0 is 2 GiB, a negative number is no limit).',
  }),
  option({
    name: 'quota-auto-disarm', kind: 'bool', default: 'true', section: SPACE,
    text: 'Take writes again by itself once less than 90 % of the quota has been in use for 10 s.',
  }),
  option({
    name: 'auto-compaction-mode', kind: 'string', default: 'periodic', section: SPACE,
    text: "How --auto-compaction-retention is meant: 'periodic' or 'revision'.",
  }),
  option({
    name: 'auto-compaction-retention', kind: 'string', default: '0', section: SPACE,
    text: 'History that is kept: a duration or hours (periodic), or a number of revisions; 0 keeps all.',
  }),
  option({
    name: 'compaction-batch-limit', kind: 'integer', default: '0', min: 0, section: SPACE,
    experimental: 'compaction-batch-limit',
    text: 'Most revisions that one slice of a compaction removes (0 is 1000).',
  }),
  option({
    name: 'compaction-sleep-interval', kind: 'duration', default: '0s', section: SPACE,
    experimental: 'compaction-sleep-interval',
    text: 'Pause between slices of a compaction while writes are waiting (0 is 10ms).',
  }),
  option({
    name: 'bootstrap-defrag-threshold-megabytes', kind: 'count', default: '0', section: SPACE,
    experimental: 'bootstrap-defrag-threshold-megabytes',
    text: 'Shrink the store at the start if that frees at least so many megabytes (0 is never).',
  }),

  option({
    name: 'heartbeat-interval', kind: 'count', default: '100', section: RAFT,
    text: 'Time in milliseconds of a heartbeat interval.',
  }),
  option({
    name: 'election-timeout', kind: 'count', default: '1000', section: RAFT,
    text: 'Time in milliseconds for an election to time out.',
  }),
  option({
    name: 'initial-election-tick-advance', kind: 'bool', default: 'true', section: RAFT,
    text: 'Whether to fast-forward initial election ticks on boot.',
  }),
  option({
    name: 'pre-vote', kind: 'bool', default: 'true', section: RAFT,
    text: 'Ask whether an election could be won before starting one.',
  }),
  option({
    name: 'wal-stall-handover', kind: 'duration', default: '5s', section: RAFT,
    text: "A leader whose log's disk does not answer for this long hands over to another member (0 for never).",
  }),
  option({
    name: 'snapshot-count', kind: 'count', default: '10000', section: RAFT,
    text: 'Least number of applied entries between two snapshot records in the log (0 is 10000).',
  }),
  option({
    name: 'snapshot-catchup-entries', kind: 'count', default: '5000', section: RAFT,
    experimental: 'snapshot-catchup-entries',
    text: 'Entries kept in memory behind a snapshot for slow followers (0 is 5000).',
  }),
  option({
    name: 'snapshot-transfer-megabytes', kind: 'count', default: '64', section: RAFT,
    text: 'Most megabytes per second of snapshots to members that have fallen behind (0 is no limit).',
  }),
  option({
    name: 'max-wals', kind: 'count', default: '5', section: RAFT,
    text: 'Most released log segments to keep (0 is unlimited).',
  }),
  option({
    name: 'max-snapshots', kind: 'count', default: '5', section: RAFT,
    text: 'Most snapshot files to keep (0 is unlimited). This server writes none.',
    notice: '--max-snapshots has no effect: snapshots are records of the log here; etcd deprecates the option, too',
  }),
  option({
    name: 'raft-read-timeout', kind: 'duration', default: '5s', section: RAFT,
    text: "Time without a byte after which another member's connection counts as lost; at least 5s.",
  }),
  option({
    name: 'raft-write-timeout', kind: 'duration', default: '5s', section: RAFT,
    text: "Time without progress after which a write to another member's connection fails; at least 5s.",
  }),
]
