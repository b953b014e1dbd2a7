/** A listener that serves a few pages and nothing else, such as metrics and health. */

import { pathOf, TEXT_PLAIN, type HttpExchange } from './http-exchange.js'
import type { HttpAnswers } from '../http1/http1-server.js'

export class NarrowAnswers implements HttpAnswers {
  readonly messageBytesMax = 0
  readonly #answer: (exchange: HttpExchange, path: string) => boolean

  /** `answer` is false when there is no such page. */
  constructor(answer: (exchange: HttpExchange, path: string) => boolean) {
    this.#answer = answer
  }

  readonly onExchange = (exchange: HttpExchange): void => {
    const path = pathOf(exchange.target)
    if (path === null || !this.#answer(exchange, path)) notFound(exchange)
  }

  hasWebSocketAt(): boolean {
    return false
  }

  admits(): boolean {
    return true
  }
}

function notFound(exchange: HttpExchange): void {
  exchange.respond(404, TEXT_PLAIN, '404 page not found\n')
}
