/** A gRPC call on an HTTP/2 stream: a request costs this one object. */

import { assert } from '../../base/assert.js'
import { copyRange } from '../../base/copy-into.js'
import { writeUint32 } from '../http2/frame-writer.js'
import { ErrorCode, FRAME_PAYLOAD_BYTES_DEFAULT } from '../http2/frame-layout.js'
import type { Http2Session } from '../http2/session/http2-session.js'
import { Http2Stream } from '../http2/session/http2-stream.js'
import type { DueCall } from './call-deadlines.js'
import type { CallMeter } from './call-meter.js'
import type { GrpcCall } from './grpc-call.js'
import type { GrpcMetadata } from './grpc-metadata.js'
import type { GrpcRequestHead } from './grpc-request-head.js'
import { RESPONSE_HEADERS, refusalFrame, trailersFrame, trailersOnlyFrame } from './grpc-response-frames.js'
import type { PartialMessage } from './partial-message.js'

/** Flag and length in front of every message. */
export const MESSAGE_PREFIX_BYTES = 5
const FIRST_PIECE_BYTES_MAX = FRAME_PAYLOAD_BYTES_DEFAULT - MESSAGE_PREFIX_BYTES

const prefix = new Uint8Array(MESSAGE_PREFIX_BYTES)

export class GrpcStream extends Http2Stream implements GrpcCall, DueCall<GrpcStream> {
  readonly head: GrpcRequestHead
  readonly deadlineMs: number
  context: unknown = null
  readonly isInner = false
  meter: CallMeter | null = null
  /** When its head was heard. */
  readonly startedMs: number
  /** A message of which only the beginning has come. */
  partial: PartialMessage | null = null
  /** Octets of DATA that the client still owes by its content-length; Infinity when it announced none. */
  bodyBytesLeft: number
  /** Neighbours in the list of calls that are due together. */
  dueSlot = -1
  nextDue: GrpcStream | null = null
  previousDue: GrpcStream | null = null

  #hasSentHeaders = false
  /** Octets of a streamed message that are still to be written. */
  #streamedBytesLeft = 0

  constructor(session: Http2Session, id: number, head: GrpcRequestHead) {
    super(session, id)
    this.head = head
    this.startedMs = session.nowMs
    this.deadlineMs = session.nowMs + head.timeoutMs
    this.bodyBytesLeft = head.contentLength < 0 ? Infinity : head.contentLength
  }

  get method(): string {
    return this.head.method
  }

  get metadata(): GrpcMetadata {
    return this.head.metadata
  }

  get nowMs(): number {
    return this.session.nowMs
  }

  get certificateName(): string {
    return this.session.origin.certificateName
  }

  get output(): Buffer {
    return this.session.sender.bytes
  }

  sendHeaders(): void {
    if (this.isOver || this.#hasSentHeaders) return
    assert(!this.isLocalClosed, 'headers behind the end of a call')
    this.#hasSentHeaders = true
    this.session.sender.writeHeaders(this.id, RESPONSE_HEADERS)
  }

  reserveMessage(length: number): number {
    if (this.isOver || length > FIRST_PIECE_BYTES_MAX) return -1
    assert(!this.isLocalClosed && this.#streamedBytesLeft === 0, 'a message out of turn')
    const sender = this.session.sender
    const headers = this.#hasSentHeaders ? null : RESPONSE_HEADERS
    const at = sender.openData(this, headers, MESSAGE_PREFIX_BYTES + length)
    if (at < 0) return -1
    this.#hasSentHeaders = true
    this.session.counters.messagesOut++
    this.meter?.sent(length)
    const bytes = sender.bytes
    bytes[at] = 0
    return writeUint32(bytes, at + 1, length)
  }

  sendMessage(bytes: Uint8Array, start = 0, end = bytes.length): void {
    if (this.isOver) return
    const first = Math.min(end - start, FIRST_PIECE_BYTES_MAX)
    if (first === end - start) {
      const at = this.reserveMessage(first)
      if (at >= 0) {
        copyRange(this.output, at, bytes, start, end)
        return
      }
    }
    this.startStreamedMessage(end - start)
    this.writeChunk(bytes, start, end)
  }

  startStreamedMessage(totalLength: number): void {
    if (this.isOver) return
    assert(!this.isLocalClosed && this.#streamedBytesLeft === 0, 'a message out of turn')
    this.sendHeaders()
    this.#streamedBytesLeft = totalLength
    this.session.counters.messagesOut++
    this.meter?.sent(totalLength)
    prefix[0] = 0
    writeUint32(prefix, 1, totalLength)
    this.session.sender.sendData(this, prefix, 0, MESSAGE_PREFIX_BYTES)
  }

  writeChunk(bytes: Uint8Array, start: number, end: number): void {
    if (this.isOver) return
    this.#streamedBytesLeft -= end - start
    assert(this.#streamedBytesLeft >= 0, 'a streamed message is no longer than announced')
    this.session.sender.sendData(this, bytes, start, end)
  }

  /** The message travels percent-encoded. */
  finish(status: number, message: string): void {
    if (this.isOver) return
    assert(!this.isLocalClosed, 'a call ends once')
    assert(this.#streamedBytesLeft === 0, 'a call ends behind a whole message')
    this.countEnd(status)
    const frame = this.#hasSentHeaders ? trailersFrame(status, message) : trailersOnlyFrame(status, message)
    this.session.sender.endStream(this, frame)
  }

  /** The call ends with this status, whether the client hears it or not. Counted once. */
  countEnd(status: number): void {
    this.meter?.handled(status, this.startedMs)
    this.meter = null
  }

  abort(status: number, message: string): void {
    if (this.isOver) return
    if (this.sendQueue !== null || this.isLocalClosed || this.#streamedBytesLeft > 0) {
      this.countEnd(status)
      this.session.resetStream(this, ErrorCode.CANCEL)
      return
    }
    this.finish(status, message)
  }

  /** Ends a call that its service never saw. */
  refuse(): void {
    const refusal = this.head.refusal
    assert(refusal !== null, 'only a call with a refusal is refused')
    const { httpStatus, status, message, namesEncodings } = refusal
    this.session.sender.endStream(this, refusalFrame(httpStatus, status, message, namesEncodings))
  }
}
