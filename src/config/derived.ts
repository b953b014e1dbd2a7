/** What a configuration has come to, for the log at the start: what was derived stands beside what was given. */

import type { Config } from './config.js'
import { GATE_NAMES } from './sections/feature-gates.js'

export function describeConfig(config: Config): Readonly<Record<string, unknown>> {
  const { autoCompaction } = config
  return {
    name: config.name,
    'data-dir': config.dataDir,
    'wal-dir': config.walDir,
    'listen-client-urls': config.listenClientUrls.map(({ text }) => text),
    'advertise-client-urls': config.advertiseClientUrls,
    'listen-metrics-urls': config.listenMetricsUrls.map(({ text }) => text),
    'initial-advertise-peer-urls': config.advertisePeerUrls,
    'initial-cluster': config.initialCluster,
    'initial-cluster-state': config.initialClusterState,
    'initial-cluster-token': config.initialClusterToken,
    'heartbeat-interval': `${config.heartbeatMs}ms`,
    'election-timeout': `${config.electionMs}ms`,
    'snapshot-count': config.snapshotCount,
    'max-request-bytes': config.requestBytesMax,
    'max-txn-ops': config.txnOpsMax,
    'quota-backend-bytes': Number.isFinite(config.quotaBytes) ? config.quotaBytes : 'no limit',
    'auto-compaction':
      autoCompaction.mode === 'periodic'
        ? `what is older than ${autoCompaction.periodMs / 1000}s`
        : autoCompaction.mode === 'revision'
          ? `all but ${autoCompaction.revisions} revisions`
          : 'off',
    'actor-threads': config.threadsMode,
    'front-workers': config.frontWorkers,
    'watch-workers': config.watchWorkers,
    'idle-strategy': config.idleStrategy,
    'feature-gates': GATE_NAMES.filter((gate) => config.gates[gate]),
  }
}
