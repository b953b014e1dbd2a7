/**
 * A WebSocket as an exchange: each text message of the client is a piece of the request's body, each line of the
 * answer is a text message. So a browser can hold a stream open in both directions.
 */

import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { RawData, WebSocket } from 'ws'
import { originOf } from '../listen/connection-origin.js'
import type { BodyReader, HttpExchange } from './http-exchange.js'

/** The two ways a browser, which cannot set header fields, may bring a token. */
const PROTOCOL_TOKEN = /^Bearer,\s*(\S+)$/i
const COOKIE_TOKEN = /(?:^|;)\s*token=([^;]+)/
/** The fields of the upgrade that are the request's as well. */
const FORWARDED: ReadonlySet<string> = new Set(['origin', 'referer'])
/** What may wait for the client to read; beyond it, the writer is told to stop. */
const QUEUE_BYTES_HIGH = 256 * 1024
const QUEUE_BYTES_LOW = 64 * 1024
/** What a piece of a message costs beside its octets: the package ws keeps a Buffer for each. */
const PIECE_BYTES = 256
/** Of a frame that says nothing to the service: two octets and the mask. */
const CONTROL_HEAD_BYTES = 6
const LF = 0x0a
const CLOSE_NORMAL = 1000

export class WebSocketExchange implements HttpExchange {
  readonly method = 'POST'
  readonly isMessageFramed = true
  isFull = false
  readonly #request: IncomingMessage
  readonly #socket: WebSocket
  #reader: BodyReader | null = null
  #isEnded = false
  /** Octets, and pieces of them, behind the last whole message. */
  #heldBytes = 0

  constructor(request: IncomingMessage, socket: WebSocket) {
    this.#request = request
    this.#socket = socket
    // Before ws hears them: a message that they complete is told within.
    request.socket.prependListener('data', this.#onOctets)
    socket.on('message', this.#onMessage)
    socket.on('ping', this.#onControl)
    socket.on('pong', this.#onControl)
    socket.on('close', this.#onClose)
    // What is wrong closes it; the reason is the client's own affair.
    socket.on('error', () => socket.terminate())
  }

  get target(): string {
    return this.#request.url ?? '/'
  }

  get authority(): string {
    return this.#request.headers.host ?? ''
  }

  get isEncrypted(): boolean {
    return (this.#request.socket as TLSSocket).encrypted === true
  }

  get certificateName(): string {
    return originOf(this.#request.socket).certificateName
  }

  get isClosed(): boolean {
    return this.#isEnded || this.#socket.readyState !== this.#socket.OPEN
  }

  get queuedBytes(): number {
    return this.#socket.bufferedAmount
  }

  header(name: string): string | undefined {
    const { headers } = this.#request
    if (name === 'authorization') {
      const ofProtocol = PROTOCOL_TOKEN.exec(headers['sec-websocket-protocol'] ?? '')?.[1]
      const token = ofProtocol ?? COOKIE_TOKEN.exec(headers.cookie ?? '')?.[1]
      return token === undefined ? undefined : `Bearer ${token}`
    }
    const value = FORWARDED.has(name) ? headers[name] : undefined
    return typeof value === 'object' ? value.join(', ') : value
  }

  headerFields(): readonly string[] {
    return []
  }

  /** An answer over a WebSocket has no header fields. */
  addHeaders(): void {}

  closeAfter(): void {}

  readBody(reader: BodyReader): void {
    this.#reader = reader
  }

  respond(_status: number, _contentType: string, body: Buffer | string): void {
    if (this.isClosed) return
    this.write(Buffer.from(body))
    this.end()
  }

  start(): void {}

  write(bytes: Buffer): void {
    if (this.isClosed) return
    let start = 0
    while (start < bytes.length) {
      const line = bytes.indexOf(LF, start)
      const end = line < 0 ? bytes.length : line
      if (end > start) this.#socket.send(bytes.subarray(start, end), { binary: false }, this.#onSent)
      start = end + 1
    }
    if (this.queuedBytes >= QUEUE_BYTES_HIGH) this.isFull = true
  }

  end(): void {
    if (this.isClosed) return
    this.#isEnded = true
    this.#socket.close(CLOSE_NORMAL)
  }

  destroy(): void {
    if (this.isClosed) return
    this.#isEnded = true
    this.#socket.terminate()
  }

  readonly #onOctets = (octets: Buffer): void => {
    this.#hold(this.#heldBytes + octets.length + PIECE_BYTES)
  }

  readonly #onMessage = (data: RawData): void => {
    this.#hold(0)
    // `ws` hands out one Buffer unless it is told otherwise.
    if (!this.isClosed) this.#reader?.onData(data as Buffer)
  }

  /** Such a frame may come between the pieces of a message, and leaves nothing behind. */
  readonly #onControl = (data: Buffer): void => {
    this.#hold(Math.max(0, this.#heldBytes - PIECE_BYTES - CONTROL_HEAD_BYTES - data.length))
  }

  #hold(bytes: number): void {
    this.#heldBytes = bytes
    if (!this.isClosed) this.#reader?.onHeld(bytes)
  }

  readonly #onSent = (): void => {
    if (!this.isFull || this.queuedBytes > QUEUE_BYTES_LOW) return
    this.isFull = false
    if (!this.isClosed) this.#reader?.onWritable()
  }

  readonly #onClose = (): void => {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#reader?.onClosed()
  }
}
