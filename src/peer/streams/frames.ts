/**
 * What travels on a stream between two members, after its upgrade from HTTP:
 *
 * ```
 * | length of the body, u32 | kind, u8 | 0, 0, 0 | CRC-32C of the eight bytes before and of the body, u32 | body |
 * ```
 *
 * Numbers are little-endian. A stream carries messages one way, from the member that dialed; only pongs come back.
 */

import { crc32cUpdate } from '../../base/crc32c.js'
import { copyInto } from '../../base/copy-into.js'
import type { Bytes } from '../../base/bytes.js'
import type { Slice } from '../../base/slice.js'

export const FrameKind = Object.freeze({
  /** An encoded raftpb.Message. */
  message: 1,
  /** Sender's monotonic time, f64: to be sent back. */
  ping: 2,
  /** What the ping said, and the wall clock of the one who answers, f64 each. */
  pong: 3,
  /** A state mark, f64 (messages/state-marks.ts): what the sender's store has come to. */
  mark: 4,
})

export const FRAME_HEADER_BYTES = 12
const CHECKED_HEADER_BYTES = 8
const KIND_AT = 4
const CRC_AT = 8
/** Where frames are put together is kept for the next ones, unless it is larger. */
const SCRATCH_BYTES_MAX = 1024 * 1024
/** Room beside a frame that is put together, for the beginning of the next one. */
const SLACK_BYTES = 64 * 1024

export const PING_BYTES = 8
export const PONG_BYTES = 16
export const MARK_BYTES = 8

/** Writes a frame at `at` and returns where it ends. The target has room for it. */
export function writeFrame(target: Buffer, at: number, kind: number, body: Bytes | Slice): number {
  const { length } = body
  const start = at + FRAME_HEADER_BYTES
  target.writeUInt32LE(length, at)
  target.writeUInt32LE(kind, at + KIND_AT)
  copyInto(target, start, body)
  const end = start + length
  target.writeUInt32LE(crcOf(target, at, start, end), at + CRC_AT)
  return end
}

export function frameOf(kind: number, body: Bytes): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + body.length)
  writeFrame(frame, 0, kind, body)
  return frame
}

function crcOf(bytes: Bytes, header: number, start: number, end: number): number {
  return crc32cUpdate(crc32cUpdate(0, bytes, header, header + CHECKED_HEADER_BYTES), bytes, start, end)
}

/**
 * Cuts a stream of chunks into frames. A frame that is not taken stays the next one, so that a reader that has no room
 * can come back later. Holds at most one longest frame and one chunk.
 */
export class FrameReader {
  /** The frame that `next` has found: valid until the next call. */
  kind = 0
  bytes: Buffer = Buffer.alloc(0)
  start = 0
  end = 0
  readonly #bodyBytesMax: number
  #at = 0
  #filled = 0
  /** `bytes` was made here and may be written to. */
  #isOwn = false
  #scratch: Buffer | null = null

  constructor(bodyBytesMax: number) {
    this.#bodyBytesMax = bodyBytesMax
  }

  /** Bytes that wait for the rest of their frame, or for somebody to take them. */
  get heldBytes(): number {
    return this.#filled - this.#at
  }

  /** The chunk is the reader's from now on. */
  push(chunk: Buffer): void {
    const held = this.heldBytes
    if (held === 0) {
      this.bytes = chunk
      this.#at = 0
      this.#filled = chunk.length
      this.#isOwn = false
      return
    }
    if (!this.#isOwn || this.bytes.length - this.#filled < chunk.length) this.#move(held, chunk.length)
    this.#filled += chunk.copy(this.bytes, this.#filled)
  }

  /** True when a frame is there; false when more bytes are needed. Otherwise what is wrong with the stream. */
  next(): boolean | string {
    const { bytes } = this
    const at = this.#at
    if (this.#filled - at < FRAME_HEADER_BYTES) return false
    const length = bytes.readUInt32LE(at)
    if (length > this.#bodyBytesMax) return `a frame of ${length} bytes, more than ${this.#bodyBytesMax}`
    const start = at + FRAME_HEADER_BYTES
    const end = start + length
    if (this.#filled < end) return false
    if (crcOf(bytes, at, start, end) !== bytes.readUInt32LE(at + CRC_AT)) return 'a frame with a wrong checksum'
    this.kind = bytes.readUInt32LE(at + KIND_AT)
    this.start = start
    this.end = end
    return true
  }

  /** The frame found by `next` is done with. */
  take(): void {
    this.#at = this.end
  }

  /** Makes room for the whole of a frame that has begun, so that its bytes are moved once. */
  #move(held: number, more: number): void {
    let needed = held + more
    if (held >= FRAME_HEADER_BYTES) {
      const length = Math.min(this.bytes.readUInt32LE(this.#at), this.#bodyBytesMax)
      needed = Math.max(needed, FRAME_HEADER_BYTES + length + SLACK_BYTES)
    }
    const room = this.#roomFor(needed)
    this.bytes.copy(room, 0, this.#at, this.#filled)
    this.bytes = room
    this.#at = 0
    this.#filled = held
    this.#isOwn = true
  }
  #roomFor(needed: number): Buffer {
    if (this.#scratch !== null && this.#scratch.length >= needed) return this.#scratch
    const room = Buffer.allocUnsafeSlow(needed)
    if (needed <= SCRATCH_BYTES_MAX) this.#scratch = room
    return room
  }
}
