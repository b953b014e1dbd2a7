/**
 * Turns the streams of all of a front's HTTP/2 sessions into gRPC calls: heads, messages, deadlines. What a client
 * does wrong is answered here, with the status and text that clients know from grpc-go; a service sees good calls only.
 */

import { assert } from '../../base/assert.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import { ErrorCode } from '../http2/frame-layout.js'
import { readUint32 } from '../http2/frame-reader.js'
import type { HeaderBlock } from '../http2/hpack-decoder.js'
import type { Http2Session } from '../http2/session/http2-session.js'
import type { Http2Stream, StreamHandler } from '../http2/session/http2-stream.js'
import { CallDeadlines } from './call-deadlines.js'
import type { GrpcService } from './grpc-call.js'
import { GrpcStream, MESSAGE_PREFIX_BYTES } from './grpc-stream.js'
import { inflate } from './grpc-compression.js'
import { RequestHeadReader } from './grpc-request-head.js'
import { PartialMessage } from './partial-message.js'

export interface GrpcServerOptions {
  readonly service: GrpcService
  /** Largest request message, compressed or not. */
  readonly messageBytesMax: number
  /** Memory for unfinished messages of all connections together; each has a bound of its own in its limits. */
  readonly heldBytesMax?: number
}

export class GrpcServer implements StreamHandler {
  readonly #service: GrpcService
  readonly #messageBytesMax: number
  readonly #heldBytesMax: number
  readonly #deadlines = new CallDeadlines<GrpcStream>()
  #heldBytes = 0

  constructor(options: GrpcServerOptions) {
    this.#service = options.service
    this.#messageBytesMax = options.messageBytesMax
    this.#heldBytesMax = options.heldBytesMax ?? HELD_BYTES_MAX_DEFAULT
  }

  wakeAtMs(): number {
    return this.#deadlines.wakeAtMs()
  }

  onDeadline(nowMs: number): void {
    this.#deadlines.expire(nowMs, this.#onCallDue)
  }

  openStream(session: Http2Session, streamId: number, block: HeaderBlock): GrpcStream | null {
    session.layerState ??= new RequestHeadReader()
    const head = (session.layerState as RequestHeadReader).read(block)
    return head === null ? null : new GrpcStream(session, streamId, head)
  }

  onStreamStart(stream: Http2Stream): void {
    const call = stream as GrpcStream
    if (call.head.refusal !== null) return call.refuse()
    const nowMs = call.session.nowMs
    if (call.deadlineMs !== Infinity) {
      if (call.deadlineMs <= nowMs) return call.finish(grpcStatus.deadlineExceeded, DEADLINE_TEXT)
      this.#deadlines.add(call, nowMs)
    }
    this.#service.onCallStart(call)
  }

  onData(stream: Http2Stream, bytes: Buffer, start: number, end: number): void {
    const call = stream as GrpcStream
    // The service has finished with it; only its queue is still on the way.
    if (call.isLocalClosed) return
    call.bodyBytesLeft -= end - start
    if (call.bodyBytesLeft < 0 || (call.isRemoteClosed && isShortBody(call))) {
      return call.session.failStream(call, ErrorCode.PROTOCOL_ERROR)
    }
    let at = start
    while (at < end && !call.isOver && !call.isLocalClosed) {
      at = call.partial === null ? this.#readWhole(call, bytes, at, end) : this.#readPartial(call, bytes, at, end)
    }
  }

  onHalfClose(stream: Http2Stream): void {
    const call = stream as GrpcStream
    if (call.isLocalClosed) return
    if (isShortBody(call)) return call.session.failStream(call, ErrorCode.PROTOCOL_ERROR)
    if (call.partial !== null) return this.#fail(call, grpcStatus.internal, 'unexpected EOF')
    this.#service.onHalfClose(call)
  }

  onStreamOver(stream: Http2Stream): void {
    const call = stream as GrpcStream
    this.#deadlines.remove(call)
    if (call.partial !== null) this.#dropPartial(call, call.partial)
  }

  onStreamLost(stream: Http2Stream, _isConnectionGone: boolean): void {
    if (stream.isLocalClosed) return
    const call = stream as GrpcStream
    if (call.session.isTooSlow) call.meter?.sendFailed()
    call.countEnd(grpcStatus.canceled)
    this.#service.onCancel(call)
  }

  onStreamWritable(stream: Http2Stream): void {
    if (!stream.isLocalClosed) this.#service.onWritable(stream as GrpcStream)
  }

