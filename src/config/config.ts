/** From raw options to one frozen configuration: defaults derived, relations checked, nothing left to parse later. */

import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { OptionReader, type RawOptions } from './option-values.js'
import { concludeAuth, type AuthConfig } from './sections/auth-config.js'
import { concludeCluster, type ClusterConfig } from './sections/cluster-config.js'
import type { Findings } from './sections/findings.js'
import { concludeHttp, type HttpConfig } from './sections/http-config.js'
import { concludeListeners, type Listener } from './sections/listeners.js'
import { concludeLog, type LogConfig } from './sections/log-config.js'
import { concludeSpace, type SpaceConfig } from './sections/space-config.js'
import { concludeThreads, type ThreadsConfig } from './sections/threads-config.js'
import { concludeTls, type TlsConfig } from './sections/tls-config.js'
import { bindProblem, parseUrls, type ListenUrl } from './urls.js'

export interface Config
  extends TlsConfig, AuthConfig, HttpConfig, SpaceConfig, ClusterConfig, LogConfig, ThreadsConfig {
  readonly name: string
  readonly dataDir: string
  readonly walDir: string
  readonly snapshotCount: number
  readonly snapshotCatchupEntries: number
  /** Of snapshots to other members, all together; Infinity without a limit. */
  readonly snapshotBytesPerSecond: number
  readonly heartbeatMs: number
  readonly electionMs: number
  readonly electionTickAdvance: boolean
  /** A leader whose log's disk does not answer for so long hands over; 0 for never. */
  readonly walStallHandoverMs: number
  readonly listenClientUrls: readonly ListenUrl[]
  /** When there are some, these serve HTTP and `listenClientUrls` gRPC alone. */
  readonly listenClientHttpUrls: readonly ListenUrl[]
  readonly listenMetricsUrls: readonly ListenUrl[]
  readonly listenPeerUrls: readonly ListenUrl[]
  /** All of these as addresses, with what each serves. */
  readonly listeners: readonly Listener[]
  readonly socketReusePort: boolean
  readonly walsMax: number
  readonly watchProgressMs: number
  readonly advertisePeerUrls: readonly string[]
  readonly advertiseClientUrls: readonly string[]
  readonly initialCluster: string
  readonly initialClusterState: 'new' | 'existing'
  readonly initialClusterToken: string
  readonly txnOpsMax: number
  readonly requestBytesMax: number
  readonly concurrentStreamsMax: number
  readonly keepaliveMinMs: number
  readonly keepaliveIntervalMs: number
  readonly keepaliveTimeoutMs: number
  readonly connectionsMax: number
  readonly unsafeNoFsync: boolean
}

export type ConfigResult =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly message: string }

const ELECTION_PER_HEARTBEAT_MIN = 5
const ELECTION_MS_MAX = 50_000
/** Above this a request is unusually large; etcd warns as well. */
const REQUEST_BYTES_USUAL = 10 * 1024 * 1024
const PROGRESS_MS = 600_000
const PROGRESS_MS_MIN = 100
const MEGABYTE = 1_000_000
const SNAPSHOT_COUNT = 10_000
const CATCHUP_ENTRIES = 5000

export function conclude(raw: RawOptions, cores: number = availableParallelism()): ConfigResult {
  const options = new OptionReader(raw)
  const findings: Findings = { problems: [], warnings: [...raw.warnings] }
  checkUrls(options, findings)
  const name = options.text('name')
  if (name === 'default') findings.warnings.push("the member's name is 'default'; set --name before it joins a cluster")
  const dataDir = resolve(options.text('data-dir') === '' ? `${name}.etcd` : options.text('data-dir'))
  const advertisePeerUrls = options.urls('initial-advertise-peer-urls').map((url) => url.text)
  const tls = concludeTls(options, dataDir, findings)
  const config: Config = {
    name,
    dataDir,
    walDir: options.text('wal-dir') === '' ? join(dataDir, 'member', 'wal') : resolve(options.text('wal-dir')),
    ...concludeRaft(options, findings),
    listenClientUrls: options.urls('listen-client-urls'),
    listenClientHttpUrls: options.urls('listen-client-http-urls'),
    listenMetricsUrls: options.urls('listen-metrics-urls'),
    listenPeerUrls: options.urls('listen-peer-urls'),
    socketReusePort: reusesPort(options, findings),
    watchProgressMs: Math.max(PROGRESS_MS_MIN, options.durationMsOr('watch-progress-notify-interval', PROGRESS_MS)),
    advertisePeerUrls,
    advertiseClientUrls: options.urls('advertise-client-urls').map((url) => url.text),
    initialCluster: options.given('initial-cluster')
      ? options.text('initial-cluster')
      : defaultCluster(name, advertisePeerUrls),
    initialClusterState: options.text('initial-cluster-state') === 'existing' ? 'existing' : 'new',
    initialClusterToken: options.text('initial-cluster-token'),
    ...concludeLimits(options, findings),
    ...concludeThreads(options, cores, findings),
    ...tls,
    listeners: concludeListeners(options, tls, findings),
    ...concludeAuth(options, findings),
    ...concludeHttp(options),
    ...concludeSpace(options, findings),
    ...concludeCluster(options, findings),
    ...concludeLog(options, findings),
  }
  const problem = findings.problems[0]
  if (problem !== undefined) return { ok: false, message: problem }
  return { ok: true, config: Object.freeze(config), warnings: findings.warnings }
}

