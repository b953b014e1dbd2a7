/** A request of HTTP/1.1 and its answer, as octets of its connection. */

import type { ConnectionOrigin } from '../listen/connection-origin.js'
import type { BodyReader, HttpExchange } from '../http/http-exchange.js'
import { FRAMED_AS_CHUNKS, NOT_FRAMED, type AnswerHead } from './answer-head.js'
import { fieldOf, type RequestHead } from './request-head.js'

/** The connection, as an exchange sees it. */
export interface ExchangeHost {
  readonly origin: ConnectionOrigin
  readonly queuedBytes: number
  /** No request follows this one, whatever its head says. */
  mustClose(exchange: Http1Exchange): boolean
  sendHead(head: AnswerHead, body?: Buffer): void
  /** A piece of an answer that may lie in memory of others. */
  send(bytes: Buffer): void
  sendContinue(): void
  onAnswerEnd(exchange: Http1Exchange): void
  cut(isSeenAsCut: boolean): void
}

const NOTHING_ADDED: readonly string[] = Object.freeze([])
/** What may wait for the client to read; beyond it, the writer is told to stop. */
export const QUEUE_BYTES_HIGH = 256 * 1024
const QUEUE_BYTES_LOW = 64 * 1024
/** Larger pieces are not copied to stand in one with the octets around them. */
const COPIED_BYTES_MAX = 16 * 1024
const CRLF = Buffer.from('\r\n')
const LAST_CHUNK = Buffer.from('0\r\n\r\n')
const LOWEST_WITH_CONTENT = 200
const NO_CONTENT = 204

export class Http1Exchange implements HttpExchange {
  readonly isMessageFramed = false
  isFull = false
  /** The head of the answer has been sent. */
  hasStarted = false
  /** As the head of the answer says. */
  isLast = false
  /** The body must be asked for before it comes, and has not been. */
  awaitsContinue: boolean
  readonly head: RequestHead
  readonly #host: ExchangeHost
  #reader: BodyReader | null = null
  #added = NOTHING_ADDED
  #addedToo = NOTHING_ADDED
  #isClosed = false
  #isAskedToClose = false
  #isChunked = false

  constructor(host: ExchangeHost, head: RequestHead) {
    this.#host = host
    this.head = head
    this.awaitsContinue = head.expectsContinue
  }

  get method(): string {
    return this.head.method
  }

  get target(): string {
    return this.head.target
  }

  get authority(): string {
    return this.head.authority
  }

  get isEncrypted(): boolean {
    return this.#host.origin.isSecure
  }

  get certificateName(): string {
    return this.#host.origin.certificateName
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get queuedBytes(): number {
    return this.#host.queuedBytes
  }

  header(name: string): string | undefined {
    return fieldOf(this.head, name)
  }

  headerFields(): readonly string[] {
    return this.head.fields
  }

  addHeaders(fields: readonly string[]): void {
    if (this.#added.length === 0) this.#added = fields
    else if (this.#addedToo.length === 0) this.#addedToo = fields
    else this.#addedToo = [...this.#addedToo, ...fields]
  }

  closeAfter(): void {
    this.#isAskedToClose = true
  }

  readBody(reader: BodyReader): void {
    this.#reader = reader
    if (!this.awaitsContinue || this.#isClosed) return
    this.awaitsContinue = false
    this.#host.sendContinue()
  }

  respond(status: number, contentType: string, body: Buffer | string): void {
    if (this.#isClosed) return
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    const hasContent = mayHaveContent(status)
    const framing = hasContent ? bytes.length : NOT_FRAMED
    this.#sendHead(status, contentType, framing, hasContent && this.method !== 'HEAD' ? bytes : undefined)
    this.#end()
  }

  start(status: number, contentType: string): void {
    if (this.#isClosed) return
    const hasContent = mayHaveContent(status) && this.method !== 'HEAD'
    this.#isChunked = hasContent && !this.head.isOld
    // What ends with its connection is the last answer on it.
    if (hasContent && !this.#isChunked) this.#isAskedToClose = true
    this.#sendHead(status, contentType, this.#isChunked ? FRAMED_AS_CHUNKS : NOT_FRAMED)
  }

  write(bytes: Buffer): void {
    if (this.#isClosed || this.method === 'HEAD' || bytes.length === 0) return
    if (this.#isChunked) this.#sendChunk(bytes)
    else this.#host.send(bytes)
    if (this.queuedBytes >= QUEUE_BYTES_HIGH) this.isFull = true
  }

  end(): void {
    if (this.#isClosed) return
    if (this.#isChunked) this.#host.send(LAST_CHUNK)
    this.#end()
  }

  destroy(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    // Only where the end of a connection is the end of an answer must it look like none.
    this.#host.cut(this.hasStarted && !this.#isChunked)
  }

  // What the connection tells.

  onBody(bytes: Buffer): void {
    if (!this.#isClosed) this.#reader?.onData(bytes)
  }

  onBodyEnd(): void {
    if (!this.#isClosed) this.#reader?.onEnd()
  }

  /** All of the body at once. */
  onWholeBody(bytes: Buffer): void {
    if (!this.#isClosed) this.#reader?.onWhole(bytes)
  }

  onSent(): void {
    if (!this.isFull || this.queuedBytes > QUEUE_BYTES_LOW) return
    this.isFull = false
    if (!this.#isClosed) this.#reader?.onWritable()
  }

  onConnectionGone(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#reader?.onClosed()
  }

  #sendHead(status: number, contentType: string, framing: number, body?: Buffer): void {
    this.hasStarted = true
    this.isLast = this.#isAskedToClose || !this.head.keepsAlive || this.#host.mustClose(this)
    const head = { status, contentType, added: this.#added, addedToo: this.#addedToo, isLast: this.isLast, framing }
    this.#host.sendHead(head, body)
  }

  #sendChunk(bytes: Buffer): void {
    const size = `${bytes.length.toString(16)}\r\n`
    if (bytes.length > COPIED_BYTES_MAX) {
      this.#host.send(Buffer.from(size, 'latin1'))
      this.#host.send(bytes)
      this.#host.send(CRLF)
      return
    }
    const chunk = Buffer.allocUnsafe(size.length + bytes.length + CRLF.length)
    chunk.write(size, 'latin1')
    chunk.set(bytes, size.length)
    chunk.set(CRLF, size.length + bytes.length)
    this.#host.send(chunk)
  }

  #end(): void {
    this.#isClosed = true
    this.#host.onAnswerEnd(this)
  }
}

function mayHaveContent(status: number): boolean {
  return status >= LOWEST_WITH_CONTENT && status !== NO_CONTENT && status !== 304
}
