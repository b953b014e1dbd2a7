/** Opens the outputs of a log before its writer starts, so that one that cannot be opened makes the start fail. */

import { closeSync } from 'node:fs'
import type { LogConfig, LogOutput, LogRotation } from '../../config/sections/log-config.js'
import { systemClock } from '../../base/system-clock.js'
import { DescriptorSink, type LogSink } from './log-sink.js'
import { openLogFile, RotatingLogFile } from './rotating-log-file.js'

/** What the writer's thread is told of one output. */
export type LogSinkStart =
  | { readonly kind: 'descriptor'; readonly descriptor: number }
  | { readonly kind: 'rotating'; readonly path: string; readonly rotation: LogRotation }

export type LogOutputsResult =
  | { readonly ok: true; readonly sinks: readonly LogSinkStart[] }
  | { readonly ok: false; readonly message: string }

const NO_JOURNAL = 'stderr of this process does not lead to the journal; start it as a unit of systemd'
const STDOUT = 1
const STDERR = 2

export function openLogOutputs(
  config: Pick<LogConfig, 'logOutputs' | 'logRotation'>,
  environment: Readonly<Record<string, string | undefined>>,
): LogOutputsResult {
  const sinks: LogSinkStart[] = []
  for (const output of config.logOutputs) {
    // Node.js cannot speak the journal's own protocol; where systemd started us, stderr leads there.
    if (output.kind === 'journal' && (environment['JOURNAL_STREAM'] ?? '') === '') {
      return { ok: false, message: `--log-outputs: systemd/journal: ${NO_JOURNAL}` }
    }
    try {
      sinks.push(openOutput(output, config.logRotation))
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === undefined) throw error
      return { ok: false, message: `--log-outputs: ${message}` }
    }
  }
  return { ok: true, sinks }
}

function openOutput(output: LogOutput, rotation: LogRotation | null): LogSinkStart {
  if (output.kind === 'stdout') return { kind: 'descriptor', descriptor: STDOUT }
  if (output.kind !== 'file') return { kind: 'descriptor', descriptor: STDERR }
  const descriptor = openLogFile(output.path)
  if (rotation === null) return { kind: 'descriptor', descriptor }
  closeSync(descriptor)
  return { kind: 'rotating', path: output.path, rotation }
}

/** On the writer's thread. */
export function makeSink(start: LogSinkStart): LogSink {
  if (start.kind === 'descriptor') return new DescriptorSink(start.descriptor)
  return new RotatingLogFile(start.path, start.rotation, systemClock.wallMs)
}
