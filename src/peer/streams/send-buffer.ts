/**
 * What one stream is going to send: frames are gathered in a turn and leave with one write. Their number of bytes is
 * bounded, those that the socket has not taken yet included; what does not fit is refused.
 */

import type { Bytes } from '../../base/bytes.js'
import type { Slice } from '../../base/slice.js'
import { FRAME_HEADER_BYTES, writeFrame } from './frames.js'

const START_BYTES = 16 * 1024
/** A larger buffer is not kept for the next turns. */
const KEPT_BYTES_MAX = 1024 * 1024

export class SendBuffer {
  readonly #bytesMax: number
  #buffer: Buffer = Buffer.allocUnsafeSlow(START_BYTES)
  #filled = 0
  /** Given to the socket. */
  #inFlightBytes = 0
  #spare: Buffer | null = null

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Bytes that have not left yet. */
  get bytes(): number {
    return this.#filled + this.#inFlightBytes
  }

  get isEmpty(): boolean {
    return this.#filled === 0
  }

  /** False when the frame does not fit; nothing has changed then. */
  add(kind: number, body: Bytes | Slice): boolean {
    const span = FRAME_HEADER_BYTES + body.length
    if (this.bytes + span > this.#bytesMax) return false
    if (this.#buffer.length - this.#filled < span) this.#grow(this.#filled + span)
    this.#filled = writeFrame(this.#buffer, this.#filled, kind, body)
    return true
  }

  /** Everything gathered so far: the caller's until it gives it back with `onWritten`. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#filled)
    this.#inFlightBytes += this.#filled
    this.#filled = 0
    this.#buffer = this.#spare ?? Buffer.allocUnsafeSlow(START_BYTES)
    this.#spare = null
    return taken
  }

  onWritten(taken: Buffer): void {
    this.#inFlightBytes -= taken.length
    if (this.#spare !== null || taken.buffer.byteLength > KEPT_BYTES_MAX) return
    this.#spare = Buffer.from(taken.buffer)
  }

  /** The socket is gone, and what was on its way with it. */
  clear(): void {
    this.#filled = 0
    this.#inFlightBytes = 0
  }

  #grow(needed: number): void {
    let size = this.#buffer.length
    while (size < needed) size *= 2
    const larger = Buffer.allocUnsafeSlow(size)
    this.#buffer.copy(larger, 0, 0, this.#filled)
    this.#buffer = larger
  }
}
