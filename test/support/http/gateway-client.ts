/** Talks to a JSON gateway over HTTP/1.1, closer to the wire than `fetch` does. */

import { once } from 'node:events'
import { request as httpRequest, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { LineReader } from './line-reader.js'

export interface RawHttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
}

export function b64(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** What stands at a path such as `result.events.0.kv` in parsed JSON; undefined when there is nothing. */
export function pick(json: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => {
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
  }, json)
}

export async function rawPost(
  endpoint: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string | Buffer,
): Promise<RawHttpAnswer> {
  const request = open(endpoint, path, headers)
  // A server that has heard enough may answer and close before all is sent.
  request.on('error', () => undefined)
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) }
}

/** One call and its answer, parsed. */
export async function gatewayCall(
  endpoint: string,
  path: string,
  body: object | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly json: unknown }> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const { status, bytes } = await rawPost(endpoint, path, headers, text)
  return { status, json: JSON.parse(bytes.toString()) as unknown }
}

/** A request whose body stays open while its answer is read. */
export class GatewayStream {
  readonly #request: ClientRequest
  readonly #lines = new LineReader()

  constructor(endpoint: string, path: string) {
    this.#request = open(endpoint, path, {})
    this.#request.on('response', (response) => {
      response.setEncoding('utf8')
      response.on('data', (text: string) => this.#lines.push(text))
      response.on('close', () => this.#lines.end())
      // A cut is an end like any other to whoever reads lines.
      response.on('error', () => undefined)
    })
    this.#request.on('error', () => this.#lines.end())
    this.#request.flushHeaders()
  }

  write(message: unknown): void {
    this.#request.write(JSON.stringify(message))
  }

  async line(): Promise<unknown> {
    return JSON.parse(await this.#lines.next()) as unknown
  }

  /** No more requests. */
  end(): void {
    this.#request.end()
  }

  /** What came behind the last line that was read, once the answer has ended. */
  async rest(): Promise<string> {
    return await this.#lines.rest()
  }

  destroy(): void {
    this.#request.destroy()
  }
}

/** Sends all requests in one piece and returns the text that came back until it is asked to be the last. */
export async function pipelined(
  endpoint: string,
  requests: readonly { readonly path: string; readonly body: object }[],
): Promise<string> {
  const [host = '', port = ''] = endpoint.split(':')
  const socket = connect(Number(port), host)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.write(
    requests.map(({ path, body }, i) => {
      const text = JSON.stringify(body)
      const close = i === requests.length - 1 ? 'connection: close\r\n' : ''
      return `POST ${path} HTTP/1.1\r\nhost: x\r\n${close}content-length: ${text.length}\r\n\r\n${text}`
    }).join(''),
  )
  await once(socket, 'close')
  return Buffer.concat(chunks).toString()
}

function open(endpoint: string, path: string, headers: Readonly<Record<string, string>>): ClientRequest {
  const [host, port] = endpoint.split(':')
  return httpRequest({ host, port, path, method: 'POST', headers, agent: false })
}
