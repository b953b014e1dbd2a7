/** A request over HTTP/2 that is no gRPC call, on a stream of the same session. */

import {
  ErrorCode,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_DATA,
  FRAME_HEADER_BYTES,
  FRAME_HEADERS,
} from '../http2/frame-layout.js'
import { writeFrameHeader } from '../http2/frame-writer.js'
import { encodeHeaderBlock } from '../http2/hpack-encoder.js'
import type { HeaderField } from '../http2/hpack-static-table.js'
import type { RequestHead } from '../http2/request-head.js'
import type { Http2Session } from '../http2/session/http2-session.js'
import { Http2Stream } from '../http2/session/http2-stream.js'
import { NO_CONTENT_TYPE, type BodyReader, type HttpExchange } from './http-exchange.js'

/** Ends a stream whose headers have been sent. */
const END_FRAME: Buffer = frameOf(Buffer.alloc(0), FRAME_DATA, FLAG_END_STREAM)

export class Http2Exchange extends Http2Stream implements HttpExchange {
  readonly isMessageFramed = false
  readonly #head: RequestHead
  #reader: BodyReader | null = null
  #added: readonly string[] = []
  /** Octets of the body that the client still owes; Infinity when it announced none. */
  #bodyBytesLeft: number

  constructor(session: Http2Session, id: number, head: RequestHead) {
    super(session, id)
    this.#head = head
    this.#bodyBytesLeft = head.contentLength < 0 ? Infinity : head.contentLength
  }

  /** As it came in: what a client calls its scheme proves nothing. */
  get isEncrypted(): boolean {
    return this.session.origin.isSecure
  }

  get certificateName(): string {
    return this.session.origin.certificateName
  }

  get method(): string {
    return this.#head.method
  }

  get target(): string {
    return this.#head.path
  }

  get authority(): string {
    return this.#head.authority === '' ? (this.header('host') ?? '') : this.#head.authority
  }

  get isClosed(): boolean {
    return this.isOver || this.isLocalClosed
  }

  get isFull(): boolean {
    return this.wantsWritable
  }

  header(name: string): string | undefined {
    let joined: string | undefined
    for (const field of this.#head.fields) {
      if (field.name !== name) continue
      joined = joined === undefined ? field.value : `${joined}, ${field.value}`
    }
    return joined
  }

  headerFields(): readonly string[] {
    return this.#head.fields.flatMap(({ name, value }) => [name, value])
  }

  addHeaders(fields: readonly string[]): void {
    this.#added = [...this.#added, ...fields]
  }

  closeAfter(): void {}

  readBody(reader: BodyReader): void {
    this.#reader = reader
  }

  respond(status: number, contentType: string, body: Buffer | string): void {
    if (this.isClosed) return
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    this.addHeaders(['content-length', String(bytes.length)])
    this.start(status, contentType)
    if (this.method !== 'HEAD') this.write(bytes)
    this.end()
  }

  start(status: number, contentType: string): void {
    if (this.isClosed) return
    const fields: HeaderField[] = [{ name: ':status', value: String(status) }]
    if (contentType !== NO_CONTENT_TYPE) fields.push({ name: 'content-type', value: contentType })
    for (let at = 0; at < this.#added.length; at += 2) {
      fields.push({ name: (this.#added[at] as string).toLowerCase(), value: this.#added[at + 1] as string })
    }
    this.session.sender.writeHeaders(this.id, frameOf(encodeHeaderBlock(fields), FRAME_HEADERS, FLAG_END_HEADERS))
  }

  write(bytes: Buffer): void {
    if (!this.isClosed) this.session.sender.sendData(this, bytes, 0, bytes.length)
  }

  end(): void {
    if (!this.isClosed) this.session.sender.endStream(this, END_FRAME)
  }

  destroy(): void {
    if (!this.isClosed) this.session.resetStream(this, ErrorCode.INTERNAL_ERROR)
  }

  // What the session tells.

  onBody(bytes: Buffer, start: number, end: number): void {
    this.#bodyBytesLeft -= end - start
    if (this.#bodyBytesLeft < 0) return this.session.failStream(this, ErrorCode.PROTOCOL_ERROR)
    if (!this.isLocalClosed) this.#reader?.onData(bytes.subarray(start, end))
  }

  onBodyEnd(): void {
    if (this.#bodyBytesLeft !== Infinity && this.#bodyBytesLeft > 0) {
      return this.session.failStream(this, ErrorCode.PROTOCOL_ERROR)
    }
    if (!this.isLocalClosed) this.#reader?.onEnd()
  }

  onLost(): void {
    if (!this.isLocalClosed) this.#reader?.onClosed()
  }

  onWritable(): void {
    if (!this.isLocalClosed) this.#reader?.onWritable()
  }
}

function frameOf(payload: Buffer, type: number, flags: number): Buffer {
  const frame = Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + payload.length)
  frame.set(payload, writeFrameHeader(frame, 0, payload.length, type, flags, 0))
  return frame
}
