/**
 * Structured log lines through a bounded, lossy ring to a writer thread. A blocked stderr fills the ring and loses
 * lines, which are counted; it never makes a request wait.
 */

import type { LogFormat, LogLevel } from '../config/sections/log-config.js'
import { Doorbell } from '../ring/doorbell.js'
import { RingWriter } from '../ring/ring-writer.js'

const LEVELS: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3, panic: 4, fatal: 5 }

/** A longer line loses its fields and the end of its message; a log is no place for values. */
export const LOG_LINE_BYTES_MAX = 16 * 1024
/** What is left of the message then: even six bytes for each of its characters fit. */
const CUT_MESSAGE_LENGTH = 2000
export const LOG_RING_BYTES = 64 * 1024

export type LogFields = Readonly<Record<string, unknown>>

export interface Logger {
  debug(caller: string, msg: string, fields?: LogFields): void
  info(caller: string, msg: string, fields?: LogFields): void
  warn(caller: string, msg: string, fields?: LogFields): void
  error(caller: string, msg: string, fields?: LogFields): void
  /** True if lines of this level are kept; asked before building costly fields. */
  enabled(level: LogLevel): boolean
}

export class RingLogger implements Logger {
  readonly #writer: RingWriter
  readonly #doorbell: Doorbell
  readonly #levelMin: number
  readonly #format: LogFormat
  readonly #wallMs: () => number
  #dropped = 0

  constructor(options: {
    ring: SharedArrayBuffer
    doorbell: SharedArrayBuffer
    level: LogLevel
    format?: LogFormat
    wallMs: () => number
  }) {
    this.#writer = new RingWriter(options.ring)
    this.#doorbell = new Doorbell(options.doorbell)
    this.#levelMin = LEVELS[options.level]
    this.#format = options.format ?? 'json'
    this.#wallMs = options.wallMs
  }

  enabled(level: LogLevel): boolean {
    return LEVELS[level] >= this.#levelMin
  }

  debug(caller: string, msg: string, fields?: LogFields): void {
    this.#log('debug', caller, msg, fields)
  }

  info(caller: string, msg: string, fields?: LogFields): void {
    this.#log('info', caller, msg, fields)
  }

  warn(caller: string, msg: string, fields?: LogFields): void {
    this.#log('warn', caller, msg, fields)
  }

  error(caller: string, msg: string, fields?: LogFields): void {
    this.#log('error', caller, msg, fields)
  }

  /** For the last line of a process that must end. */
  fatal(caller: string, msg: string, fields?: LogFields): void {
    this.#log('fatal', caller, msg, fields)
  }

  #log(level: LogLevel, caller: string, msg: string, fields: LogFields | undefined): void {
    if (LEVELS[level] < this.#levelMin) return
    const dropped = this.#dropped > 0 ? { droppedLines: this.#dropped } : undefined
    const format = this.#format === 'json' ? formatLogLine : formatConsoleLine
    const wallMs = this.#wallMs()
    let bytes = Buffer.from(format(level, wallMs, caller, msg, { ...fields, ...dropped }), 'utf8')
    if (bytes.length > LOG_LINE_BYTES_MAX) {
      const cut = { lineBytes: bytes.length, ...dropped }
      bytes = Buffer.from(format(level, wallMs, caller, msg.slice(0, CUT_MESSAGE_LENGTH), cut), 'utf8')
    }
    const { length } = bytes
    const at = this.#writer.claim(1, length)
    if (at < 0) {
      this.#dropped++
      return
    }
    this.#dropped = 0
    this.#writer.bytes.set(bytes, at)
    this.#writer.commit(length)
    this.#writer.publish()
    this.#doorbell.ring()
  }
}

/** One JSON line in etcd's form: level, ts, caller, msg, then the fields. */
export function formatLogLine(
  level: LogLevel,
  wallMs: number,
  caller: string,
  msg: string,
  fields: LogFields = {},
): string {
  const ts = new Date(wallMs).toISOString()
  return `${JSON.stringify({ level, ts, caller, msg, ...fields }, bigintsAsHex)}\n`
}

/** The same for eyes: time, level, caller and message between tabs, then the fields. */
export function formatConsoleLine(
  level: LogLevel,
  wallMs: number,
  caller: string,
  msg: string,
  fields: LogFields = {},
): string {
  const body = JSON.stringify(fields, bigintsAsHex)
  const shown = body === '{}' ? '' : `\t${body}`
  return `${new Date(wallMs).toISOString()}\t${level}\t${caller}\t${msg.replaceAll('\n', '\\n')}${shown}\n`
}

function bigintsAsHex(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString(16) : value
}
