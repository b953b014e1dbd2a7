/** Old spellings, notices and feature gates. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conclude, type Config } from '../../src/config/config.js'
import { experimentalNames } from '../../src/config/experimental.js'
import { readFlags } from '../../src/config/flags.js'
import { OPTIONS } from '../../src/config/options/options.js'
import { concludeGates, GATE_NAMES, gateStage, parseGates } from '../../src/config/sections/feature-gates.js'

function read(argv: readonly string[], env: Record<string, string> = {}): { config: Config; warnings: string } {
  const flags = readFlags(argv, env)
  if (!flags.ok) assert.fail(flags.message)
  if ('print' in flags) assert.fail(flags.print)
  const concluded = conclude(flags.raw, 2)
  if (!concluded.ok) assert.fail(concluded.message)
  return { config: concluded.config, warnings: concluded.warnings.join('\n') }
}

function refusal(argv: readonly string[]): string {
  const flags = readFlags(argv, {})
  if (!flags.ok) return flags.message
  if ('print' in flags) assert.fail(flags.print)
  const concluded = conclude(flags.raw, 2)
  return concluded.ok ? assert.fail('it was accepted') : concluded.message
}

test('an experimental spelling sets what the option is called today, with a warning', () => {
  const { config, warnings } = read(['--experimental-max-learners=3', '--experimental-corrupt-check-time', '5m'])
  assert.equal(config.learnersMax, 3)
  assert.equal(config.corruptCheckMs, 300_000)
  assert.match(warnings, /--experimental-max-learners is deprecated: use --max-learners/)
  const { config: other } = read([], { ETCD_EXPERIMENTAL_WATCH_PROGRESS_NOTIFY_INTERVAL: '7s' })
  assert.equal(other.watchProgressMs, 7000)
})

test('experimental spellings of features are gates today', () => {
  const { config, warnings } = read([
    '--experimental-initial-corrupt-check', '--experimental-compact-hash-check-enabled=true',
    '--experimental-txn-mode-write-with-shared-buffer=false', '--experimental-stop-grpc-service-on-defrag',
  ])
  const { InitialCorruptCheck, CompactHashCheck, TxnModeWriteWithSharedBuffer, StopGRPCServiceOnDefrag } = config.gates
  assert.deepEqual([InitialCorruptCheck, CompactHashCheck, StopGRPCServiceOnDefrag], [true, true, true])
  assert.equal(TxnModeWriteWithSharedBuffer, false)
  assert.match(warnings, /use --feature-gates=InitialCorruptCheck=true/)
})

test('an old spelling beside the new one is refused', () => {
  assert.match(refusal(['--experimental-max-learners=3', '--max-learners=2']), /cannot be given together/)
  assert.match(refusal(['--max-learners=2', '--experimental-max-learners=3']), /cannot be given together/)
  const both = ['--experimental-initial-corrupt-check', '--feature-gates=InitialCorruptCheck=false']
  assert.match(refusal(both), /cannot specify both flags/)
  assert.equal(read(['--experimental-max-learners=3', '--experimental-max-learners=4']).config.learnersMax, 4)
})

test('every experimental flag of etcd 3.6 that means something still is taken', () => {
  const known = new Set(experimentalNames())
  for (const name of [
    'bootstrap-defrag-threshold-megabytes', 'compact-hash-check-enabled', 'compact-hash-check-time',
    'compaction-batch-limit', 'compaction-sleep-interval', 'corrupt-check-time', 'distributed-tracing-address',
    'distributed-tracing-instance-id', 'distributed-tracing-sampling-rate', 'distributed-tracing-service-name',
    'downgrade-check-time', 'enable-distributed-tracing', 'enable-lease-checkpoint', 'enable-lease-checkpoint-persist',
    'initial-corrupt-check', 'max-learners', 'memory-mlock', 'peer-skip-client-san-verification',
    'snapshot-catchup-entries', 'stop-grpc-service-on-defrag', 'txn-mode-write-with-shared-buffer',
    'warning-apply-duration', 'warning-unary-request-duration', 'watch-progress-notify-interval',
  ]) {
    assert.ok(known.has(`experimental-${name}`), name)
  }
})

/** Taken for old scripts, with any value or none. */
const OF_OLD_RELEASES = [
  'cluster-active-size', 'cluster-remove-delay', 'cluster-sync-interval', 'config', 'force', 'max-result-buffer',
  'max-retry-attempts', 'peer-heartbeat-interval', 'peer-election-timeout', 'retry-interval', 'snapshot', 'v', 'vv',
  'test.coverprofile', 'test.outputdir',
]
/** Every other option of etcd that is taken does what it does there. */
const WITHOUT_EFFECT = [
  'backend-batch-interval', 'backend-batch-limit', 'backend-bbolt-freelist-type', 'distributed-tracing-address',
  'distributed-tracing-instance-id', 'distributed-tracing-sampling-rate', 'distributed-tracing-service-name',
  'enable-distributed-tracing', 'max-snapshots', 'memory-mlock', 'v2-deprecation',
]

