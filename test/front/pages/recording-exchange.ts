/** An exchange without a connection: keeps what it was answered. */

import type { HttpExchange } from '../../../src/front/http/http-exchange.js'

export class RecordingExchange implements HttpExchange {
  readonly method: string
  readonly target: string
  readonly authority = '127.0.0.1:2379'
  readonly isEncrypted = false
  readonly certificateName = ''
  readonly isMessageFramed = false
  readonly isFull = false
  readonly queuedBytes = 0
  readonly fields: string[] = []
  /** Status and body of the answer; null before there is one. */
  answer: string | null = null

  constructor(target: string, method = 'GET') {
    this.target = target
    this.method = method
  }

  get isClosed(): boolean {
    return this.answer !== null
  }

  header(): undefined {
    return undefined
  }

  headerFields(): readonly string[] {
    return []
  }

  addHeaders(fields: readonly string[]): void {
    this.fields.push(...fields)
  }

  readBody(): void {}

  respond(status: number, _contentType: string, body: Buffer | string): void {
    this.answer = `${status} ${body.toString()}`
  }

  start(): void {}

  write(): void {}

  end(): void {}

  destroy(): void {}

  closeAfter(): void {}
}
