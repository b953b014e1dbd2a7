/**
 * One server connection of HTTP/2 (RFC 9113) as a state machine: bytes and time in, bytes out, no socket, no timer.
 *
 *   socket chunk -> receive() -> handler (calls)         sender.takeOutput() -> one socket write a turn
 *   preface -> open -> [draining] -> finished
 *
 * What a peer may do wrong has two answers: a stream error ends its stream with RST_STREAM, a connection error ends
 * everything with GOAWAY (section 5.4). `isFinished` then asks the socket to flush and close.
 */

import { assert } from '../../../base/assert.js'
import { EMPTY_BYTES, utf8, type Bytes } from '../../../base/bytes.js'
import {
  ErrorCode,
  PING_BYTES,
  SETTING_INITIAL_WINDOW_SIZE,
  SETTING_MAX_CONCURRENT_STREAMS,
  SETTING_MAX_HEADER_LIST_SIZE,
  STREAM_ID_MAX,
  WINDOW_BYTES_DEFAULT,
} from '../frame-layout.js'
import type { Setting } from '../frame-writer.js'
import type { HeaderBlock } from '../hpack-decoder.js'
import { PLAIN_CLIENT, type ConnectionOrigin } from '../../listen/connection-origin.js'
import { AbuseGuard } from './abuse-guard.js'
import type { AbuseKind, Http2Counters } from './http2-counters.js'
import type { Http2Limits } from './http2-limits.js'
import { Http2Receiver } from './http2-receiver.js'
import { Http2Sender, type SenderEvents } from './http2-sender.js'
import type { Http2Stream, StreamHandler } from './http2-stream.js'
import type { OutputPool } from './output-pool.js'
import { RecentStreams } from './recent-streams.js'
import { SessionDeadlines } from './session-deadlines.js'

/** What all sessions of a front share. */
export interface SessionContext {
  readonly limits: Http2Limits
  readonly counters: Http2Counters
  readonly pool: OutputPool
  readonly handler: StreamHandler
}

/** What a session tells its socket. */
export interface SessionHost {
  /** Where the connection came in; a plain client's when it is not told. */
  readonly origin?: ConnectionOrigin
  /** There is output to take, or `isFinished` has become true. */
  onSessionOutput(): void
}

/** Tells the answer to the shutdown's PING from the answer to a keep-alive PING. */
const DRAIN_PING = utf8('draining')
const KEEPALIVE_PING = utf8('alive? ?')

export class Http2Session implements SenderEvents {
  readonly limits: Http2Limits
  readonly counters: Http2Counters
  readonly handler: StreamHandler
  readonly origin: ConnectionOrigin
  readonly sender: Http2Sender
  readonly streams = new Map<number, Http2Stream>()
  readonly recent = new RecentStreams()
  readonly deadlines: SessionDeadlines
  /** The time of the chunk or deadline being handled. */
  nowMs: number
  /** The highest stream number that the client has used. */
  lastStreamId = 0
  /** The socket is to write what is left of the output and close; nothing is read any more. */
  isFinished = false
  /** What is left of the output is not worth waiting for. */
  isCut = false
  /** It was cut because the client did not take what it had asked for. */
  isTooSlow = false
  /** What the layer above remembers about this connection. */
  layerState: unknown = undefined
  /** Bytes of unfinished messages that the layer above holds for this connection. */
  heldBytes = 0

  readonly #host: SessionHost
  readonly #receiver: Http2Receiver
  readonly #guard: AbuseGuard
  #drainState: 'open' | 'noticed' | 'draining' = 'open'
  #isOpen = false

  constructor(context: SessionContext, host: SessionHost, acceptedMs: number) {
    this.limits = context.limits
    this.counters = context.counters
    this.handler = context.handler
    this.nowMs = acceptedMs
    this.origin = host.origin ?? PLAIN_CLIENT
    this.#host = host
    this.sender = new Http2Sender(context.limits, context.pool, this)
    this.deadlines = new SessionDeadlines(context.limits, acceptedMs)
    this.#receiver = new Http2Receiver(this)
    this.#guard = new AbuseGuard(context.limits)
    this.#writeOwnSettings()
  }

  /** The next bytes from the client. They may be reused as soon as the call returns. */
  receive(chunk: Buffer, nowMs: number): void {
    if (this.isFinished) return
    this.nowMs = nowMs
    this.counters.bytesIn += chunk.length
    this.deadlines.onRead(nowMs)
    this.#receiver.receive(chunk)
    this.#cutIfOverfull()
  }

  /** True while the socket should not be read: the client does not take what it asked for. */
  get isBackedUp(): boolean {
    return this.sender.length >= this.limits.outputSoftBytes
  }

  get isDraining(): boolean {
    return this.#drainState !== 'open'
  }