test('options without effect say so when they are given, and only then', () => {
  const silent = OPTIONS.filter(({ notice }) => notice !== undefined)
  const idle = silent.filter(({ kind }) => kind !== 'ignored').map(({ name }) => name)
  assert.deepEqual(idle.toSorted(), WITHOUT_EFFECT)
  assert.deepEqual(OPTIONS.filter(({ kind }) => kind === 'ignored').map(({ name }) => name), OF_OLD_RELEASES)
  assert.equal(read(['--name=n1']).warnings, '')
  for (const { name, kind, default: value, notice } of silent) {
    const flag = kind === 'bool' ? `--${name}` : kind === 'ignored' ? `--${name}=any thing` : `--${name}=${value}`
    assert.equal(read(['--name=n1', flag]).warnings, notice)
  }
})

test('flags that etcd 3.7 has dropped are unknown, whatever its help says', () => {
  for (const name of ['discovery', 'discovery-proxy', 'proxy', 'enable-v2', 'experimental-enable-v2v3']) {
    assert.match(refusal([`--${name}=x`]), new RegExp(`^flag provided but not defined: --${name}`))
  }
})

test('an ignored flag of an old release stands alone or has a value', () => {
  assert.equal(read(['--snapshot', '--name=n1', '-v', '--vv=3']).config.name, 'n1')
})

test('a gate that is named keeps its value, others follow AllAlpha and AllBeta', () => {
  const gates = (text: string) => {
    const parsed = parseGates(text)
    return parsed.ok ? concludeGates(parsed.given) : assert.fail(parsed.message)
  }
  const usual = gates('')
  const on = GATE_NAMES.filter((name) => usual[name])
  assert.deepEqual(on, ['TxnModeWriteWithSharedBuffer', 'FastLeaseKeepAlive'])
  const alpha = gates('AllAlpha=true,PriorityRequest=false')
  for (const name of GATE_NAMES) {
    const isAlpha = gateStage(name) === 'ALPHA'
    assert.equal(alpha[name], name === 'PriorityRequest' ? false : isAlpha || usual[name], name)
  }
  assert.equal(gates('AllBeta=false').FastLeaseKeepAlive, false)
  assert.equal(gates('AllBeta=false, FastLeaseKeepAlive=true').FastLeaseKeepAlive, true)
})

test('gates that do not exist, have no value or a wrong one are refused', () => {
  assert.match(refusal(['--feature-gates=Nothing=true']), /unrecognized feature gate: Nothing/)
  assert.match(refusal(['--feature-gates=LeaseCheckpoint']), /missing bool value for feature gate LeaseCheckpoint/)
  assert.match(refusal(['--feature-gates=LeaseCheckpoint=maybe']), /invalid value of LeaseCheckpoint: maybe/)
  assert.match(refusal(['--feature-gates=LeaseCheckpointPersist=true']), /requires .* LeaseCheckpoint$/)
})
