/**
 * A call that came as JSON over HTTP. A service sees a call like any other; its protobuf messages become JSON text
 * here, on the way out:
 *
 *   unary       {"header":...}                              one answer of known length
 *   stream      {"result":{...}}\n ... {"error":{...}}\n    a line for each message
 *
 * A message that is announced in pieces is gathered while it is small. A large one is turned into text field by
 * field as it comes, so that a long range never lies in memory; its answer can then only be whole or cut off.
 */

import { assert } from '../../base/assert.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import { JsonWriter } from '../../proto/json/json-writer.js'
import type { DueCall } from '../grpc/call-deadlines.js'
import type { CallMeter } from '../grpc/call-meter.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import type { GrpcMetadata } from '../grpc/grpc-metadata.js'
import type { HttpExchange } from '../http/http-exchange.js'
import { APPLICATION_JSON, errorLine, GRPC_FIELDS, respondError, respondJson } from './gateway-answers.js'
import type { GatewayRoute } from './gateway-routes.js'
import { wholeFieldsEnd } from './whole-fields.js'

/** What the calls of one front share. */
export interface JsonCallHost {
  readonly writer: JsonWriter
  /** Where services put messages that they reserved room for. */
  readonly scratch: Buffer
  /** The call sends no more. */
  onCallOver(call: JsonCall): void
}

/** Messages up to this are gathered before they are written. */
const GATHERED_BYTES_MAX = 256 * 1024
/** Text of a large message that is handed on at once. */
const TEXT_BYTES_WANTED = 64 * 1024
const RESULT_OPEN = Buffer.from('{"result":')
const RESULT_CLOSE = Buffer.from('}\n')

/** A message of which only the beginning has come. */
interface Streamed {
  bytesLeft: number
  /** What has come of it and is not written yet: bytes[0, length). */
  bytes: Buffer
  length: number
  /** Null while it is gathered. Its own, because other answers are written between its pieces. */
  readonly writer: JsonWriter | null
}

export class JsonCall implements GrpcCall, DueCall<JsonCall> {
  readonly route: GatewayRoute
  readonly exchange: HttpExchange
  readonly metadata: GrpcMetadata
  /** As in etcd, a certificate's name counts for nothing here. */
  readonly certificateName = ''
  readonly deadlineMs: number
  nowMs: number
  context: unknown = null
  readonly isInner = false
  meter: CallMeter | null = null
  isOver = false
  isLocalClosed = false
  dueSlot = -1
  nextDue: JsonCall | null = null
  previousDue: JsonCall | null = null

  readonly #host: JsonCallHost
  readonly #request: { stop(): void }
  readonly #isStream: boolean
  readonly #startedMs: number
  /** Octets of the message in the host's scratch buffer; -1 if there is none. */
  #reserved = -1
  /** A unary call's answer, as JSON. */
  #body: Buffer | null = null
  #streamed: Streamed | null = null
  /** The answer has begun: from now on an error can only be told in its last line, or by cutting it off. */
  #hasStarted = false

  constructor(host: JsonCallHost, route: GatewayRoute, exchange: HttpExchange, head: {
    readonly metadata: GrpcMetadata
    readonly nowMs: number
    readonly deadlineMs: number
    readonly request: { stop(): void }
  }) {
    this.#host = host
    this.route = route
    this.exchange = exchange
    this.metadata = head.metadata
    this.nowMs = head.nowMs
    this.#startedMs = head.nowMs
    this.deadlineMs = head.deadlineMs
    this.#request = head.request
    this.#isStream = route.streaming !== 'unary'
  }

  get method(): string {
    return this.route.method
  }

  get output(): Buffer {
    return this.#host.scratch
  }

  get wantsWritable(): boolean {
    return this.exchange.isFull
  }

  get queuedBytes(): number {
    return this.exchange.queuedBytes
  }

  /** The status of an answer is known with its first message: the head waits for that. */
  sendHeaders(): void {}

