/** What a client may set (RFC 9113 section 6.5.2), and how it must begin (section 3.4). */

import { utf8 } from '../../../base/bytes.js'
import {
  CLIENT_PREFACE,
  CLIENT_PREFACE_BYTES,
  ErrorCode,
  FRAME_PAYLOAD_BYTES_DEFAULT,
  FRAME_PAYLOAD_BYTES_MAX,
  SETTING_ENABLE_PUSH,
  SETTING_INITIAL_WINDOW_SIZE,
  SETTING_MAX_FRAME_SIZE,
  WINDOW_BYTES_MAX,
} from '../frame-layout.js'

export interface SettingError {
  readonly code: ErrorCode
  readonly reason: string
}

const WINDOW_ERROR: SettingError = {
  code: ErrorCode.FLOW_CONTROL_ERROR,
  reason: 'SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1',
}
const PUSH_ERROR: SettingError = {
  code: ErrorCode.PROTOCOL_ERROR,
  reason: 'SETTINGS_ENABLE_PUSH must be 0 or 1',
}
const FRAME_SIZE_ERROR: SettingError = {
  code: ErrorCode.PROTOCOL_ERROR,
  reason: 'SETTINGS_MAX_FRAME_SIZE out of range',
}

/**
 * Null when the value is allowed. Our encoder keeps no table and our frames fit every peer, so that only the window
 * matters to us; the others are checked because the RFC names the error. Unknown settings are ignored.
 */
export function wrongSetting(id: number, value: number): SettingError | null {
  switch (id) {
    case SETTING_INITIAL_WINDOW_SIZE:
      return value <= WINDOW_BYTES_MAX ? null : WINDOW_ERROR
    case SETTING_ENABLE_PUSH:
      return value <= 1 ? null : PUSH_ERROR
    case SETTING_MAX_FRAME_SIZE:
      return value >= FRAME_PAYLOAD_BYTES_DEFAULT && value <= FRAME_PAYLOAD_BYTES_MAX ? null : FRAME_SIZE_ERROR
    default:
      return null
  }
}

const PREFACE = utf8(CLIENT_PREFACE)

/** Compares `chunk` with the preface from `offset` on: octets that belong to it, or -1 when they differ. */
export function matchPreface(chunk: Uint8Array, offset: number): number {
  const wanted = Math.min(chunk.length, CLIENT_PREFACE_BYTES - offset)
  for (let i = 0; i < wanted; i++) if (chunk[i] !== PREFACE[offset + i]) return -1
  return wanted
}
