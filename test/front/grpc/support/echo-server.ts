/** The whole client side of a front on a real port, with turns as the event-loop runner takes them. */

import { setImmediate as nextLoop } from 'node:timers/promises'
import type { Clock } from '../../../../src/base/clock.js'
import { systemClock } from '../../../../src/base/system-clock.js'
import { ClientListener, type ListenOptions } from '../../../../src/front/listen/client-socket.js'
import type { Listening } from '../../../../src/listen/door-control.js'
import type { Logger } from '../../../../src/metrics/logger.js'
import { throwingLogger } from '../../../support/throwing-logger.js'
import { Http1Server, type HttpAnswers } from '../../../../src/front/http1/http1-server.js'
import { GrpcServer } from '../../../../src/front/grpc/grpc-server.js'
import { Http2Counters } from '../../../../src/front/http2/session/http2-counters.js'
import { http2Limits, type Http2Limits } from '../../../../src/front/http2/session/http2-limits.js'
import { OutputPool } from '../../../../src/front/http2/session/output-pool.js'
import { EchoService } from './echo-service.js'

export interface EchoServerOptions {
  readonly port?: number
  /** Listens on another thread's descriptor instead. */
  readonly fd?: number
  readonly limits?: Partial<Http2Limits>
  readonly messageBytesMax?: number
  readonly connectionsMax?: number
  readonly handshakesMax?: number
  readonly listen?: Partial<ListenOptions>
  readonly logger?: Logger
  /** In place of answers that say what was asked. */
  readonly answers?: HttpAnswers
  readonly clock?: Clock
}

export class EchoServer {
  readonly service = new EchoService()
  readonly counters = new Http2Counters()
  readonly http: Http1Server
  readonly listener: ClientListener
  readonly #clock: Clock
  port = 0
  fd = -1
  #isTurnDue = false
  #timer: NodeJS.Timeout | null = null
  #onClosed: (() => void) | null = null

  constructor(options: EchoServerOptions = {}) {
    this.#clock = options.clock ?? systemClock
    const answers: HttpAnswers = {
      onExchange: (exchange) => {
        if (exchange.target !== '/slow') exchange.respond(200, 'text/plain', `${exchange.method} ${exchange.target}`)
      },
      messageBytesMax: 0,
      hasWebSocketAt: () => false,
      admits: () => true,
    }
    this.http = new Http1Server(options.answers ?? answers, this.#clock)
    this.listener = new ClientListener({
      clock: this.#clock,
      session: {
        limits: http2Limits(options.limits),
        counters: this.counters,
        pool: new OutputPool(),
        handler: new GrpcServer({ service: this.service, messageBytesMax: options.messageBytesMax ?? 2 ** 21 }),
      },
      carriers: { client: this.http },
      connectionsMax: options.connectionsMax ?? 10_000,
      onActivity: this.#requestTurn,
      ...(options.handshakesMax === undefined ? {} : { handshakesMax: options.handshakesMax }),
      logger: options.logger ?? throwingLogger,
    })
  }

  static async start(options: EchoServerOptions = {}): Promise<EchoServer> {
    const server = new EchoServer(options)
    const listen: ListenOptions = { role: 'client', ...options.listen }
    if (options.fd !== undefined) {
      await server.listener.listenOnDescriptor(options.fd, listen)
    } else {
      const address = { kind: 'tcp', host: '127.0.0.1', port: options.port ?? 0 } as const
      const { fd, port } = (await server.listener.listen(address, listen)) as Listening
      server.fd = fd
      server.port = port
    }
    return server
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Until all that has arrived by now was heard and a turn has been taken. */
  turn(): Promise<void> {
    this.#requestTurn()
    return nextLoop()
  }

  close(graceMs = 0): Promise<void> {
    this.listener.close(graceMs)
    return new Promise((resolve) => {
      this.#onClosed = resolve
      this.#requestTurn()
    })
  }

  readonly #requestTurn = (): void => {
    if (this.#isTurnDue) return
    this.#isTurnDue = true
    setImmediate(this.#turn)
  }

  readonly #turn = (): void => {
    this.#isTurnDue = false
    const nowMs = this.#clock.nowMs()
    this.listener.onDeadline(nowMs)
    this.listener.flush(nowMs)
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.listener.isClosed && this.#onClosed !== null) return this.#onClosed()
    const wakeAtMs = this.listener.wakeAtMs()
    if (wakeAtMs === Infinity) return
    this.#timer = setTimeout(this.#requestTurn, Math.max(0, Math.ceil(wakeAtMs - nowMs)))
  }
}
