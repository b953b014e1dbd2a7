/**
 * The numbers of HTTP/2 (RFC 9113): frame layout, types, flags, settings and error codes. No logic, no role.
 *
 *   0        3      4       5                     9
 *   +--------+------+-------+---------------------+-- payload ...
 *   | length | type | flags | 0 | stream id (31)  |
 *   +--------+------+-------+---------------------+-- payload ...
 */

export const FRAME_HEADER_BYTES = 9

/** What a client sends first (section 3.4). */
export const CLIENT_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
export const CLIENT_PREFACE_BYTES = 24

export const FRAME_DATA = 0x0
export const FRAME_HEADERS = 0x1
export const FRAME_PRIORITY = 0x2
export const FRAME_RST_STREAM = 0x3
export const FRAME_SETTINGS = 0x4
export const FRAME_PUSH_PROMISE = 0x5
export const FRAME_PING = 0x6
export const FRAME_GOAWAY = 0x7
export const FRAME_WINDOW_UPDATE = 0x8
export const FRAME_CONTINUATION = 0x9

export const FLAG_NONE = 0x0
/** On SETTINGS and PING. */
export const FLAG_ACK = 0x1
/** On DATA and HEADERS. */
export const FLAG_END_STREAM = 0x1
export const FLAG_END_HEADERS = 0x4
export const FLAG_PADDED = 0x8
export const FLAG_PRIORITY = 0x20

export const SETTING_HEADER_TABLE_SIZE = 0x1
export const SETTING_ENABLE_PUSH = 0x2
export const SETTING_MAX_CONCURRENT_STREAMS = 0x3
export const SETTING_INITIAL_WINDOW_SIZE = 0x4
export const SETTING_MAX_FRAME_SIZE = 0x5
export const SETTING_MAX_HEADER_LIST_SIZE = 0x6
export const SETTING_BYTES = 6

export const PING_BYTES = 8
export const PRIORITY_BYTES = 5
export const WINDOW_UPDATE_BYTES = 4
export const RST_STREAM_BYTES = 4
export const GOAWAY_BYTES_MIN = 8

/** Section 7. Frozen, with a union type of its values. */
export const ErrorCode = Object.freeze({
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  SETTINGS_TIMEOUT: 0x4,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  CONNECT_ERROR: 0xa,
  ENHANCE_YOUR_CALM: 0xb,
  INADEQUATE_SECURITY: 0xc,
  HTTP_1_1_REQUIRED: 0xd,
})
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode]
export const ERROR_CODE_COUNT = 14

/** Every endpoint accepts frames of this size, and neither side may ask for less (section 6.5.2). */
export const FRAME_PAYLOAD_BYTES_DEFAULT = 16_384
export const FRAME_PAYLOAD_BYTES_MAX = 16_777_215
/** Both windows before any SETTINGS or WINDOW_UPDATE (section 6.9.2). */
export const WINDOW_BYTES_DEFAULT = 65_535
export const WINDOW_BYTES_MAX = 0x7fff_ffff
export const STREAM_ID_MAX = 0x7fff_ffff
/** The dynamic table of either direction before any SETTINGS. */
export const HEADER_TABLE_BYTES_DEFAULT = 4_096