  readonly #onCallDue = (call: GrpcStream): void => {
    this.#fail(call, grpcStatus.deadlineExceeded, DEADLINE_TEXT)
  }

  /** The common case: a message that lies whole in its frame is handed on where it lies. */
  #readWhole(call: GrpcStream, bytes: Buffer, start: number, end: number): number {
    const bodyAt = start + MESSAGE_PREFIX_BYTES
    if (bodyAt <= end) {
      const flag = bytes[start] as number
      const length = readUint32(bytes, start + 1)
      if (!this.#isPrefixGood(call, flag, length)) return end
      if (length <= end - bodyAt) {
        this.#deliver(call, flag, bytes, bodyAt, bodyAt + length)
        return bodyAt + length
      }
    }
    const partial = new PartialMessage()
    call.partial = partial
    this.#charge(call, partial.heldBytes)
    return start
  }

  #readPartial(call: GrpcStream, bytes: Buffer, start: number, end: number): number {
    const partial = call.partial as PartialMessage
    const session = call.session
    const heldBefore = partial.heldBytes
    const hadPrefix = partial.hasPrefix
    const at = partial.take(bytes, start, end)
    this.#charge(call, partial.heldBytes - heldBefore)
    if (session.heldBytes > session.limits.heldBytesMax || this.#heldBytes > this.#heldBytesMax) {
      this.#fail(call, grpcStatus.resourceExhausted, 'too many unfinished messages')
      return end
    }
    if (!hadPrefix && partial.hasPrefix) {
      if (!this.#isPrefixGood(call, partial.flag, partial.messageLength)) return end
      partial.expectMessage()
    }
    if (!partial.isWhole) return at
    this.#dropPartial(call, partial)
    this.#deliver(call, partial.flag, partial.bytes, MESSAGE_PREFIX_BYTES, partial.length)
    return at
  }

  #dropPartial(call: GrpcStream, partial: PartialMessage): void {
    call.partial = null
    this.#charge(call, -partial.heldBytes)
    assert(call.session.heldBytes >= 0, 'a connection is relieved of what it was charged with')
  }

  #charge(call: GrpcStream, bytes: number): void {
    call.session.heldBytes += bytes
    this.#heldBytes += bytes
  }

  #isPrefixGood(call: GrpcStream, flag: number, length: number): boolean {
    if (flag > 1) {
      this.#fail(call, grpcStatus.internal, `grpc: received unexpected payload format ${flag}`)
      return false
    }
    if (flag === 1 && call.head.encoding === 'identity') {
      this.#fail(call, grpcStatus.internal, 'grpc: compressed flag set with identity or empty encoding')
      return false
    }
    if (length > this.#messageBytesMax) {
      const text = `grpc: received message larger than max (${length} vs. ${this.#messageBytesMax})`
      this.#fail(call, grpcStatus.resourceExhausted, text)
      return false
    }
    return true
  }

  #deliver(call: GrpcStream, flag: number, bytes: Buffer, start: number, end: number): void {
    call.session.counters.messagesIn++
    if (flag === 0) return this.#service.onMessage(call, bytes, start, end)
    const inflated = inflate(bytes, start, end, this.#messageBytesMax)
    if (inflated.ok) return this.#service.onMessage(call, inflated.bytes, 0, inflated.bytes.length)
    if (inflated.code === 'too-large') {
      const text = `grpc: received message after decompression larger than max ${this.#messageBytesMax}`
      return this.#fail(call, grpcStatus.resourceExhausted, text)
    }
    this.#fail(call, grpcStatus.internal, `grpc: failed to decompress the received message: ${inflated.reason}`)
  }

  /** Answers in the service's place, and tells it. */
  #fail(call: GrpcStream, status: number, message: string): void {
    if (call.isOver) return
    const isFinished = call.isLocalClosed
    call.abort(status, message)
    assert(call.isOver, 'an aborted call is over')
    if (!isFinished) this.#service.onCancel(call)
  }
}

const HELD_BYTES_MAX_DEFAULT = 512 * 1024 * 1024
const DEADLINE_TEXT = 'context deadline exceeded'

/** True when the body ended before the length that was announced for it (RFC 9113 section 8.1.1). */
function isShortBody(call: GrpcStream): boolean {
  return call.bodyBytesLeft !== Infinity && call.bodyBytesLeft > 0
}
