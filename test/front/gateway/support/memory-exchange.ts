/** An exchange in memory: what is asked is given, what is answered can be looked at, and the queue fills when told. */

import type { BodyReader, HttpExchange } from '../../../../src/front/http/http-exchange.js'

export interface Asked {
  readonly method?: string
  readonly target?: string
  readonly authority?: string
  readonly isEncrypted?: boolean
  readonly isMessageFramed?: boolean
  readonly certificateName?: string
  readonly fields?: readonly string[]
}

export class MemoryExchange implements HttpExchange {
  readonly method: string
  readonly target: string
  readonly authority: string
  readonly isEncrypted: boolean
  readonly isMessageFramed: boolean
  readonly certificateName: string
  isClosed = false
  isFull = false
  isDestroyed = false
  isLast = false
  status = 0
  contentType = ''
  text = ''
  reader: BodyReader | null = null
  readonly added: string[] = []
  readonly #fields: readonly string[]

  constructor(asked: Asked = {}) {
    this.method = asked.method ?? 'POST'
    this.target = asked.target ?? '/v3/kv/put'
    this.authority = asked.authority ?? 'localhost:2379'
    this.isEncrypted = asked.isEncrypted ?? false
    this.isMessageFramed = asked.isMessageFramed ?? false
    this.certificateName = asked.certificateName ?? ''
    this.#fields = asked.fields ?? []
  }

  get queuedBytes(): number {
    return this.isFull ? 1 : 0
  }

  header(name: string): string | undefined {
    const at = this.#fields.findIndex((field, i) => i % 2 === 0 && field.toLowerCase() === name)
    return at < 0 ? undefined : this.#fields[at + 1]
  }

  headerFields(): readonly string[] {
    return this.#fields
  }

  addHeaders(fields: readonly string[]): void {
    this.added.push(...fields)
  }

  closeAfter(): void {
    this.isLast = true
  }

  readBody(reader: BodyReader): void {
    this.reader = reader
  }

  respond(status: number, contentType: string, body: Buffer | string): void {
    this.start(status, contentType)
    this.write(Buffer.from(body))
    this.end()
  }

  start(status: number, contentType: string): void {
    if (this.isClosed) return
    this.status = status
    this.contentType = contentType
  }

  write(bytes: Buffer): void {
    if (!this.isClosed) this.text += bytes.toString()
  }

  end(): void {
    this.isClosed = true
  }

  destroy(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.isDestroyed = true
  }

  /** The client sends a body, and nothing more. */
  send(body: string): void {
    this.reader?.onData(Buffer.from(body))
    this.reader?.onEnd()
  }

  /** The client hangs up. */
  leave(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.reader?.onClosed()
  }
}
