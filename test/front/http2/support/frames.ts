/** Frames as a client writes them and as a test reads them. */

import {
  CLIENT_PREFACE,
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_CONTINUATION,
  FRAME_DATA,
  FRAME_GOAWAY,
  FRAME_HEADERS,
  FRAME_HEADER_BYTES,
  FRAME_PING,
  FRAME_PRIORITY,
  FRAME_RST_STREAM,
  FRAME_SETTINGS,
  FRAME_WINDOW_UPDATE,
} from '../../../../src/front/http2/frame-layout.js'
import { writeFrameHeader, writeSettings, writeUint32, type Setting } from '../../../../src/front/http2/frame-writer.js'
import { encodeHeaderBlock } from '../../../../src/front/http2/hpack-encoder.js'

export type Fields = readonly (readonly [name: string, value: string])[]

export const PREFACE = Buffer.from(CLIENT_PREFACE)

export const GRPC_REQUEST: Fields = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/echo.Echo/Unary'],
  [':authority', 'localhost'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
]

export function frame(type: number, flags: number, streamId: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + payload.length)
  bytes.set(payload, writeFrameHeader(bytes, 0, payload.length, type, flags, streamId))
  return bytes
}

export function block(fields: Fields): Buffer {
  return encodeHeaderBlock(fields.map(([name, value]) => ({ name, value })))
}

/** A whole request head; `flags` beyond END_HEADERS. */
export function headers(streamId: number, fields: Fields = GRPC_REQUEST, flags = 0): Buffer {
  return frame(FRAME_HEADERS, FLAG_END_HEADERS | flags, streamId, block(fields))
}

export function request(streamId: number): Buffer {
  return headers(streamId, GRPC_REQUEST, FLAG_END_STREAM)
}

export function continuation(streamId: number, fragment: Uint8Array, flags = 0): Buffer {
  return frame(FRAME_CONTINUATION, flags, streamId, fragment)
}

export function data(streamId: number, payload: Uint8Array, flags = 0): Buffer {
  return frame(FRAME_DATA, flags, streamId, payload)
}

export function settings(...list: Setting[]): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + 6 * list.length)
  writeSettings(bytes, 0, list)
  return bytes
}

export function settingsAck(): Buffer {
  return frame(FRAME_SETTINGS, FLAG_ACK, 0)
}

export function ping(text = '12345678', flags = 0): Buffer {
  return frame(FRAME_PING, flags, 0, Buffer.from(text))
}

export function windowUpdate(streamId: number, increment: number): Buffer {
  return frame(FRAME_WINDOW_UPDATE, 0, streamId, uint32(increment))
}

export function reset(streamId: number, code = 8): Buffer {
  return frame(FRAME_RST_STREAM, 0, streamId, uint32(code))
}

export function goaway(lastStreamId: number, code = 0): Buffer {
  return frame(FRAME_GOAWAY, 0, 0, Buffer.concat([uint32(lastStreamId), uint32(code)]))
}

export function priority(streamId: number): Buffer {
  return frame(FRAME_PRIORITY, 0, streamId, Buffer.alloc(5))
}

/** A gRPC message with its prefix. */
export function message(payload: Uint8Array | string, flag = 0): Buffer {
  const body = Buffer.from(payload)
  return Buffer.concat([Buffer.from([flag]), uint32(body.length), body])
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  writeUint32(bytes, 0, value)
  return bytes
}