  /** Called before each write to the socket; false when the connection is to be cut instead. */
  beforeWrite(): boolean {
    this.#cutIfOverfull()
    return !this.isCut
  }

  /** Does whatever is due; `deadlines.wakeAtMs()` says when to call again. */
  onDeadline(nowMs: number): void {
    this.nowMs = nowMs
    while (!this.isFinished) {
      switch (this.deadlines.due(nowMs)) {
        case 'none':
          return
        case 'handshake':
          this.counters.handshakesTimedOut++
          this.#cut()
          return
        case 'stall':
          this.#cutSlowReader()
          return
        case 'ping-timeout':
          this.counters.keepaliveTimedOut++
          this.#cut()
          return
        case 'idle':
          this.counters.idleClosed++
          this.fail(ErrorCode.NO_ERROR, 'max_idle')
          return
        case 'drain':
          this.fail(ErrorCode.NO_ERROR, 'shutdown')
          return
        case 'drain-notice':
          this.#announceLastStream()
          break
        case 'ping':
          this.sender.writePing(false, KEEPALIVE_PING, 0)
          this.deadlines.onPingSent(nowMs)
          break
      }
    }
  }

  /**
   * Graceful shutdown (section 6.8): a GOAWAY that refuses nothing yet, then, when the client has surely seen it, one
   * that names the last stream served. What is open goes on until it ends or `graceMs` is over.
   */
  drain(nowMs: number, graceMs: number): void {
    if (this.isFinished || this.isDraining) return
    this.nowMs = nowMs
    if (!this.#isOpen) return this.#cut()
    this.#drainState = 'noticed'
    this.deadlines.onDrain(nowMs, graceMs)
    this.counters.goawaysOut[ErrorCode.NO_ERROR] = (this.counters.goawaysOut[ErrorCode.NO_ERROR] as number) + 1
    this.sender.writeGoaway(STREAM_ID_MAX, ErrorCode.NO_ERROR, utf8('shutdown'))
    this.sender.writePing(false, DRAIN_PING, 0)
  }

  /** The socket is gone, whoever closed it. */
  onSocketGone(): void {
    this.#cut()
  }

  // What the layer above does.

  /** Ends a stream at once; what it still had to send is dropped. */
  resetStream(stream: Http2Stream, errorCode: ErrorCode): void {
    if (stream.isOver) return
    this.counters.resetsOut++
    this.sender.writeReset(stream.id, errorCode)
    this.#forget(stream, false)
  }

  // What the sender tells.

  onOutput(): void {
    this.#host.onSessionOutput()
  }

  /** The client may not have finished sending: it is told that nobody listens any more (section 8.1). */
  onEndStreamSent(stream: Http2Stream): void {
    if (!stream.isRemoteClosed) this.sender.writeReset(stream.id, ErrorCode.NO_ERROR)
    this.#forget(stream, stream.isRemoteClosed)
  }

  onQueueLow(stream: Http2Stream): void {
    this.#receiver.returnStreamWindow(stream)
    this.handler.onStreamWritable(stream)
  }

  // What the receiver finds.

  onHandshake(): void {
    this.#isOpen = true
    this.deadlines.onHandshake()
  }

  openStream(streamId: number, head: HeaderBlock, endsStream: boolean): void {
    this.lastStreamId = streamId
    // After the second GOAWAY the client knows that these were not served.
    if (this.#drainState === 'draining') return this.recent.add(streamId, false)
    if (
      this.streams.size >= this.limits.streamCountMax ||
      this.sender.queuedBytes * 2 > this.limits.queuedBytesMax
    ) {
      this.counters.streamsRefused++
      this.#refuse(streamId, ErrorCode.REFUSED_STREAM)
      return
    }
    const stream = this.handler.openStream(this, streamId, head)
    if (stream === null) return this.#refuse(streamId, ErrorCode.PROTOCOL_ERROR)
    stream.isRemoteClosed = endsStream
    if (this.streams.size === 0) this.deadlines.onIdle(Infinity)
    this.streams.set(streamId, stream)
    this.counters.streamsOpened++
    this.handler.onStreamStart(stream)
    if (endsStream && !stream.isOver) this.handler.onHalfClose(stream)
  }

  /** RST_STREAM from the client. */
  onReset(streamId: number): void {
    this.counters.resetsIn++
    const stream = this.streams.get(streamId)
    if (stream !== undefined) this.#lose(stream, true)
    if (this.#guard.countReset(this.nowMs)) this.failForAbuse('resets')
  }

  onPing(bytes: Uint8Array, at: number): void {
    const hasSent = this.sender.hasSentSincePing
    this.sender.hasSentSincePing = false
    if (this.#guard.countPing(this.nowMs, this.streams.size > 0, hasSent)) {
      this.counters.abuse.pings++
      this.fail(ErrorCode.ENHANCE_YOUR_CALM, 'too_many_pings')
      return
    }
    this.sender.writePing(true, bytes, at)
  }

  onPingAck(bytes: Uint8Array, at: number): void {
    for (let i = 0; i < PING_BYTES; i++) {
      if (bytes[at + i] !== DRAIN_PING[i]) return this.countJunk()
    }
    if (this.#drainState === 'noticed') this.#announceLastStream()
  }

  /** False when a window left its range (section 6.9.2). */
  moveStreamWindows(initialWindow: number): boolean {
    const change = initialWindow - this.sender.initialStreamWindow
    this.sender.initialStreamWindow = initialWindow
    for (const stream of this.streams.values()) {
      if (!this.sender.widenStream(stream, change)) return false
    }
    return true
  }

  countJunk(): void {
    if (this.#guard.countJunk(this.nowMs)) this.failForAbuse('junk')
  }

  /** Both are true when the connection has ended over it. */
  countEmptyData(): boolean {
    if (this.#guard.countEmptyData(this.nowMs)) this.failForAbuse('emptyData')
    return this.isFinished
  }

  countSettings(): boolean {
    if (this.#guard.countSettings(this.nowMs)) this.failForAbuse('settings')
    return this.isFinished
  }

  failForAbuse(kind: AbuseKind): void {
    this.counters.abuse[kind]++
    this.fail(ErrorCode.ENHANCE_YOUR_CALM, `too many frames: ${kind}`)
  }

  /** A stream error: this stream ends, the connection goes on. */
  failStream(stream: Http2Stream, errorCode: ErrorCode): void {
    this.counters.resetsOut++
    this.sender.writeReset(stream.id, errorCode)
    this.#lose(stream, false)
  }

  /** A connection error, or an end that the client is told about. */
  fail(errorCode: ErrorCode, reason: string): void {
    if (this.isFinished) return
    this.counters.goawaysOut[errorCode] = (this.counters.goawaysOut[errorCode] as number) + 1
    this.sender.writeGoaway(this.lastStreamId, errorCode, utf8(reason))
    this.#finish()
  }

  #writeOwnSettings(): void {
    const settings: readonly Setting[] = [
      [SETTING_MAX_CONCURRENT_STREAMS, this.limits.streamCountMax],
      [SETTING_INITIAL_WINDOW_SIZE, this.limits.streamWindowBytes],
      [SETTING_MAX_HEADER_LIST_SIZE, this.limits.headerListBytesMax],
    ]
    this.sender.writeSettings(settings)
    const more = this.limits.connectionWindowBytes - WINDOW_BYTES_DEFAULT
    if (more > 0) this.sender.writeWindowUpdate(0, more)
  }

  #announceLastStream(): void {
    this.#drainState = 'draining'
    this.deadlines.onDrainNoticed()
    this.sender.writeGoaway(this.lastStreamId, ErrorCode.NO_ERROR, EMPTY_BYTES as Bytes)
    if (this.streams.size === 0) this.#finish()
  }

  #refuse(streamId: number, errorCode: ErrorCode): void {
    this.counters.resetsOut++
    this.sender.writeReset(streamId, errorCode)
    this.recent.add(streamId, false)
    // A client that does nothing else is the rapid-reset attack with the server as the one that resets.
    if (this.#guard.countReset(this.nowMs)) this.failForAbuse('resets')
  }

  #forget(stream: Http2Stream, isEndedByPeer: boolean): void {
    assert(!stream.isOver, 'a stream ends once')
    stream.isOver = true
    this.sender.dropQueue(stream)
    this.streams.delete(stream.id)
    this.recent.add(stream.id, isEndedByPeer)
    this.counters.streamsClosed++
    this.handler.onStreamOver(stream)
    if (this.streams.size > 0) return
    this.deadlines.onIdle(this.nowMs)
    if (this.#drainState === 'draining') this.#finish()
  }

  #lose(stream: Http2Stream, isEndedByPeer: boolean): void {
    this.#forget(stream, isEndedByPeer)
    this.handler.onStreamLost(stream, false)
  }

  #cutIfOverfull(): void {
    if (this.sender.isOverfull && !this.isCut) this.#cutSlowReader()
  }

  #cutSlowReader(): void {
    this.counters.slowReadersCut++
    this.isTooSlow = true
    this.#cut()
  }

  #cut(): void {
    this.isCut = true
    this.#finish()
  }

  #finish(): void {
    if (this.isFinished) {
      this.#host.onSessionOutput()
      return
    }
    this.isFinished = true
    for (const stream of this.streams.values()) {
      this.#forget(stream, false)
      this.handler.onStreamLost(stream, true)
    }
    this.#host.onSessionOutput()
  }
}
