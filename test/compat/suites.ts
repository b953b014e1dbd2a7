/** Every gRPC suite, in the order in which they run. */

import type { ServerKind } from '../support/server-process.js'
import { ELECTION_SUITE } from './suites/election-suite.js'
import { AUTH_SUITE } from './suites/auth-suite.js'
import { GATEWAY_SUITE } from './gateway/gateway-suite.js'
import { ERROR_CATALOGUE_SUITE } from './errors/error-catalogue-suite.js'
import { LEASE_SUITE } from './suites/lease-suite.js'
import { LOCK_SUITE } from './suites/lock-suite.js'
import { MAINTENANCE_SUITE } from '../space/maintenance-suite.js'
import { PRESSURE_SUITE } from './suites/pressure-suite.js'
import { RANGE_STREAM_SUITE } from './suites/range-stream-suite.js'
import { RANGE_SUITE } from './suites/range-suite.js'
import { RIGHTS_SUITE } from './suites/rights-suite.js'
import { SERVER_SUITE } from './suites/server-suite.js'
import { SNAPSHOT_SUITE } from './suites/maintenance/snapshot-suite.js'
import { TRANSPORT_SUITE } from './suites/transport-suite.js'
import { TXN_ERROR_SUITE } from './suites/txn-error-suite.js'
import { TXN_SUITE } from './suites/txn-suite.js'
import { WATCH_HISTORY_SUITE } from './suites/watch-history-suite.js'
import { WATCH_SUITE } from './suites/watch-suite.js'
import { WRITE_SUITE } from './suites/write-suite.js'

export const GRPC_SUITES = [
  RANGE_SUITE,
  RANGE_STREAM_SUITE,
  WRITE_SUITE,
  TXN_SUITE,
  TXN_ERROR_SUITE,
  LEASE_SUITE,
  LOCK_SUITE,
  ELECTION_SUITE,
  ERROR_CATALOGUE_SUITE,
  WATCH_SUITE,
  WATCH_HISTORY_SUITE,
  SERVER_SUITE,
  SNAPSHOT_SUITE,
  AUTH_SUITE,
  RIGHTS_SUITE,
  MAINTENANCE_SUITE,
  TRANSPORT_SUITE,
  GATEWAY_SUITE,
  PRESSURE_SUITE,
] as const

/**
 * What the suites want of the server: progress notices that come soon, and a hash of every compaction, however slow the
 * machine is. 3.4 does not know these flags.
 */
export function suiteFlags(kind: ServerKind): readonly string[] {
  const both = ['--bcrypt-cost', '4']
  if (kind === 'etcd') return both
  return [...both, '--watch-progress-notify-interval', '300ms', '--feature-gates', 'CompactHashCheck=true']
}
