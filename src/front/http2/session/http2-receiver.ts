/**
 * The receiving half of a connection: frames in order, each checked against RFC 9113 and handed to the stream it is
 * for. Section numbers below are of that RFC.
 */

import {
  CLIENT_PREFACE_BYTES,
  ErrorCode,
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FLAG_PADDED,
  FLAG_PRIORITY,
  FRAME_CONTINUATION,
  FRAME_DATA,
  FRAME_GOAWAY,
  FRAME_HEADERS,
  FRAME_PING,
  FRAME_PRIORITY,
  FRAME_PUSH_PROMISE,
  FRAME_RST_STREAM,
  FRAME_SETTINGS,
  FRAME_WINDOW_UPDATE,
  GOAWAY_BYTES_MIN,
  PING_BYTES,
  PRIORITY_BYTES,
  RST_STREAM_BYTES,
  SETTING_BYTES,
  SETTING_INITIAL_WINDOW_SIZE,
  WINDOW_BYTES_MAX,
  WINDOW_UPDATE_BYTES,
} from '../frame-layout.js'
import { FrameReader, FrameStep, readUint16, readUint32 } from '../frame-reader.js'
import { HpackDecoder, type HeaderBlock } from '../hpack-decoder.js'
import { HeaderBlockAssembler } from './header-block-assembler.js'
import type { Http2Session } from './http2-session.js'
import type { Http2Stream } from './http2-stream.js'
import { matchPreface, wrongSetting } from './peer-settings.js'
import { CLOSED_BY_PEER, CLOSED_BY_US } from './recent-streams.js'

export class Http2Receiver {
  readonly #session: Http2Session
  readonly #reader = new FrameReader()
  readonly #decoder: HpackDecoder
  #prefaceBytes = 0
  #hasSettings = false
  /** What the peer may still send on the connection, and what of it was used but not yet granted again. */
  #window: number
  #used = 0
  /** The header block whose END_HEADERS has not come; then only CONTINUATION may follow. */
  readonly #block = new HeaderBlockAssembler()

  constructor(session: Http2Session) {
    this.#session = session
    this.#window = session.limits.connectionWindowBytes
    this.#decoder = new HpackDecoder({ listBytesMax: session.limits.headerListBytesMax })
  }

  receive(chunk: Buffer): void {
    const session = this.#session
    let from = 0
    if (this.#prefaceBytes < CLIENT_PREFACE_BYTES) {
      from = matchPreface(chunk, this.#prefaceBytes)
      if (from < 0) return this.#protocolError('wrong connection preface')
      this.#prefaceBytes += from
    }
    const reader = this.#reader
    reader.feed(chunk, from)
    while (true) {
      const step = reader.next()
      if (step === FrameStep.needMore) return
      if (step === FrameStep.tooLarge) {
        session.fail(ErrorCode.FRAME_SIZE_ERROR, 'frame larger than SETTINGS_MAX_FRAME_SIZE')
        return
      }
      session.counters.framesIn++
      this.#onFrame()
      if (session.isFinished) return
    }
  }

  #onFrame(): void {
    const type = this.#reader.type
    // Section 6.10: nothing may come between the frames of one header block.
    if (this.#block.isOpen && type !== FRAME_CONTINUATION) {
      this.#protocolError('expected CONTINUATION')
      return
    }
    // Section 3.4: SETTINGS is the first frame.
    if (!this.#hasSettings && (type !== FRAME_SETTINGS || (this.#reader.flags & FLAG_ACK) !== 0)) {
      this.#protocolError('expected SETTINGS')
      return
    }
    switch (type) {
      case FRAME_DATA:
        return this.#onData()
      case FRAME_HEADERS:
        return this.#onHeaders()
      case FRAME_WINDOW_UPDATE:
        return this.#onWindowUpdate()
      case FRAME_PING:
        return this.#onPing()
      case FRAME_SETTINGS:
        return this.#onSettings()
      case FRAME_RST_STREAM:
        return this.#onRstStream()
      case FRAME_CONTINUATION:
        return this.#onContinuation()
      case FRAME_PRIORITY:
        return this.#onPriority()
      case FRAME_GOAWAY:
        return this.#onGoaway()
      case FRAME_PUSH_PROMISE:
        return this.#protocolError('PUSH_PROMISE from a client')
      default:
        // Section 4.1: unknown types are ignored, but not for ever.
        return this.#session.countJunk()
    }
  }

