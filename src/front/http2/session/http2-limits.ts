/** Every bound of one HTTP/2 connection, and what is done when it is met. */

import { assert } from '../../../base/assert.js'
import { FRAME_PAYLOAD_BYTES_DEFAULT, WINDOW_BYTES_DEFAULT, WINDOW_BYTES_MAX } from '../frame-layout.js'

export interface Http2Limits {
  /** SETTINGS_MAX_CONCURRENT_STREAMS; above it REFUSED_STREAM. */
  readonly streamCountMax: number
  /** SETTINGS_INITIAL_WINDOW_SIZE that we grant each stream. */
  readonly streamWindowBytes: number
  /** The window that we grant the whole connection. */
  readonly connectionWindowBytes: number
  /** SETTINGS_MAX_HEADER_LIST_SIZE; above it the request is answered with status 431. */
  readonly headerListBytesMax: number
  /** Encoded bytes of one block over HEADERS and CONTINUATION; above it ENHANCE_YOUR_CALM. */
  readonly headerBlockBytesMax: number
  /** CONTINUATION frames of one block; above it ENHANCE_YOUR_CALM. */
  readonly continuationCountMax: number

  /** Encoded output that stops DATA and, until it is written, the reading of the socket. */
  readonly outputSoftBytes: number
  /** Encoded output, answers in flight included; above it the connection is cut. */
  readonly outputBytesMax: number
  /** Bytes of all calls that wait for windows. From half of it new streams are refused; above it the cut. */
  readonly queuedBytesMax: number
  /** Memory for messages that have not come whole. */
  readonly heldBytesMax: number
  /** A call's queued bytes at which a streaming writer is told to stop, and at which it may go on. */
  readonly callQueueHighBytes: number
  readonly callQueueLowBytes: number

  /** From accept to the client's first SETTINGS. */
  readonly handshakeMs: number
  /** A connection without streams is closed after this; Infinity keeps it. */
  readonly idleMs: number
  /** Output that the peer's TCP has not taken for this long cuts the connection. */
  readonly stallMs: number
  /** Between the two GOAWAY frames of a graceful shutdown, unless the client's PING answer comes first. */
  readonly drainNoticeMs: number

  /** Server keep-alive: PING after this silence, and the wait for its answer. Infinity: never. */
  readonly serverPingMs: number
  readonly serverPingTimeoutMs: number
  /** Client keep-alive: the least time between PINGs; more strikes than allowed: "too_many_pings". */
  readonly pingMinTimeMs: number
  readonly isPingWithoutStreamsAllowed: boolean
  readonly pingStrikeCountMax: number

  /** Frames counted per window of time; above a bound ENHANCE_YOUR_CALM. */
  readonly abuseWindowMs: number
  readonly resetCountMax: number
  readonly settingsCountMax: number
  readonly emptyDataCountMax: number
  /** PRIORITY, unknown types, frames on closed streams, stray acknowledgements. */
  readonly junkCountMax: number
}

const KiB = 1024
const MiB = 1024 * KiB
const HOUR_MS = 3_600_000
/** Whatever is configured: a stream costs memory before it has sent a single octet. */
const STREAM_COUNT_CEILING = 65_536

export const HTTP2_LIMITS_DEFAULT: Http2Limits = Object.freeze({
  streamCountMax: STREAM_COUNT_CEILING,
  streamWindowBytes: MiB,
  connectionWindowBytes: 16 * MiB,
  headerListBytesMax: 64 * KiB,
  headerBlockBytesMax: 128 * KiB,
  continuationCountMax: 16,
  outputSoftBytes: 256 * KiB,
  outputBytesMax: 8 * MiB,
  queuedBytesMax: 256 * MiB,
  heldBytesMax: 256 * MiB,
  callQueueHighBytes: 256 * KiB,
  callQueueLowBytes: 64 * KiB,
  handshakeMs: 10_000,
  idleMs: Infinity,
  stallMs: 60_000,
  drainNoticeMs: 1_000,
  serverPingMs: 2 * HOUR_MS,
  serverPingTimeoutMs: 20_000,
  pingMinTimeMs: 5_000,
  isPingWithoutStreamsAllowed: false,
  pingStrikeCountMax: 2,
  abuseWindowMs: 10_000,
  resetCountMax: 10_000,
  settingsCountMax: 100,
  emptyDataCountMax: 1_000,
  junkCountMax: 10_000,
})

/** The defaults with `changes` laid over them, checked for how they relate. */
export function http2Limits(changes: Partial<Http2Limits> = {}): Http2Limits {
  const merged = { ...HTTP2_LIMITS_DEFAULT, ...changes }
  const limits = Object.freeze({ ...merged, streamCountMax: Math.min(merged.streamCountMax, STREAM_COUNT_CEILING) })
  assert(limits.streamWindowBytes <= WINDOW_BYTES_MAX, 'stream window fits its setting')
  assert(
    limits.connectionWindowBytes >= WINDOW_BYTES_DEFAULT &&
      limits.connectionWindowBytes <= WINDOW_BYTES_MAX,
    'connection window can only be raised above 65535',
  )
  assert(
    limits.headerBlockBytesMax >= FRAME_PAYLOAD_BYTES_DEFAULT,
    'a header block may fill one frame',
  )
  assert(limits.outputSoftBytes < limits.outputBytesMax, 'soft output bound is below the hard one')
  assert(limits.callQueueLowBytes < limits.callQueueHighBytes, 'call queue marks are ordered')
  return limits
}

export interface KeepaliveOptions {
  readonly keepaliveIntervalMs: number
  readonly keepaliveTimeoutMs: number
  readonly keepaliveMinMs: number
}

/** How often a client may ask when nothing is said about it; gRPC's own default. */
const PING_MIN_TIME_MS = 300_000

/** As etcd hands its flags on to gRPC: the server asks only with an interval and a timeout; no least time is gRPC's. */
export function keepaliveLimits(
  options: KeepaliveOptions,
): Pick<Http2Limits, 'serverPingMs' | 'serverPingTimeoutMs' | 'pingMinTimeMs'> {
  const { keepaliveIntervalMs, keepaliveTimeoutMs, keepaliveMinMs } = options
  const isOn = keepaliveIntervalMs > 0 && keepaliveTimeoutMs > 0
  return {
    serverPingMs: isOn ? keepaliveIntervalMs : Infinity,
    serverPingTimeoutMs: isOn ? keepaliveTimeoutMs : Infinity,
    pingMinTimeMs: keepaliveMinMs > 0 ? keepaliveMinMs : PING_MIN_TIME_MS,
  }
}
