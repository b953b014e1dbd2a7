/** HTTP/1.1 on one kind of listener. It never listens by itself: the client listener hands it connections. */

import type { Socket } from 'node:net'
import { assert } from '../../base/assert.js'
import type { Clock } from '../../base/clock.js'
import type { HttpExchange } from '../http/http-exchange.js'
import { WebSocketServer } from '../http/web-socket-server.js'
import type { ConnectionOrigin } from '../listen/connection-origin.js'
import type { CarrierHost, HttpCarrier } from '../listen/http-carrier-socket.js'
import { AnswerHeads } from './answer-head.js'
import { Http1Connection, type ConnectionServer } from './http1-connection-socket.js'
import { Http1Counters } from './http1-counters.js'
import type { Http1Exchange } from './http1-exchange.js'

/** Who answers on a listener. */
export interface HttpAnswers {
  readonly onExchange: (exchange: HttpExchange) => void
  /** Largest message of a WebSocket. */
  readonly messageBytesMax: number
  /** Whether a WebSocket is taken at this target. An offer of one elsewhere is passed over, as any other. */
  hasWebSocketAt(target: string): boolean
  /** Whether this client may have it; if not, it has been answered. */
  admits(exchange: HttpExchange): boolean
}

export class Http1Server implements HttpCarrier, ConnectionServer {
  readonly clock: Clock
  readonly heads: AnswerHeads
  readonly counters: Http1Counters
  isClosing = false
  readonly #answers: HttpAnswers
  readonly #connections = new Set<Http1Connection>()
  #host: CarrierHost | null = null
  /** Built when the first is asked for: most servers never see one. */
  #webSockets: WebSocketServer | null = null

  constructor(answers: HttpAnswers, clock: Clock, counters: Http1Counters = new Http1Counters()) {
    this.#answers = answers
    this.clock = clock
    this.counters = counters
    this.heads = new AnswerHeads(clock)
  }

  // What the listener asks for.

  accept(host: CarrierHost, socket: Socket, origin: ConnectionOrigin, start: Buffer): void {
    this.#host = host
    const connection = new Http1Connection(this, socket, origin)
    this.#connections.add(connection)
    connection.start(start)
  }

  onDeadline(nowMs: number): void {
    for (const connection of this.#connections) connection.onDeadline(nowMs)
  }

  close(): void {
    this.isClosing = true
    for (const connection of this.#connections) connection.close()
  }

  // What connections tell.

  onActivity(): void {
    this.#theHost().onActivity()
  }

  onDirty(connection: Http1Connection): void {
    this.#theHost().onDirty(connection)
  }

  onExchange(exchange: Http1Exchange): void {
    this.#answers.onExchange(exchange)
  }

  hasWebSocketAt(target: string): boolean {
    return this.#answers.hasWebSocketAt(target)
  }

  admits(exchange: Http1Exchange): boolean {
    return this.#answers.admits(exchange)
  }

  onWebSocket(connection: Http1Connection, octets: Buffer): void {
    const { socket, origin } = connection
    connection.leave()
    this.#connections.delete(connection)
    this.#webSockets ??= new WebSocketServer(this.#answers.messageBytesMax, this.#answers.onExchange)
    this.#webSockets.take(socket, origin, octets)
  }

  onGone(connection: Http1Connection): void {
    this.#connections.delete(connection)
    this.onActivity()
  }

  #theHost(): CarrierHost {
    assert(this.#host !== null, 'a connection comes from a listener')
    return this.#host
  }
}
