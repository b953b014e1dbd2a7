/** What an operator looks at and turns: logs, metrics, gates, the config file. */

import { GATE_NAMES } from '../sections/feature-gates.js'
import { option, type OptionSpec } from './option-spec.js'

const METRICS = 'Metrics and profiling'

export const OPERATING_OPTIONS: readonly OptionSpec[] = [
  option({
    name: 'log-level', kind: 'choice', default: 'info', choices: ['debug', 'info', 'warn', 'error', 'panic', 'fatal'],
    section: 'Logging',
    text: 'Least severe level that is logged.',
  }),
  option({
    name: 'log-format', kind: 'choice', default: 'json', choices: ['json', 'console'], section: 'Logging',
    text: 'Form of log lines.',
  }),
  option({
    name: 'log-outputs', kind: 'list', default: 'default', section: 'Logging',
    text: "Where log lines go: 'stderr', 'stdout', 'systemd/journal', file paths; 'default' is stderr.",
  }),
  option({
    name: 'enable-log-rotation', kind: 'bool', default: 'false', section: 'Logging',
    text: 'Begin a new file when the log file is full; needs one file in --log-outputs.',
  }),
  option({
    name: 'log-rotation-config-json', kind: 'string', section: 'Logging',
    default: '{"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false}',
    text: 'Size in megabytes, age in days, number, naming and compression of rotated files.',
  }),
  option({
    name: 'logger', kind: 'string', default: 'zap', section: 'Logging',
    text: "Kind of logger: 'zap', which here means lines of the same form.",
  }),
  option({
    name: 'warning-apply-duration', kind: 'duration', default: '100ms', section: 'Logging',
    experimental: 'warning-apply-duration',
    text: 'Applying entries for longer than this is logged.',
  }),
  option({
    name: 'warning-unary-request-duration', kind: 'duration', default: '300ms', section: 'Logging',
    experimental: 'warning-unary-request-duration',
    text: 'A unary request slower than this is logged with the time of each stage.',
  }),

  option({
    name: 'metrics', kind: 'choice', default: 'basic', choices: ['basic', 'extensive'], section: METRICS,
    text: 'Detail of /metrics; extensive adds times of every gRPC method.',
  }),
  option({
    name: 'enable-pprof', kind: 'bool', default: 'false', section: METRICS,
    text: 'Serve profiles under /debug/pprof.',
  }),

  option({
    name: 'feature-gates', kind: 'gates', default: '', section: 'Feature gates',
    text: `Features to turn on or off, 'Gate=true,Other=false'. Gates: ${GATE_NAMES.join(', ')}.`,
  }),

  option({
    name: 'config-file', kind: 'string', default: '', section: 'Configuration',
    text: 'YAML or JSON file with the options. All other flags and environment variables are ignored then.',
  }),
  option({
    name: 'version', kind: 'bool', default: 'false', section: 'Configuration',
    text: 'Print the version and exit.',
  }),

  option({
    name: 'unsafe-no-fsync', kind: 'bool', default: 'false', section: 'Unsafe',
    text: 'Never sync the log to disk. A power cut loses acknowledged writes.',
  }),
  option({
    name: 'force-new-cluster', kind: 'bool', default: 'false', section: 'Unsafe',
    text: 'Make this member the only one of its cluster, whatever its data say.',
  }),
]
