/**
 * One client's connection that speaks HTTP/1.1. Its requests are carried out one after the other, as etcd does: a later
 * one sees what those before it have done. What they are answered is written once a turn.
 */

import type { Socket } from 'node:net'
import type { Clock } from '../../base/clock.js'
import type { ConnectionOrigin } from '../listen/connection-origin.js'
import type { Flushable } from '../listen/http-carrier-socket.js'
import { IDLE_SECONDS, refusalOf, type AnswerHead, type AnswerHeads } from './answer-head.js'
import type { Http1Counters } from './http1-counters.js'
import { Http1Exchange, QUEUE_BYTES_HIGH, type ExchangeHost } from './http1-exchange.js'
import { OutputQueue } from './output-queue.js'
import type { RequestHead } from './request-head.js'
import { RequestReader, type RequestHost } from './request-reader.js'

/** The server, as a connection sees it. */
export interface ConnectionServer {
  readonly clock: Clock
  readonly heads: AnswerHeads
  readonly counters: Http1Counters
  readonly isClosing: boolean
  onActivity(): void
  /** There is something to flush; told once until flushed. */
  onDirty(connection: Http1Connection): void
  onExchange(exchange: Http1Exchange): void
  hasWebSocketAt(target: string): boolean
  admits(exchange: Http1Exchange): boolean
  /** This connection's part is over: a WebSocket is asked for with these octets. */
  onWebSocket(connection: Http1Connection, octets: Buffer): void
  onGone(connection: Http1Connection): void
}

/** From a request's first octet to the end of its head, and between two requests, as etcd has it. */
const PATIENCE_MS = IDLE_SECONDS * 1000
/** How long a client may take to hang up after its last answer, before the socket is cut. */
const LINGER_MS = 1000
/** Requests of one connection that are begun in one turn. */
const BEGUN_PER_TURN_MAX = 16
/** What may come while an answer is owed, before the client is not listened to any more. */
const HELD_BYTES_MAX = 64 * 1024
/** What is left of a body that nobody wants is read up to this, so that the connection can be kept. */
const DROPPED_BYTES_MAX = 256 * 1024
const COPIED_BYTES_MAX = 16 * 1024
const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n')

export class Http1Connection implements ExchangeHost, RequestHost, Flushable {
  readonly origin: ConnectionOrigin
  readonly #server: ConnectionServer
  readonly #socket: Socket
  readonly #reader = new RequestReader(this)
  readonly #output = new OutputQueue()
  #exchange: Http1Exchange | null = null
  #inFlightBytes = 0
  #dueMs: number
  #isDirty = false
  #isPaused = false
  #begun = 0
  #droppedBytes = 0
  /** The request came before the answer to the one before it had left. */
  #isBehind = false
  /** No request follows: what is queued is sent, and then the connection ends. */
  #isEnding = false
  #hasEnded = false
  #isGone = false

  constructor(server: ConnectionServer, socket: Socket, origin: ConnectionOrigin) {
    this.origin = origin
    this.#server = server
    this.#socket = socket
    this.#dueMs = server.clock.nowMs() + PATIENCE_MS
    // A client that has said all it has to say may still wait for what it is told in this turn.
    socket.allowHalfOpen = true
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
  }

  get socket(): Socket {
    return this.#socket
  }

  get queuedBytes(): number {
    return this.#output.bytes + this.#inFlightBytes
  }

  /** What has come already. */
  start(bytes: Buffer): void {
    this.#onData(bytes)
  }