  #onData(): void {
    const session = this.#session
    const { streamId, flags, start, end } = this.#reader
    if (streamId === 0) return this.#protocolError('DATA on stream 0')
    const size = end - start
    this.#window -= size
    if (this.#window < 0) {
      return session.fail(ErrorCode.FLOW_CONTROL_ERROR, 'connection window overrun')
    }
    this.#returnWindow(size)
    const stream = session.streams.get(streamId)
    if (stream === undefined) return this.#onDataWithoutStream(streamId)
    if (stream.isRemoteClosed) return session.failStream(stream, ErrorCode.STREAM_CLOSED)
    stream.receiveWindow -= size
    if (stream.receiveWindow < 0) return session.failStream(stream, ErrorCode.FLOW_CONTROL_ERROR)
    let from = start
    let to = end
    if ((flags & FLAG_PADDED) !== 0) {
      from = start + 1
      to = this.#withoutPadding(from, end)
      if (to < 0) return
    }
    const endsStream = (flags & FLAG_END_STREAM) !== 0
    if (from === to && !endsStream && session.countEmptyData()) return
    stream.isRemoteClosed = endsStream
    if (to > from) session.handler.onData(stream, this.#reader.bytes, from, to)
    if (stream.isOver) return
    if (endsStream) session.handler.onHalfClose(stream)
    else this.returnStreamWindow(stream)
  }

  /** DATA may cross our END_STREAM or RST_STREAM, so it is only wrong on a stream that never was. */
  #onDataWithoutStream(streamId: number): void {
    const session = this.#session
    if (this.#isIdle(streamId)) return this.#protocolError('DATA on an idle stream')
    if (session.recent.find(streamId) !== CLOSED_BY_US) {
      session.sender.writeReset(streamId, ErrorCode.STREAM_CLOSED)
    }
    session.countJunk()
  }

  /** Sections 6.1 and 6.2: where the content ends, or -1 after a connection error. */
  #withoutPadding(from: number, end: number): number {
    const to = end - (this.#reader.bytes[from - 1] as number)
    if (from <= end && to >= from) return to
    this.#protocolError('padding longer than its frame')
    return -1
  }

  #returnWindow(size: number): void {
    const session = this.#session
    this.#used += size
    if (this.#used * 2 < session.limits.connectionWindowBytes) return
    session.sender.writeWindowUpdate(0, this.#used)
    this.#window += this.#used
    this.#used = 0
  }

  /** Not while the stream's own answers wait for the client: it gets to send more when it has read some. */
  returnStreamWindow(stream: Http2Stream): void {
    const session = this.#session
    if (stream.isRemoteClosed || stream.isOver) return
    if (stream.queuedBytes >= session.limits.callQueueHighBytes) return
    const used = session.limits.streamWindowBytes - stream.receiveWindow
    if (used * 2 < session.limits.streamWindowBytes) return
    session.sender.writeWindowUpdate(stream.id, used)
    stream.receiveWindow += used
  }

  #onHeaders(): void {
    const { streamId, flags, bytes, start, end } = this.#reader
    if (streamId === 0) return this.#protocolError('HEADERS on stream 0')
    let from = start
    let to = end
    if ((flags & FLAG_PADDED) !== 0) {
      from = start + 1
      to = this.#withoutPadding(from, end)
      if (to < 0) return
    }
    if ((flags & FLAG_PRIORITY) !== 0) {
      from += PRIORITY_BYTES
      if (from > to) return this.#protocolError('HEADERS too short for its priority')
    }
    const endsStream = (flags & FLAG_END_STREAM) !== 0
    if ((flags & FLAG_END_HEADERS) !== 0) {
      this.#onHeaderBlock(streamId, bytes, from, to, endsStream)
      return
    }
    this.#block.open(streamId, endsStream)
    this.#block.append(bytes, from, to)
  }

