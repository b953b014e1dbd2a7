/** How members come together, and how they watch over each other. */

import type { OptionReader } from '../option-values.js'
import { concludeGates, parseGates, type Gates } from './feature-gates.js'
import type { Findings } from './findings.js'

export interface DiscoveryConfig {
  readonly endpoints: readonly string[]
  readonly token: string
  readonly dialTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly keepaliveTimeMs: number
  readonly keepaliveTimeoutMs: number
  readonly insecureTransport: boolean
  readonly insecureSkipTlsVerify: boolean
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
  readonly user: string
  readonly password: string
}

export interface ClusterConfig {
  readonly strictReconfigCheck: boolean
  readonly preVote: boolean
  readonly forceNewCluster: boolean
  readonly learnersMax: number
  readonly corruptCheckMs: number
  readonly compactHashCheckMs: number
  readonly downgradeCheckMs: number
  readonly raftReadTimeoutMs: number
  readonly raftWriteTimeoutMs: number
  /** Null when neither endpoints nor a token were given. */
  readonly discovery: DiscoveryConfig | null
  /** A DNS domain, or empty. */
  readonly discoverySrv: string
  readonly discoverySrvName: string
  readonly gates: Gates
}

const RAFT_TIMEOUT_MS_MIN = 5000

export function concludeCluster(options: OptionReader, findings: Findings): ClusterConfig {
  const { problems } = findings
  const discovered = discovery(options, findings)
  const compactHashCheckMs = options.durationMs('compact-hash-check-time')
  if (compactHashCheckMs <= 0) problems.push('--compact-hash-check-time must be >0 (set to 1m by default)')
  if (options.text('discovery-fallback') === 'proxy') {
    problems.push('v2 proxy is deprecated, and --discovery-fallback can\'t be configured as "proxy"')
  }
  const ways = [options.given('initial-cluster'), discovered !== null, options.text('discovery-srv') !== '']
  if (ways.filter((isUsed) => isUsed).length > 1) {
    problems.push(
      'multiple discovery or bootstrap flags are set. ' +
        'Choose one of "initial-cluster", "discovery-endpoints" or "discovery-srv"',
    )
  }
  const parsed = parseGates(options.text('feature-gates'))
  const gates = concludeGates(parsed.ok ? parsed.given : new Map())
  if (gates.LeaseCheckpointPersist && !gates.LeaseCheckpoint) {
    problems.push('enabling feature gate LeaseCheckpointPersist requires enabling feature gate LeaseCheckpoint')
  }
  return {
    strictReconfigCheck: options.isTrue('strict-reconfig-check'),
    preVote: options.isTrue('pre-vote'),
    forceNewCluster: options.isTrue('force-new-cluster'),
    learnersMax: options.number('max-learners'),
    corruptCheckMs: options.durationMs('corrupt-check-time'),
    compactHashCheckMs,
    downgradeCheckMs: options.durationMs('downgrade-check-time'),
    raftReadTimeoutMs: Math.max(RAFT_TIMEOUT_MS_MIN, options.durationMs('raft-read-timeout')),
    raftWriteTimeoutMs: Math.max(RAFT_TIMEOUT_MS_MIN, options.durationMs('raft-write-timeout')),
    discovery: discovered,
    discoverySrv: options.text('discovery-srv'),
    discoverySrvName: options.text('discovery-srv-name'),
    gates,
  }
}

function discovery(options: OptionReader, { problems }: Findings): DiscoveryConfig | null {
  const endpoints = options.list('discovery-endpoints')
  const token = options.text('discovery-token')
  if (endpoints.length === 0 && token === '') return null
  if (endpoints.length === 0 || token === '') {
    problems.push('both --discovery-endpoints and --discovery-token must be set, or neither of them')
  }
  if (endpoints.includes('')) problems.push('--discovery-endpoints holds an empty endpoint')
  return {
    endpoints,
    token,
    dialTimeoutMs: options.durationMs('discovery-dial-timeout'),
    requestTimeoutMs: options.durationMs('discovery-request-timeout'),
    keepaliveTimeMs: options.durationMs('discovery-keepalive-time'),
    keepaliveTimeoutMs: options.durationMs('discovery-keepalive-timeout'),
    insecureTransport: options.isTrue('discovery-insecure-transport'),
    insecureSkipTlsVerify: options.isTrue('discovery-insecure-skip-tls-verify'),
    certFile: options.text('discovery-cert'),
    keyFile: options.text('discovery-key'),
    caFile: options.text('discovery-cacert'),
    user: options.text('discovery-user'),
    password: options.text('discovery-password'),
  }
}
