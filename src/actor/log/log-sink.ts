/** Where a log writer puts lines. A sink that cannot take them loses and counts them; it never ends the node. */

import { writeSync } from 'node:fs'
import { systemClock } from '../../base/system-clock.js'
import { formatLogLine } from '../../metrics/logger.js'

export interface LogSink {
  /** Whole lines, the first `length` bytes of `batch`. */
  write(batch: Uint8Array, length: number): void
  /** One bounded step of whatever can wait, as compressing old files; false when there is nothing to do. */
  tidy(): boolean
}

/** A non-blocking descriptor that is full is tried again after this. */
const FULL_RETRY_MS = 5
const retryWord = new Int32Array(new SharedArrayBuffer(4))

/** A pipe without a reader and a closed terminal: every later line is pointless. */
const GONE = new Set(['EPIPE', 'EIO'])
/** A disk that may have room again. */
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** An open file, pipe or terminal. */
export class DescriptorSink implements LogSink {
  readonly #descriptor: number
  #lostBytes = 0

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  write(batch: Uint8Array, length: number): void {
    if (this.#lostBytes > 0 && !this.#sayLost()) {
      this.#lostBytes += length
      return
    }
    const written = writeAll(this.#descriptor, batch, length)
    if (written < length) this.#lostBytes += length - written
  }

  tidy(): boolean {
    return false
  }

  /** True once the loss is on record, so that there is room again. Begins a line: the last one may be torn. */
  #sayLost(): boolean {
    const fields = { lostBytes: this.#lostBytes }
    const line = formatLogLine('warn', systemClock.wallMs(), 'log', 'log lines were lost: no space', fields)
    const bytes = Buffer.from(`\n${line}`)
    if (writeAll(this.#descriptor, bytes, bytes.length) < bytes.length) return false
    this.#lostBytes = 0
    return true
  }
}

/** Writes as much as can be written; less than all of it only where the disk is full. */
export function writeAll(descriptor: number, batch: Uint8Array, length: number): number {
  let at = 0
  while (at < length) {
    try {
      at += writeSync(descriptor, batch, at, length - at)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? ''
      if (GONE.has(code)) return length
      if (NO_ROOM.has(code)) return at
      if (code !== 'EAGAIN') throw error
      Atomics.wait(retryWord, 0, 0, FULL_RETRY_MS)
    }
  }
  return length
}
