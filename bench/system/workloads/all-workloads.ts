/** Every workload, in the order in which they run. */

import { KV_CURVES, KV_WORKLOADS } from './kv-workloads.js'
import { LEASE_WORKLOADS } from './lease-workloads.js'
import { RESTART_WORKLOAD } from './restart-workload.js'
import { WATCH_CURVES, WATCH_WORKLOADS } from './watch-workloads.js'
import type { Workload } from './workload.js'

export const WORKLOADS: readonly Workload[] = [
  ...KV_WORKLOADS, ...WATCH_WORKLOADS, ...LEASE_WORKLOADS, RESTART_WORKLOAD,
]

export const CURVES: readonly Workload[] = [...KV_CURVES, ...WATCH_CURVES]