/** Options that must hold at least one URL. */
const URLS_NEEDED = ['listen-client-urls', 'listen-peer-urls', 'initial-advertise-peer-urls', 'advertise-client-urls']
const URLS_LISTENED = ['listen-client-urls', 'listen-client-http-urls', 'listen-metrics-urls', 'listen-peer-urls']

function checkUrls(options: OptionReader, { problems }: Findings): void {
  for (const name of [...URLS_NEEDED, ...URLS_LISTENED]) {
    const text = options.text(name)
    const parsed = text === '' && !URLS_NEEDED.includes(name) ? null : parseUrls(text)
    if (parsed?.ok === false) problems.push(`invalid value "${text}" for flag --${name}: ${parsed.message}`)
  }
  for (const name of URLS_LISTENED) {
    const problem = listenProblem(options.urls(name))
    if (problem !== null) problems.push(`--${name}: ${problem}`)
  }
  if (options.given('listen-client-urls') && !options.given('advertise-client-urls')) {
    problems.push('--advertise-client-urls is required when --listen-client-urls is set explicitly')
  }
}

/** Why these URLs cannot all be listened on, or null. */
function listenProblem(urls: readonly ListenUrl[]): string | null {
  for (const url of urls) {
    const problem = bindProblem(url)
    if (problem !== null) return problem
  }
  return null
}

function defaultCluster(name: string, peerUrls: readonly string[]): string {
  return peerUrls.map((url) => `${name}=${url}`).join(',')
}

/** Since 22.12 Node.js can share a port among processes; before that the option is only answered. */
const REUSE_PORT_SINCE = [22, 12] as const

export function reusesPort(
  options: Pick<OptionReader, 'isTrue'>,
  { warnings }: Pick<Findings, 'warnings'>,
  nodeVersion: string = process.versions.node,
): boolean {
  if (!options.isTrue('socket-reuse-port')) return false
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number)
  const [sinceMajor, sinceMinor] = REUSE_PORT_SINCE
  if (major > sinceMajor || (major === sinceMajor && minor >= sinceMinor)) return true
  warnings.push(`--socket-reuse-port has no effect: it needs Node.js 22.12, this is ${nodeVersion}`)
  return false
}

type RaftConfig = Pick<
  Config,
  | 'snapshotCount' | 'snapshotCatchupEntries' | 'heartbeatMs' | 'electionMs' | 'electionTickAdvance' | 'walsMax'
  | 'unsafeNoFsync' | 'walStallHandoverMs' | 'snapshotBytesPerSecond'
>

function concludeRaft(options: OptionReader, { problems }: Findings): RaftConfig {
  const heartbeatMs = options.number('heartbeat-interval')
  const electionMs = options.number('election-timeout')
  if (heartbeatMs === 0) problems.push('--heartbeat-interval must be >0 (set to 0ms)')
  if (electionMs === 0) problems.push('--election-timeout must be >0 (set to 0ms)')
  if (electionMs < ELECTION_PER_HEARTBEAT_MIN * heartbeatMs) {
    problems.push(
      `--election-timeout[${electionMs}ms] should be at least as ${ELECTION_PER_HEARTBEAT_MIN} times as ` +
        `--heartbeat-interval[${heartbeatMs}ms]`,
    )
  }
  if (electionMs > ELECTION_MS_MAX) {
    problems.push(
      `--election-timeout[${electionMs}ms] is too long, and should be set less than ${ELECTION_MS_MAX}ms`,
    )
  }
  return {
    snapshotCount: options.numberOr('snapshot-count', SNAPSHOT_COUNT),
    snapshotCatchupEntries: options.numberOr('snapshot-catchup-entries', CATCHUP_ENTRIES),
    snapshotBytesPerSecond: options.numberOr('snapshot-transfer-megabytes', Infinity) * MEGABYTE,
    heartbeatMs,
    electionMs,
    electionTickAdvance: options.isTrue('initial-election-tick-advance'),
    walStallHandoverMs: options.durationMs('wal-stall-handover'),
    walsMax: options.number('max-wals'),
    unsafeNoFsync: options.isTrue('unsafe-no-fsync'),
  }
}

type LimitsConfig = Pick<
  Config,
  | 'txnOpsMax' | 'requestBytesMax' | 'concurrentStreamsMax' | 'keepaliveMinMs' | 'keepaliveIntervalMs'
  | 'keepaliveTimeoutMs' | 'connectionsMax'
>

function concludeLimits(options: OptionReader, { warnings }: Findings): LimitsConfig {
  const requestBytesMax = options.number('max-request-bytes')
  if (requestBytesMax > REQUEST_BYTES_USUAL) {
    warnings.push(`--max-request-bytes ${requestBytesMax} exceeds the recommended ${REQUEST_BYTES_USUAL}`)
  }
  return {
    txnOpsMax: options.number('max-txn-ops'),
    requestBytesMax,
    concurrentStreamsMax: options.number('max-concurrent-streams'),
    keepaliveMinMs: options.durationMs('grpc-keepalive-min-time'),
    keepaliveIntervalMs: options.durationMs('grpc-keepalive-interval'),
    keepaliveTimeoutMs: options.durationMs('grpc-keepalive-timeout'),
    connectionsMax: options.number('max-connections'),
  }
}
