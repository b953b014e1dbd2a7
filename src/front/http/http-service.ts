/** Everything that is asked of the client port over HTTP and is not gRPC: who may ask, and who answers. */

import { GATEWAY_PREFIX, type JsonGateway } from '../gateway/json-gateway.js'
import type { HttpAccess } from './http-access.js'
import type { HttpAnswers } from '../http1/http1-server.js'
import { pathOf, TEXT_PLAIN, type HttpExchange } from './http-exchange.js'
import type { HttpPages } from './http-pages.js'

/** The name that the gateway's paths had before etcd 3.4; 3.7 still takes it. */
const OLD_PREFIX = '/v3beta/'

export class HttpService implements HttpAnswers {
  readonly #access: HttpAccess
  readonly #pages: HttpPages
  readonly #gateway: JsonGateway | null

  constructor(options: { access: HttpAccess; pages: HttpPages; gateway: JsonGateway | null }) {
    this.#access = options.access
    this.#pages = options.pages
    this.#gateway = options.gateway
  }

  /** Largest message of a WebSocket. */
  get messageBytesMax(): number {
    return this.#gateway?.bodyBytesMax ?? 0
  }

  hasWebSocketAt(target: string): boolean {
    const path = pathOf(target)
    return this.#gateway !== null && path !== null && newPathOf(path).startsWith(GATEWAY_PREFIX)
  }

  /** False when the request has been answered. */
  admits(exchange: HttpExchange): boolean {
    return this.#access.admit(exchange)
  }

  readonly onExchange = (exchange: HttpExchange): void => {
    if (!this.#access.admit(exchange)) return
    const asked = pathOf(exchange.target)
    if (asked === null) {
      exchange.respond(400, TEXT_PLAIN, '400 Bad Request\n')
      return
    }
    const path = newPathOf(asked)
    if (this.#gateway !== null && path.startsWith(GATEWAY_PREFIX)) this.#gateway.answer(exchange, path)
    else if (!this.#pages.answer(exchange, path)) exchange.respond(404, TEXT_PLAIN, '404 page not found\n')
  }

  wakeAtMs(): number {
    return this.#gateway === null ? Infinity : this.#gateway.wakeAtMs()
  }

  onDeadline(nowMs: number): void {
    this.#gateway?.onDeadline(nowMs)
  }
}

function newPathOf(path: string): string {
  return path.startsWith(OLD_PREFIX) ? GATEWAY_PREFIX + path.slice(OLD_PREFIX.length) : path
}