  #onContinuation(): void {
    const session = this.#session
    const { streamId, flags, bytes, start, end } = this.#reader
    const block = this.#block
    if (!block.isOpen || streamId !== block.streamId) {
      return this.#protocolError('CONTINUATION out of place')
    }
    block.append(bytes, start, end)
    const { continuationCountMax, headerBlockBytesMax } = session.limits
    if (block.frameCount - 1 > continuationCountMax || block.length > headerBlockBytesMax) {
      return session.failForAbuse('continuation')
    }
    if ((flags & FLAG_END_HEADERS) === 0) return
    const length = block.length
    const whole = block.close()
    this.#onHeaderBlock(streamId, whole, 0, length, block.endsStream)
  }

  #onHeaderBlock(
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
    endsStream: boolean,
  ): void {
    const session = this.#session
    // Decoded whatever becomes of the stream: the dynamic table must stay in step (section 4.3).
    const head = this.#decoder.decode(bytes, start, end)
    session.counters.headerBlocksFromCache += this.#decoder.takeBlocksFromCache()
    if (head === null) return session.fail(ErrorCode.COMPRESSION_ERROR, this.#decoder.failure)
    const stream = session.streams.get(streamId)
    if (stream !== undefined) return this.#onTrailers(stream, head, endsStream)
    if (!this.#isIdle(streamId)) {
      const closedBy = session.recent.find(streamId)
      if (closedBy === CLOSED_BY_US) return session.countJunk()
      if (closedBy === CLOSED_BY_PEER) {
        return session.fail(ErrorCode.STREAM_CLOSED, 'HEADERS on a closed stream')
      }
      return this.#protocolError('stream numbers must grow')
    }
    if ((streamId & 1) === 0) return this.#protocolError('even stream number from a client')
    session.openStream(streamId, head, endsStream)
  }

  /** Section 8.1: a second header block ends the request. */
  #onTrailers(stream: Http2Stream, head: HeaderBlock, endsStream: boolean): void {
    const session = this.#session
    if (stream.isRemoteClosed) return session.failStream(stream, ErrorCode.STREAM_CLOSED)
    const first = head.fields[0]
    if (!endsStream || (first !== undefined && first.name.startsWith(':'))) {
      return session.failStream(stream, ErrorCode.PROTOCOL_ERROR)
    }
    stream.isRemoteClosed = true
    session.handler.onHalfClose(stream)
  }

  #onWindowUpdate(): void {
    const session = this.#session
    const { streamId, bytes, start, end } = this.#reader
    if (end - start !== WINDOW_UPDATE_BYTES) return this.#sizeError('WINDOW_UPDATE')
    const increment = readUint32(bytes, start) & WINDOW_BYTES_MAX
    if (streamId === 0) {
      if (increment === 0) return this.#protocolError('window increment of 0')
      if (!session.sender.widenConnection(increment)) {
        session.fail(ErrorCode.FLOW_CONTROL_ERROR, 'connection window above 2^31-1')
      }
      return
    }
    const stream = session.streams.get(streamId)
    if (stream === undefined) {
      if (this.#isIdle(streamId)) this.#protocolError('WINDOW_UPDATE on an idle stream')
      return
    }
    if (increment === 0) return session.failStream(stream, ErrorCode.PROTOCOL_ERROR)
    if (!session.sender.widenStream(stream, increment)) {
      return session.failStream(stream, ErrorCode.FLOW_CONTROL_ERROR)
    }
    session.sender.pump()
  }

  #onPing(): void {
    const { streamId, flags, bytes, start, end } = this.#reader
    if (end - start !== PING_BYTES) return this.#sizeError('PING')
    if (streamId !== 0) return this.#protocolError('PING on a stream')
    if ((flags & FLAG_ACK) !== 0) this.#session.onPingAck(bytes, start)
    else this.#session.onPing(bytes, start)
  }

  #onSettings(): void {
    const session = this.#session
    const { streamId, flags, start, end } = this.#reader
    if (streamId !== 0) return this.#protocolError('SETTINGS on a stream')
    if ((flags & FLAG_ACK) !== 0) {
      if (end > start) return this.#sizeError('SETTINGS acknowledgement')
      return session.countJunk()
    }
    if ((end - start) % SETTING_BYTES !== 0) return this.#sizeError('SETTINGS')
    if (session.countSettings()) return
    for (let at = start; at < end; at += SETTING_BYTES) {
      if (!this.#applySetting(at)) return
    }
    session.sender.writeSettingsAck()
    session.sender.pump()
    if (!this.#hasSettings) session.onHandshake()
    this.#hasSettings = true
  }

  #applySetting(at: number): boolean {
    const session = this.#session
    const id = readUint16(this.#reader.bytes, at)
    const value = readUint32(this.#reader.bytes, at + 2)
    const wrong = wrongSetting(id, value)
    if (wrong !== null) {
      session.fail(wrong.code, wrong.reason)
      return false
    }
    if (id !== SETTING_INITIAL_WINDOW_SIZE || session.moveStreamWindows(value)) return true
    session.fail(ErrorCode.FLOW_CONTROL_ERROR, 'stream window above 2^31-1')
    return false
  }

  #onRstStream(): void {
    const session = this.#session
    const { streamId, start, end } = this.#reader
    if (end - start !== RST_STREAM_BYTES) return this.#sizeError('RST_STREAM')
    if (streamId === 0) return this.#protocolError('RST_STREAM on stream 0')
    if (this.#isIdle(streamId)) return this.#protocolError('RST_STREAM on an idle stream')
    session.onReset(streamId)
  }

  #onPriority(): void {
    const session = this.#session
    const { streamId, start, end } = this.#reader
    if (streamId === 0) return this.#protocolError('PRIORITY on stream 0')
    if (end - start !== PRIORITY_BYTES) {
      const stream = session.streams.get(streamId)
      if (stream === undefined) return this.#sizeError('PRIORITY')
      return session.failStream(stream, ErrorCode.FRAME_SIZE_ERROR)
    }
    session.countJunk()
  }

  /** The client will open no more streams; those it has go on. */
  #onGoaway(): void {
    const { streamId, start, end } = this.#reader
    if (streamId !== 0) return this.#protocolError('GOAWAY on a stream')
    if (end - start < GOAWAY_BYTES_MIN) return this.#sizeError('GOAWAY')
    this.#session.countJunk()
  }

  #isIdle(streamId: number): boolean {
    return streamId > this.#session.lastStreamId
  }

  #protocolError(reason: string): void {
    this.#session.fail(ErrorCode.PROTOCOL_ERROR, reason)
  }

  #sizeError(what: string): void {
    this.#session.fail(ErrorCode.FRAME_SIZE_ERROR, `${what} of a wrong size`)
  }
}
