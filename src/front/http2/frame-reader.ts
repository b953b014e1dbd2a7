/**
 * Cuts a byte stream into HTTP/2 frames without copying: frames are described where they lie in the socket's
 * chunk, and only a frame that straddles two chunks is assembled in a buffer of its own. Serves both roles.
 *
 *   reader.feed(chunk, 0)
 *   while (reader.next() === FrameStep.frame) use reader.type, .flags, .streamId, .bytes, .start, .end
 */

import { assert } from '../../base/assert.js'
import { FRAME_HEADER_BYTES, FRAME_PAYLOAD_BYTES_DEFAULT } from './frame-layout.js'

export const FrameStep = Object.freeze({
  /** The fields describe one whole frame; they are valid until the next call of `next` or `feed`. */
  frame: 0,
  /** The chunk is used up. */
  needMore: 1,
  /** A frame announces more payload than allowed (FRAME_SIZE_ERROR); the reader cannot go on. */
  tooLarge: 2,
})
export type FrameStep = (typeof FrameStep)[keyof typeof FrameStep]

const EMPTY = Buffer.alloc(0)

export class FrameReader {
  type = 0
  flags = 0
  streamId = 0
  /** Where the payload lies: `bytes[start, end)`. */
  bytes: Buffer = EMPTY
  start = 0
  end = 0

  readonly #payloadBytesMax: number
  #chunk: Buffer = EMPTY
  #at = 0
  /** The head of a frame whose rest has not arrived. Empty when frames end where chunks end. */
  #partial: Buffer = EMPTY
  #partialLength = 0

  constructor(payloadBytesMax: number = FRAME_PAYLOAD_BYTES_DEFAULT) {
    this.#payloadBytesMax = payloadBytesMax
  }

  /** Hands over the next chunk. The previous one must have been read to `needMore`. */
  feed(chunk: Buffer, from: number): void {
    assert(this.#at === this.#chunk.length, 'feed before the previous chunk was used up')
    this.#chunk = chunk
    this.#at = from
  }

  next(): FrameStep {
    if (this.#partialLength > 0) return this.#nextFromPartial()
    const chunk = this.#chunk
    const at = this.#at
    const left = chunk.length - at
    if (left < FRAME_HEADER_BYTES) return this.#keepRest(FRAME_HEADER_BYTES)
    const length = payloadLength(chunk, at)
    if (length > this.#payloadBytesMax) return FrameStep.tooLarge
    const frameBytes = FRAME_HEADER_BYTES + length
    if (left < frameBytes) return this.#keepRest(frameBytes)
    this.#describe(chunk, at, frameBytes)
    this.#at = at + frameBytes
    return FrameStep.frame
  }

  /** True while half a frame waits for its rest. */
  get isMidFrame(): boolean {
    return this.#partialLength > 0
  }

  #describe(bytes: Buffer, at: number, frameBytes: number): void {
    this.type = bytes[at + 3] as number
    this.flags = bytes[at + 4] as number
    // The reserved bit must be ignored on receipt (section 4.1).
    this.streamId =
      (((bytes[at + 5] as number) & 0x7f) << 24) |
      ((bytes[at + 6] as number) << 16) |
      ((bytes[at + 7] as number) << 8) |
      (bytes[at + 8] as number)
    this.bytes = bytes
    this.start = at + FRAME_HEADER_BYTES
    this.end = at + frameBytes
  }

  /** Copies what is left of the chunk; `room` is the size of the frame as far as it is known. */
  #keepRest(room: number): FrameStep {
    const left = this.#chunk.length - this.#at
    if (left > 0) {
      this.#partial = Buffer.allocUnsafe(room)
      this.#partialLength = 0
      this.#appendFromChunk(left)
    }
    this.#dropChunk()
    return FrameStep.needMore
  }

  #nextFromPartial(): FrameStep {
    if (!this.#fillPartial(FRAME_HEADER_BYTES)) return FrameStep.needMore
    const length = payloadLength(this.#partial, 0)
    if (length > this.#payloadBytesMax) return FrameStep.tooLarge
    const frameBytes = FRAME_HEADER_BYTES + length
    if (this.#partial.length < frameBytes) {
      const larger = Buffer.allocUnsafe(frameBytes)
      this.#partial.copy(larger, 0, 0, this.#partialLength)
      this.#partial = larger
    }
    if (!this.#fillPartial(frameBytes)) return FrameStep.needMore
    this.#describe(this.#partial, 0, frameBytes)
    // The frame stays readable through `bytes`; the reader itself lets go of it.
    this.#partial = EMPTY
    this.#partialLength = 0
    return FrameStep.frame
  }

  /** Tops the partial frame up to `wanted` bytes; false when the chunk ended first. */
  #fillPartial(wanted: number): boolean {
    const missing = wanted - this.#partialLength
    if (missing <= 0) return true
    const left = this.#chunk.length - this.#at
    this.#appendFromChunk(Math.min(missing, left))
    if (left >= missing) return true
    this.#dropChunk()
    return false
  }

  #appendFromChunk(count: number): void {
    this.#chunk.copy(this.#partial, this.#partialLength, this.#at, this.#at + count)
    this.#partialLength += count
    this.#at += count
  }

  /** Lets the socket's memory go, so that an idle connection holds none of it. */
  #dropChunk(): void {
    this.#chunk = EMPTY
    this.#at = 0
    this.bytes = EMPTY
  }
}

function payloadLength(bytes: Buffer, at: number): number {
  return (
    ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number)
  )
}

/** Four octets, most significant first, as an unsigned number. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  )
}

export function readUint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}
