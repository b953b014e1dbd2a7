/**
 * Writes HTTP/2 frames into a buffer the caller has made large enough. Every function returns the offset behind
 * what it wrote. Serves both roles; allocates nothing.
 */

import {
  FLAG_ACK,
  FLAG_NONE,
  FRAME_GOAWAY,
  FRAME_HEADER_BYTES,
  FRAME_PING,
  FRAME_RST_STREAM,
  FRAME_SETTINGS,
  FRAME_WINDOW_UPDATE,
  GOAWAY_BYTES_MIN,
  PING_BYTES,
  RST_STREAM_BYTES,
  SETTING_BYTES,
  WINDOW_UPDATE_BYTES,
} from './frame-layout.js'

/** One SETTINGS parameter: identifier and value. */
export type Setting = readonly [id: number, value: number]

export function writeUint32(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
  return at + 4
}

export function writeFrameHeader(
  bytes: Uint8Array,
  at: number,
  payloadLength: number,
  type: number,
  flags: number,
  streamId: number,
): number {
  bytes[at] = payloadLength >>> 16
  bytes[at + 1] = payloadLength >>> 8
  bytes[at + 2] = payloadLength
  bytes[at + 3] = type
  bytes[at + 4] = flags
  return writeUint32(bytes, at + 5, streamId)
}

/** Copies a frame built for stream 0 and puts the stream's number into its header. */
export function writeFrameFor(
  bytes: Uint8Array,
  at: number,
  frame: Uint8Array,
  streamId: number,
): number {
  const length = frame.length
  // A loop beats TypedArray.set for the few dozen bytes that a prebuilt HEADERS frame has.
  for (let i = 0; i < length; i++) bytes[at + i] = frame[i] as number
  writeUint32(bytes, at + 5, streamId)
  return at + length
}

export const SETTINGS_ACK_FRAME_BYTES = FRAME_HEADER_BYTES
export const PING_FRAME_BYTES = FRAME_HEADER_BYTES + PING_BYTES
export const RST_STREAM_FRAME_BYTES = FRAME_HEADER_BYTES + RST_STREAM_BYTES
export const WINDOW_UPDATE_FRAME_BYTES = FRAME_HEADER_BYTES + WINDOW_UPDATE_BYTES

export function settingsFrameBytes(settings: readonly Setting[]): number {
  return FRAME_HEADER_BYTES + settings.length * SETTING_BYTES
}

export function writeSettings(bytes: Uint8Array, at: number, settings: readonly Setting[]): number {
  let to = writeFrameHeader(
    bytes,
    at,
    settings.length * SETTING_BYTES,
    FRAME_SETTINGS,
    FLAG_NONE,
    0,
  )
  for (const [id, value] of settings) {
    bytes[to] = id >>> 8
    bytes[to + 1] = id
    to = writeUint32(bytes, to + 2, value)
  }
  return to
}

export function writeSettingsAck(bytes: Uint8Array, at: number): number {
  return writeFrameHeader(bytes, at, 0, FRAME_SETTINGS, FLAG_ACK, 0)
}

/** `data` at `from` holds the eight opaque octets. */
export function writePing(
  bytes: Uint8Array,
  at: number,
  flags: number,
  data: Uint8Array,
  from: number,
): number {
  const to = writeFrameHeader(bytes, at, PING_BYTES, FRAME_PING, flags, 0)
  for (let i = 0; i < PING_BYTES; i++) bytes[to + i] = data[from + i] as number
  return to + PING_BYTES
}

export function writeRstStream(
  bytes: Uint8Array,
  at: number,
  streamId: number,
  errorCode: number,
): number {
  const to = writeFrameHeader(bytes, at, RST_STREAM_BYTES, FRAME_RST_STREAM, FLAG_NONE, streamId)
  return writeUint32(bytes, to, errorCode)
}

/** `streamId` 0 is the connection's window. */
export function writeWindowUpdate(
  bytes: Uint8Array,
  at: number,
  streamId: number,
  increment: number,
): number {
  const to = writeFrameHeader(
    bytes,
    at,
    WINDOW_UPDATE_BYTES,
    FRAME_WINDOW_UPDATE,
    FLAG_NONE,
    streamId,
  )
  return writeUint32(bytes, to, increment)
}

export function goawayFrameBytes(debugData: Uint8Array): number {
  return FRAME_HEADER_BYTES + GOAWAY_BYTES_MIN + debugData.length
}

export function writeGoaway(
  bytes: Uint8Array,
  at: number,
  lastStreamId: number,
  errorCode: number,
  debugData: Uint8Array,
): number {
  const length = GOAWAY_BYTES_MIN + debugData.length
  let to = writeFrameHeader(bytes, at, length, FRAME_GOAWAY, FLAG_NONE, 0)
  to = writeUint32(bytes, to, lastStreamId)
  to = writeUint32(bytes, to, errorCode)
  bytes.set(debugData, to)
  return to + debugData.length
}
