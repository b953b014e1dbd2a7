/** What is logged, in which form, and where it goes. */

import type { OptionReader } from '../option-values.js'
import type { Findings } from './findings.js'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'panic' | 'fatal'
export type LogFormat = 'json' | 'console'

export type LogOutput =
  | { readonly kind: 'stderr' | 'stdout' | 'journal' }
  | { readonly kind: 'file'; readonly path: string }

/** When a log file is full and what becomes of it; 0 is without a bound. */
export interface LogRotation {
  readonly bytesMax: number
  readonly ageDaysMax: number
  readonly backupsMax: number
  readonly localTime: boolean
  readonly compress: boolean
}

export interface LogConfig {
  readonly logLevel: LogLevel
  readonly logFormat: LogFormat
  readonly logOutputs: readonly LogOutput[]
  /** Null without rotation. */
  readonly logRotation: LogRotation | null
  readonly slowRequestMs: number
  readonly slowApplyMs: number
}

const MEGABYTE = 1024 * 1024
const MEGABYTES = 100

export function concludeLog(options: OptionReader, { problems, warnings }: Findings): LogConfig {
  const logger = options.text('logger')
  if (logger === 'capnslog') problems.push('--logger=capnslog is removed in v3.5')
  else if (logger !== 'zap') problems.push(`unknown logger option "${logger}"`)
  const names = [...new Set(options.list('log-outputs'))]
  const outputs = names.map(outputOf)
  if (names.length > 1 && names.includes('default')) {
    problems.push('multi logoutput for "default" is not supported: name stderr, stdout or files')
  }
  if (names.length === 0) problems.push('--log-outputs names no output')
  const isRotating = options.isTrue('enable-log-rotation')
  if (isRotating && (outputs.length !== 1 || outputs[0]?.kind !== 'file')) {
    problems.push('--enable-log-rotation requires a single file path in --log-outputs')
  }
  const rotation = parseRotation(options.text('log-rotation-config-json'))
  if (isRotating && typeof rotation === 'string') problems.push(`--log-rotation-config-json: ${rotation}`)
  if (!isRotating && options.given('log-rotation-config-json')) {
    warnings.push('--log-rotation-config-json has no effect without --enable-log-rotation')
  }
  return {
    logLevel: options.text('log-level') as LogLevel,
    logFormat: options.text('log-format') === 'console' ? 'console' : 'json',
    logOutputs: outputs,
    logRotation: isRotating && typeof rotation !== 'string' ? rotation : null,
    slowRequestMs: options.durationMsOr('warning-unary-request-duration', 300),
    slowApplyMs: options.durationMs('warning-apply-duration'),
  }
}

function outputOf(name: string): LogOutput {
  switch (name) {
    case 'default':
    case 'stderr':
      return { kind: 'stderr' }
    case 'stdout':
      return { kind: 'stdout' }
    case 'systemd/journal':
      return { kind: 'journal' }
    default:
      return { kind: 'file', path: name }
  }
}

/** The settings, or what is wrong with them. */
function parseRotation(text: string): LogRotation | string {
  let settings: unknown
  try {
    settings = JSON.parse(text)
  } catch (error) {
    return `not JSON: ${(error as Error).message}`
  }
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) return 'not a JSON object'
  const values = settings as Readonly<Record<string, unknown>>
  for (const name of ['maxsize', 'maxage', 'maxbackups']) {
    const value = values[name] ?? 0
    if (!Number.isSafeInteger(value)) return `${name} is not a whole number`
    if ((value as number) < 0) return `invalid value for ${name}: must not be negative`
  }
  for (const name of ['localtime', 'compress']) {
    if (typeof (values[name] ?? false) !== 'boolean') return `${name} is not true or false`
  }
  const number = (name: string): number => (values[name] ?? 0) as number
  return {
    bytesMax: (number('maxsize') || MEGABYTES) * MEGABYTE,
    ageDaysMax: number('maxage'),
    backupsMax: number('maxbackups'),
    localTime: values['localtime'] === true,
    compress: values['compress'] === true,
  }
}
