/** Short answers in the form that Go's net/http gives them, which is what etcd's clients have seen so far. */

import { TEXT_PLAIN, type HttpExchange } from '../http/http-exchange.js'

const NO_SNIFFING = ['X-Content-Type-Options', 'nosniff']

/** An error as text; a line feed follows it. */
export function respondError(exchange: HttpExchange, status: number, text: string): void {
  exchange.addHeaders(NO_SNIFFING)
  exchange.respond(status, TEXT_PLAIN, `${text}\n`)
}

export function respondText(exchange: HttpExchange, text: string): void {
  exchange.addHeaders(NO_SNIFFING)
  exchange.respond(200, TEXT_PLAIN, text)
}

/** False after a refusal of any method but GET. */
export function allowsGet(exchange: HttpExchange): boolean {
  if (exchange.method === 'GET') return true
  exchange.addHeaders(['Allow', 'GET'])
  respondError(exchange, 405, 'Method Not Allowed')
  return false
}
