/** Metrics of etcd that nobody counts: they are read off the shared words, the configuration and the kernel. */

import type { Config } from '../config/config.js'
import { GATE_NAMES, gateStage } from '../config/sections/feature-gates.js'
import { SERVER_VERSION } from '../config/versions.js'
import { Word, type SharedWords } from '../messages/shared-words.js'
import { committedIndex } from '../messages/told-early.js'
import type { CountersPage } from '../ring/counters-page.js'
import { counters, watchEventsTaken } from './counter-catalogue.js'
import type { Exposition } from './exposition.js'
import type { Family } from './metric-family.js'
import type { ProcessFacts } from './process-file.js'

export interface MemberFacts {
  readonly memberId: bigint
  readonly config: Config
  readonly words: SharedWords
  /** Such as 3.7.0; null before the cluster has agreed on one. */
  readonly clusterVersion: string | null
  /** Names of the alarms that are active. */
  readonly alarms: readonly string[]
}

const ALARM_TYPES = ['NOSPACE', 'CORRUPT']
/** Go prints an address space without a limit so. */
const NO_LIMIT = 2 ** 64

export function addMemberMetrics(to: Exposition, facts: MemberFacts): void {
  addRole(to, facts)
  addStore(to, facts)
  addIdentity(to, facts)
}

function addRole(to: Exposition, { words, memberId }: MemberFacts): void {
  const leader = words.loadId(Word.leaderId)
  to.single('gauge', 'etcd_server_has_leader', '1 when this member knows a leader.', leader === 0n ? 0 : 1)
  to.single('gauge', 'etcd_server_is_leader', '1 when this member leads.', leader === memberId ? 1 : 0)
  to.single('gauge', 'etcd_server_is_learner', '1 when this member is a learner.', words.load(Word.isLearner))
  const committed = committedIndex(words)
  to.single('gauge', 'etcd_server_proposals_committed_total', 'The last committed index of the log.', committed)
  const applied = words.load(Word.appliedIndex)
  to.single('gauge', 'etcd_server_proposals_applied_total', 'The last applied index of the log.', applied)
}

function addStore(to: Exposition, { words, config }: MemberFacts): void {
  to.single('gauge', 'etcd_mvcc_db_total_size_in_bytes', 'Size of the store file.', words.load(Word.dbSizeBytes))
  to.single('gauge', 'etcd_mvcc_db_total_size_in_use_in_bytes', 'Bytes of the store file that are in use.',
    words.load(Word.dbInUseBytes))
  to.single('gauge', 'etcd_debugging_mvcc_current_revision', 'The current revision.', words.load(Word.currentRevision))
  to.single('gauge', 'etcd_debugging_mvcc_compact_revision', 'The revision compacted to, -1 before the first.',
    words.load(Word.compactRevision))
  to.single('gauge', 'etcd_debugging_auth_revision', 'The revision of users and roles.',
    Math.floor(words.load(Word.authStamp) / 2))
  to.single('gauge', 'etcd_server_quota_backend_bytes', 'The quota of the store, -1 without one.',
    config.quotaBytes === Infinity ? -1 : config.quotaBytes)
}

function addIdentity(to: Exposition, { config, memberId, clusterVersion, alarms }: MemberFacts): void {
  for (const alarm_type of ALARM_TYPES) {
    const isActive = alarms.includes(alarm_type)
    to.single('gauge', 'etcd_debugging_server_alarms', '1 for an alarm that is active.', isActive ? 1 : 0,
      { server_id: memberId.toString(16), alarm_type })
  }
  to.single('gauge', 'etcd_server_version', 'The etcd version whose API is served, as a label.', 1,
    { server_version: SERVER_VERSION })
  to.single('gauge', 'etcd_server_go_version', "The runtime's version, as a label.", 1,
    { server_go_version: `node ${process.version}` })
  to.single('gauge', 'etcd_server_id', "The member's id, as a label.", 1, { server_id: memberId.toString(16) })
  if (clusterVersion !== null) {
    const [major, minor] = clusterVersion.split('.')
    to.single('gauge', 'etcd_cluster_version', 'The version that the cluster agreed on, as a label.', 1,
      { cluster_version: `${major}.${minor}` })
  }
  for (const name of GATE_NAMES) {
    to.single('gauge', 'etcd_server_feature_enabled', '1 for a feature gate that is on.', config.gates[name] ? 1 : 0,
      { name, stage: gateStage(name) })
  }
}

/** Events on their way from watch workers to fronts, once for each watcher. */
export function addPendingEvents(to: Exposition, pages: readonly CountersPage[]): void {
  // What is taken is looked up first: it was sent before, so the difference is never below 0.
  const taken = sumOf(watchEventsTaken, pages)
  to.single('gauge', 'etcd_debugging_mvcc_pending_events_total', 'Events that fronts have yet to hand on to streams.',
    sumOf(counters.watchEvents, pages) - taken)
}

function sumOf(family: Family, pages: readonly CountersPage[]): number {
  return pages.reduce((sum, { values }) => sum + (values[family.at] as number), 0)
}

/** The process collector of Prometheus' client libraries. What the kernel did not tell is left out. */
export function addProcessMetrics(to: Exposition, facts: ProcessFacts): void {
  const add = (type: 'counter' | 'gauge', name: string, help: string, value: number | undefined): void => {
    if (value !== undefined) to.single(type, name, help, value)
  }
  const { cpu, openFds, maxFds, virtualBytesMax } = facts
  add('counter', 'process_cpu_seconds_total', 'CPU time of all threads, user and system.',
    cpu === undefined ? undefined : cpu.user + cpu.system)
  add('gauge', 'process_open_fds', 'Open file descriptors.', openFds)
  add('gauge', 'process_max_fds', 'Most file descriptors that may be open.', maxFds)
  add('gauge', 'process_virtual_memory_bytes', 'Address space in use.', facts.virtualBytes)
  add('gauge', 'process_virtual_memory_max_bytes', 'Most address space that may be in use.',
    virtualBytesMax === Infinity ? NO_LIMIT : virtualBytesMax)
  add('gauge', 'process_resident_memory_bytes', 'Memory that is resident.', facts.residentBytes)
  add('gauge', 'process_start_time_seconds', 'When the process started, in seconds since 1970.',
    facts.startTimeSeconds)
  add('counter', 'process_network_receive_bytes_total', 'Bytes that the machine received over the network.',
    facts.receivedBytes)
  add('counter', 'process_network_transmit_bytes_total', 'Bytes that the machine sent over the network.',
    facts.transmittedBytes)
  add('gauge', 'os_fd_used', 'Open file descriptors.', openFds)
  add('gauge', 'os_fd_limit', 'Most file descriptors that may be open.', maxFds)
}