  reserveMessage(length: number): number {
    if (this.isOver || this.#isStream || length > this.#host.scratch.length) return -1
    assert(this.#reserved < 0 && this.#streamed === null && this.#body === null, 'a message out of turn')
    this.#reserved = length
    this.meter?.sent(length)
    return 0
  }

  sendMessage(bytes: Uint8Array, start = 0, end = bytes.length): void {
    if (this.isOver) return
    assert(!this.isLocalClosed && this.#streamed === null && this.#reserved < 0, 'a message out of turn')
    this.meter?.sent(end - start)
    this.#write(bufferOf(bytes), start, end)
  }

  startStreamedMessage(totalLength: number): void {
    if (this.isOver) return
    assert(!this.isLocalClosed && this.#streamed === null && this.#reserved < 0, 'a message out of turn')
    this.meter?.sent(totalLength)
    const isGathered = totalLength <= GATHERED_BYTES_MAX
    const bytes = Buffer.allocUnsafe(isGathered ? totalLength : 0)
    const writer = isGathered ? null : new JsonWriter()
    if (writer !== null) {
      if (this.#isStream) writer.raw(RESULT_OPEN)
      writer.begin()
    }
    this.#streamed = { bytesLeft: totalLength, bytes, length: 0, writer }
  }

  writeChunk(bytes: Uint8Array, start: number, end: number): void {
    if (this.isOver) return
    const streamed = this.#streamed
    assert(streamed !== null, 'a piece belongs to a message')
    streamed.bytesLeft -= end - start
    assert(streamed.bytesLeft >= 0, 'a streamed message is no longer than announced')
    if (streamed.writer !== null) return this.#writePiece(streamed, streamed.writer, bytes.subarray(start, end))
    streamed.bytes.set(bytes.subarray(start, end), streamed.length)
    streamed.length += end - start
    if (streamed.bytesLeft > 0) return
    this.#streamed = null
    this.#write(streamed.bytes, 0, streamed.length)
  }

  finish(status: number, message: string): void {
    if (this.isOver) return
    assert(!this.isLocalClosed, 'a call ends once')
    assert(this.#streamed === null, 'a call ends behind a whole message')
    this.isLocalClosed = true
    this.#countEnd(status)
    if (this.#reserved >= 0) this.#writeReserved()
    if (status === grpcStatus.ok) this.#finishWell()
    else if (!this.#hasStarted) respondError(this.exchange, status, message, this.#isStream)
    else if (this.#isStream) this.#endWith(errorLine(status, message))
    else this.exchange.destroy()
    this.#leave()
  }

  abort(status: number, message: string): void {
    if (this.isOver) return
    if (this.#streamed !== null || this.exchange.isFull) {
      this.#streamed = null
      this.isLocalClosed = true
      this.#countEnd(status)
      this.exchange.destroy()
      this.#leave()
      return
    }
    this.finish(status, message)
  }

  /** The client has gone, or was answered in the service's place. */
  leave(): void {
    if (this.isOver) return
    this.#countEnd(grpcStatus.canceled)
    this.#leave()
  }

  #countEnd(status: number): void {
    this.meter?.handled(status, this.#startedMs)
    this.meter = null
  }

  #leave(): void {
    this.isOver = true
    this.#request.stop()
    this.#host.onCallOver(this)
  }

  #finishWell(): void {
    if (this.#isStream || this.#hasStarted) {
      if (!this.#hasStarted) this.#start()
      this.exchange.end()
      return
    }
    assert(this.#body !== null, 'a unary call that ends well has answered')
    respondJson(this.exchange, this.#body)
  }

  #writeReserved(): void {
    const length = this.#reserved
    this.#reserved = -1
    this.#write(this.#host.scratch, 0, length)
  }

  /** One whole message. */
  #write(bytes: Buffer, start: number, end: number): void {
    const { writer } = this.#host
    writer.reset()
    if (this.#isStream) writer.raw(RESULT_OPEN)
    writer.message(this.route.response, bytes, start, end)
    if (!this.#isStream) {
      assert(this.#body === null, 'a unary call has one answer')
      this.#body = textOf(writer)
      return
    }
    writer.raw(RESULT_CLOSE)
    this.#send(textOf(writer))
  }

  #writePiece(streamed: Streamed, writer: JsonWriter, piece: Uint8Array): void {
    const bytes = streamed.length === 0 ? bufferOf(piece) : Buffer.concat([streamed.bytes, piece])
    const whole = wholeFieldsEnd(bytes, 0, bytes.length)
    writer.fields(this.route.response, bytes, 0, whole)
    streamed.bytes = Buffer.from(bytes.subarray(whole))
    streamed.length = streamed.bytes.length
    const isLast = streamed.bytesLeft === 0
    if (isLast) {
      assert(streamed.length === 0, 'a message ends with a whole field')
      writer.finish()
      if (this.#isStream) writer.raw(RESULT_CLOSE)
      this.#streamed = null
    }
    if (!isLast && writer.length < TEXT_BYTES_WANTED) return
    this.#send(textOf(writer))
    writer.reset()
  }

  #send(text: Buffer): void {
    if (!this.#hasStarted) this.#start()
    this.exchange.write(text)
  }

  #start(): void {
    this.#hasStarted = true
    this.exchange.addHeaders(GRPC_FIELDS)
    this.exchange.start(200, APPLICATION_JSON)
  }

  #endWith(line: string): void {
    this.exchange.write(Buffer.from(line))
    this.exchange.end()
  }
}

function textOf(writer: JsonWriter): Buffer {
  return Buffer.from(writer.bytes.subarray(0, writer.length))
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
