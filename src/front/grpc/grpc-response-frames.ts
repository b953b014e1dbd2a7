/** The HEADERS frames of a response, whole and for stream 0: the sender puts the stream's number in. */

import { grpcStatus } from '../../proto/grpc-status.js'
import {
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_HEADERS,
  FRAME_HEADER_BYTES,
} from '../http2/frame-layout.js'
import { writeFrameHeader } from '../http2/frame-writer.js'
import { encodeHeaderBlock } from '../http2/hpack-encoder.js'
import type { HeaderField } from '../http2/hpack-static-table.js'
import { ACCEPTED_ENCODINGS } from './grpc-request-head.js'
import { percentEncode } from './percent-encoding.js'

/** Keeps the frame well below the size that every peer takes. */
const MESSAGE_BYTES_MAX = 4096
/** Distinct errors are few, but their texts may name keys: a full memory is emptied, not grown. */
const REMEMBERED_COUNT_MAX = 256

const CONTENT_TYPE: HeaderField = { name: 'content-type', value: 'application/grpc' }
const STATUS_200: HeaderField = { name: ':status', value: '200' }

/** Before the first message. */
export const RESPONSE_HEADERS: Buffer = frameOf([STATUS_200, CONTENT_TYPE], FLAG_END_HEADERS)

const OK_TRAILERS = trailersOf(grpcStatus.ok, '')
const remembered = new Map<string, Buffer>()

/** Behind the last message. */
export function trailersFrame(status: number, message: string): Buffer {
  if (status === grpcStatus.ok && message === '') return OK_TRAILERS
  return remember(`${status} ${message}`, () => trailersOf(status, message))
}

/** The whole response of a call that sent nothing else. */
export function trailersOnlyFrame(status: number, message: string): Buffer {
  return remember(`only ${status} ${message}`, () =>
    frameOf([STATUS_200, CONTENT_TYPE, ...statusFields(status, message)], FLAG_END_HEADERS | FLAG_END_STREAM),
  )
}

/** The response to a request that is no gRPC call, or one in an encoding that we lack. */
export function refusalFrame(httpStatus: number, status: number, message: string, namesEncodings: boolean): Buffer {
  const fields: HeaderField[] = [
    { name: ':status', value: String(httpStatus) },
    CONTENT_TYPE,
    ...statusFields(status, message),
  ]
  if (namesEncodings) fields.push({ name: 'grpc-accept-encoding', value: ACCEPTED_ENCODINGS })
  return frameOf(fields, FLAG_END_HEADERS | FLAG_END_STREAM)
}

function trailersOf(status: number, message: string): Buffer {
  return frameOf(statusFields(status, message), FLAG_END_HEADERS | FLAG_END_STREAM)
}

function statusFields(status: number, message: string): HeaderField[] {
  const fields = [{ name: 'grpc-status', value: String(status) }]
  if (message !== '') fields.push({ name: 'grpc-message', value: percentEncode(message, MESSAGE_BYTES_MAX) })
  return fields
}

function frameOf(fields: readonly HeaderField[], flags: number): Buffer {
  const block = encodeHeaderBlock(fields)
  const frame = Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + block.length)
  const at = writeFrameHeader(frame, 0, block.length, FRAME_HEADERS, flags, 0)
  frame.set(block, at)
  return frame
}

function remember(key: string, make: () => Buffer): Buffer {
  const known = remembered.get(key)
  if (known !== undefined) return known
  if (remembered.size >= REMEMBERED_COUNT_MAX) remembered.clear()
  const frame = make()
  remembered.set(key, frame)
  return frame
}