  flush(): void {
    this.#isDirty = false
    this.#begun = 0
    if (this.#isGone || this.#socket.destroyed) return
    // One write at a time: what gathers meanwhile is bounded by who writes, and leaves when this one is done.
    if (this.#inFlightBytes === 0) this.#write()
    this.#goOn()
  }

  onDeadline(nowMs: number): void {
    if (nowMs < this.#dueMs) return
    if (this.#isEnding || this.#reader.isIdle) {
      this.#socket.destroy()
      return
    }
    // A head, or what is left of a body after its answer, has taken too long.
    if (this.#exchange !== null) this.#socket.destroy()
    else this.onRefused(408)
  }

  /** Ends at once when nothing is going on, else with the answer that is owed. */
  close(): void {
    if (this.#exchange === null && this.#reader.isIdle && this.queuedBytes === 0) this.#socket.destroy()
  }

  /** Its socket is others' from now on. */
  leave(): void {
    const socket = this.#socket
    this.#isGone = true
    socket.allowHalfOpen = false
    socket.removeListener('data', this.#onData)
    socket.removeListener('end', this.#onEnd)
    socket.removeListener('error', this.#onError)
    socket.removeListener('close', this.#onClose)
  }

  // What the reader tells.

  mayBegin(): boolean {
    if (this.#exchange !== null || this.#begun >= BEGUN_PER_TURN_MAX) return false
    return this.queuedBytes < QUEUE_BYTES_HIGH && !this.#socket.destroyed
  }

  onHead(head: RequestHead, octets: () => Buffer): boolean {
    const server = this.#server
    const isBehind = this.#isBehind || this.queuedBytes > 0
    this.#isBehind = true
    this.#begun++
    this.#dueMs = Infinity
    this.#droppedBytes = 0
    server.counters.requests++
    const exchange = new Http1Exchange(this, head)
    this.#exchange = exchange
    if (!head.asksWebSocket || !server.hasWebSocketAt(head.target)) {
      server.onExchange(exchange)
      return true
    }
    if (isBehind) {
      // An upgrade must wait for the answers before it; a client that does not is none to speak with.
      this.#socket.destroy()
      return false
    }
    exchange.closeAfter()
    if (!server.admits(exchange)) return false
    this.#exchange = null
    server.onWebSocket(this, octets())
    return false
  }

  onBody(bytes: Buffer): void {
    const exchange = this.#exchange
    if (exchange !== null && !exchange.isClosed) {
      exchange.onBody(bytes)
      return
    }
    this.#droppedBytes += bytes.length
    if (this.#droppedBytes > DROPPED_BYTES_MAX) this.#endConnection()
  }

  onBodyEnd(): void {
    this.#exchange?.onBodyEnd()
    this.#afterBody()
  }

  onWholeBody(bytes: Buffer): void {
    this.#exchange?.onWholeBody(bytes)
    this.#afterBody()
  }

  onRefused(status: number): void {
    this.#server.counters.refuse(status)
    const exchange = this.#exchange
    this.#exchange = null
    if (exchange !== null && exchange.hasStarted) {
      const isCut = !exchange.isClosed
      exchange.onConnectionGone()
      // Its request is being answered, or has been: nothing else can be said.
      if (isCut) this.#socket.destroy()
      else this.#endConnection()
      return
    }
    exchange?.onConnectionGone()
    this.send(refusalOf(status))
    this.#endConnection()
  }

  // What exchanges tell.

  mustClose(exchange: Http1Exchange): boolean {
    const hasMuchToDrop = this.#reader.bodyBytesOwed > DROPPED_BYTES_MAX
    return this.#server.isClosing || exchange.awaitsContinue || hasMuchToDrop
  }

  sendHead(head: AnswerHead, body?: Buffer): void {
    const { heads } = this.#server
    if (body === undefined || body.length <= COPIED_BYTES_MAX) {
      this.send(heads.write(head, body))
      return
    }
    this.send(heads.write(head))
    this.send(body)
  }

  send(bytes: Buffer): void {
    this.#output.push(bytes)
    this.#markDirty()
  }

  sendContinue(): void {
    this.send(CONTINUE)
  }

  onAnswerEnd(exchange: Http1Exchange): void {
    if (exchange.isLast) this.#endConnection()
    else if (this.#reader.hasWholeBody) this.#next()
    // The rest of the body is dropped.
    else this.#dueMs = this.#server.clock.nowMs() + PATIENCE_MS
  }

  cut(isSeenAsCut: boolean): void {
    const isTcp = !this.origin.isSecure && this.#socket.remoteAddress !== undefined
    if (isSeenAsCut && isTcp) this.#socket.resetAndDestroy()
    else this.#socket.destroy()
  }

  #afterBody(): void {
    if (this.#exchange?.isClosed === true) this.#next()
  }

  /** The request and its answer are over. */
  #next(): void {
    this.#exchange = null
    if (this.#isEnding) return
    this.#reader.next()
    this.#dueMs = this.#server.clock.nowMs() + PATIENCE_MS
    // What is held is begun with the next flush.
    if (this.#reader.heldBytes > 0) this.#markDirty()
  }

  #endConnection(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#exchange = null
    this.#reader.stop()
    this.#dueMs = this.#server.clock.nowMs() + PATIENCE_MS
    this.#markDirty()
    this.#listen()
  }

  #goOn(): void {
    if (this.#isEnding) {
      if (this.queuedBytes > 0 || this.#hasEnded) return
      this.#hasEnded = true
      this.#dueMs = this.#server.clock.nowMs() + LINGER_MS
      this.#socket.end()
      return
    }
    if (this.#server.isClosing) this.close()
    if (this.#reader.heldBytes === 0 || !this.mayBegin()) return
    this.#reader.resume()
    this.#afterReading()
  }

  #write(): void {
    const bytes = this.#output.bytes
    if (bytes === 0) return
    const pieces = this.#output.take()
    this.#inFlightBytes = bytes
    if (this.#isEnding) this.#dueMs = this.#server.clock.nowMs() + PATIENCE_MS
    const socket = this.#socket
    if (pieces.length === 1) {
      socket.write(pieces[0] as Buffer, this.#onWritten)
      return
    }
    socket.cork()
    const last = pieces.length - 1
    for (let i = 0; i < last; i++) socket.write(pieces[i] as Buffer)
    socket.write(pieces[last] as Buffer, this.#onWritten)
    socket.uncork()
  }

  #markDirty(): void {
    if (this.#isDirty || this.#isGone) return
    this.#isDirty = true
    this.#server.onDirty(this)
  }

  /** A client that sends more than it may is not listened to before its answers have left. */
  #listen(): void {
    const mustPause = this.#reader.heldBytes > HELD_BYTES_MAX
    if (mustPause === this.#isPaused) return
    this.#isPaused = mustPause
    if (mustPause) this.#socket.pause()
    else this.#socket.resume()
  }

  readonly #onData = (bytes: Buffer): void => {
    // What comes behind the last request is dropped.
    if (this.#isEnding) return
    if (this.#exchange === null && this.#reader.isIdle) {
      this.#isBehind = false
      // The first octet of a head.
      this.#dueMs = this.#server.clock.nowMs() + PATIENCE_MS
    }
    this.#reader.take(bytes)
    if (this.#isGone) return
    this.#afterReading()
    this.#server.onActivity()
  }

  #afterReading(): void {
    this.#listen()
    // Else it goes on when the answer is whole, or when what is queued has left.
    if (this.#reader.heldBytes > 0 && this.#begun >= BEGUN_PER_TURN_MAX) this.#markDirty()
  }

  readonly #onWritten = (): void => {
    this.#inFlightBytes = 0
    if (this.#isGone || this.#socket.destroyed) return
    this.#exchange?.onSent()
    if (this.#output.bytes > 0 || this.#isEnding || this.#reader.heldBytes > 0) this.#markDirty()
  }

  /** The client says no more. What it has not been told by now it does not hear. */
  readonly #onEnd = (): void => {
    this.#exchange?.onConnectionGone()
    this.#endConnection()
    if (this.#inFlightBytes === 0) this.flush()
  }

  /** 'close' follows and does what is to be done; the reason is the client's own affair. */
  readonly #onError = (): void => undefined

  readonly #onClose = (): void => {
    this.#isGone = true
    this.#reader.stop()
    this.#output.clear()
    this.#exchange?.onConnectionGone()
    this.#exchange = null
    this.#server.onGone(this)
  }
}
