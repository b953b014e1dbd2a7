/**
 * How an image of a store travels from one member to another, over the port for members:
 *
 * ```
 * GET  /raftring/snapshot   how much of this transfer is there already -> 200, the number of bytes
 * POST /raftring/snapshot   offer, chunk ... chunk, end                -> 204 once raft has it
 * ```
 *
 * Both carry the transfer's number in a field. The body of a POST is a run of frames (frames.ts), each with a checksum
 * of its own. A connection that is cut costs the chunk that was on its way: the next POST goes on behind the last one
 * that is there. Chunks lie at multiples of their length, so the checksum over all their checksums, which the end
 * carries, is the same however often the connection was cut.
 *
 * ```
 * offer  | format, u32 | page bytes, u32 | image bytes, f64 | raftpb.Message of the snapshot |
 * chunk  | offset, f64 | bytes |
 * end    | CRC-32C of the frames' checksums of all chunks, u32 |
 * ```
 */

import { crc32cUpdate } from '../../base/crc32c.js'
import type { Bytes } from '../../base/bytes.js'

export const SNAPSHOT_PATH = '/raftring/snapshot'
/** The number that the sender has given to this transfer. */
export const TRANSFER_FIELD = 'X-Raftring-Transfer'

export const TransferFrame = Object.freeze({ offer: 16, chunk: 17, end: 18 })

/** Of the image: a store file as lmdb 3.5 writes it on a little-endian machine of 64 bits. */
export const IMAGE_FORMAT = 1

export const CHUNK_BYTES = 128 * 1024
const CHUNK_HEAD_BYTES = 8
const OFFER_HEAD_BYTES = 16
/** A MsgSnap without its store: term, index, and the configuration of a large cluster. */
const MESSAGE_BYTES_MAX = 64 * 1024
export const TRANSFER_FRAME_BYTES_MAX = Math.max(CHUNK_HEAD_BYTES + CHUNK_BYTES, OFFER_HEAD_BYTES + MESSAGE_BYTES_MAX)

export interface Offer {
  readonly format: number
  readonly pageBytes: number
  readonly imageBytes: number
  /** Encoded raftpb.Message. */
  readonly message: Bytes
}

export function encodeOffer({ format, pageBytes, imageBytes, message }: Offer): Buffer {
  const body = Buffer.alloc(OFFER_HEAD_BYTES + message.length)
  body.writeUInt32LE(format, 0)
  body.writeUInt32LE(pageBytes, 4)
  body.writeDoubleLE(imageBytes, 8)
  body.set(message, OFFER_HEAD_BYTES)
  return body
}

/** Null if it cannot be one. */
export function decodeOffer(bytes: Buffer, start: number, end: number): Offer | null {
  if (end - start < OFFER_HEAD_BYTES) return null
  const imageBytes = bytes.readDoubleLE(start + 8)
  if (!Number.isSafeInteger(imageBytes) || imageBytes <= 0) return null
  return {
    format: bytes.readUInt32LE(start),
    pageBytes: bytes.readUInt32LE(start + 4),
    imageBytes,
    message: bytes.subarray(start + OFFER_HEAD_BYTES, end),
  }
}

/** Room for the body of a chunk; its bytes are put behind the head. */
export class ChunkBuffer {
  readonly bytes = Buffer.alloc(CHUNK_HEAD_BYTES + CHUNK_BYTES)

  get data(): Buffer {
    return this.bytes.subarray(CHUNK_HEAD_BYTES)
  }

  body(offset: number, length: number): Buffer {
    this.bytes.writeDoubleLE(offset, 0)
    return this.bytes.subarray(0, CHUNK_HEAD_BYTES + length)
  }
}

export interface Chunk {
  readonly offset: number
  readonly data: Buffer
}

/** The data is a view of `bytes`. Null if it cannot be a chunk of an image of this length. */
export function decodeChunk(bytes: Buffer, start: number, end: number, imageBytes: number): Chunk | null {
  if (end - start < CHUNK_HEAD_BYTES) return null
  const offset = bytes.readDoubleLE(start)
  const data = bytes.subarray(start + CHUNK_HEAD_BYTES, end)
  const isAtPlace = Number.isSafeInteger(offset) && offset >= 0 && offset % CHUNK_BYTES === 0
  return isAtPlace && data.length === Math.min(CHUNK_BYTES, imageBytes - offset) ? { offset, data } : null
}

export function encodeEnd(checksum: number): Buffer {
  const body = Buffer.alloc(4)
  body.writeUInt32LE(checksum, 0)
  return body
}

/** Gathers the checksums of chunks, in the order of the chunks. */
export class ImageChecksum {
  readonly #word = new Uint8Array(4)
  readonly #view = new DataView(this.#word.buffer)
  value = 0

  add(frameChecksum: number): void {
    this.#view.setUint32(0, frameChecksum, true)
    this.value = crc32cUpdate(this.value, this.#word, 0, 4)
  }
}
