/** Options that are taken and change nothing: what they tuned does not exist here, or in any release of today. */

import { option, type OptionSpec } from './option-spec.js'

const TRACING = 'distributed tracing is not part of this server'
const BATCHES = 'the store commits every batch that is applied; the log makes it durable'
const IDLE = 'Without effect here'

const WITHOUT_EFFECT: readonly OptionSpec[] = [
  option({
    name: 'memory-mlock', kind: 'bool', default: 'false', section: IDLE, experimental: 'memory-mlock',
    text: 'Keep the store in physical memory.',
    notice: "--memory-mlock has no effect: Node.js cannot lock the store's pages",
  }),
  option({
    name: 'backend-bbolt-freelist-type', kind: 'string', default: '', section: IDLE,
    experimental: 'backend-bbolt-freelist-type',
    text: 'Free list of a bbolt store.',
    notice: '--backend-bbolt-freelist-type has no effect: the store is not bbolt',
  }),
  option({
    name: 'backend-batch-interval', kind: 'duration', default: '0s', section: IDLE,
    text: 'Longest time between commits of the store.',
    notice: `--backend-batch-interval has no effect: ${BATCHES}`,
  }),
  option({
    name: 'backend-batch-limit', kind: 'integer', default: '0', section: IDLE,
    text: 'Most operations between commits of the store.',
    notice: `--backend-batch-limit has no effect: ${BATCHES}`,
  }),
  option({
    name: 'enable-distributed-tracing', kind: 'bool', default: 'false', section: IDLE,
    experimental: 'enable-distributed-tracing',
    text: 'Send traces to an OpenTelemetry collector.',
    notice: `--enable-distributed-tracing has no effect: ${TRACING}`,
  }),
  option({
    name: 'distributed-tracing-address', kind: 'string', default: 'localhost:4317', section: IDLE,
    experimental: 'distributed-tracing-address',
    text: 'Address of that collector.',
    notice: `--distributed-tracing-address has no effect: ${TRACING}`,
  }),
  option({
    name: 'distributed-tracing-service-name', kind: 'string', default: 'etcd', section: IDLE,
    experimental: 'distributed-tracing-service-name',
    text: 'Name of the service in traces.',
    notice: `--distributed-tracing-service-name has no effect: ${TRACING}`,
  }),
  option({
    name: 'distributed-tracing-instance-id', kind: 'string', default: '', section: IDLE,
    experimental: 'distributed-tracing-instance-id',
    text: 'Id of this instance in traces.',
    notice: `--distributed-tracing-instance-id has no effect: ${TRACING}`,
  }),
  option({
    name: 'distributed-tracing-sampling-rate', kind: 'integer', default: '0', section: IDLE,
    min: 0, max: 1_000_000, experimental: 'distributed-tracing-sampling-rate',
    text: 'Traces of a million requests.',
    notice: `--distributed-tracing-sampling-rate has no effect: ${TRACING}`,
  }),
  option({
    name: 'v2-deprecation', kind: 'choice', default: 'write-only', section: IDLE,
    choices: ['write-only', 'write-only-skip-check', 'write-only-drop-data', 'gone'],
    text: 'Phase of the end of the v2 store.',
    notice: '--v2-deprecation has no effect: there is no v2 store',
  }),
]

const IGNORED_NAMES = [
  'cluster-active-size', 'cluster-remove-delay', 'cluster-sync-interval', 'config', 'force', 'max-result-buffer',
  'max-retry-attempts', 'peer-heartbeat-interval', 'peer-election-timeout', 'retry-interval', 'snapshot', 'v', 'vv',
  'test.coverprofile', 'test.outputdir',
] as const

export const IDLE_OPTIONS: readonly OptionSpec[] = [
  ...WITHOUT_EFFECT,
  ...IGNORED_NAMES.map((name) =>
    option({
      name, kind: 'ignored', default: '', section: 'Accepted for old scripts and ignored',
      text: 'Of an old release.',
      notice: `--${name} is deprecated and ignored`,
    }),
  ),
]
