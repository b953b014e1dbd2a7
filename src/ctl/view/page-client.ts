/** Asks a running server for its HTTP pages. */

import { readFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'

export interface PageServer {
  /** HOST:PORT or a URL: http, https, unix, unixs. */
  readonly endpoint: string
  readonly timeoutMs: number
  readonly caFile: string
  readonly certFile: string
  readonly keyFile: string
  readonly insecureSkipVerify: boolean
}

export interface Page {
  readonly status: number
  readonly body: Buffer
}

/** No page is larger; a profile of many threads has some ten million octets. */
const PAGE_BYTES_MAX = 512 * 1024 * 1024

export class PageClient {
  readonly endpoint: string
  readonly #isSecure: boolean
  readonly #base: RequestOptions

  /** Throws what the system says of a file that cannot be read. */
  constructor(server: PageServer) {
    const { scheme, address } = addressOf(server.endpoint)
    this.endpoint = server.endpoint
    this.#isSecure = scheme === 'https' || scheme === 'unixs' || (scheme === '' && server.caFile !== '')
    const tls = this.#isSecure
      ? {
          ...fileOption('ca', server.caFile),
          ...fileOption('cert', server.certFile),
          ...fileOption('key', server.keyFile),
          rejectUnauthorized: !server.insecureSkipVerify,
        }
      : {}
    this.#base = { ...targetOf(scheme, address), timeout: server.timeoutMs, ...tls }
  }

  /** Rejects when the server cannot be reached or says nothing for the time allowed, `waitMs` on top. */
  get(path: string, waitMs = 0): Promise<Page> {
    return new Promise((resolve, reject) => {
      const ask = this.#isSecure ? httpsRequest : httpRequest
      const timeout = (this.#base.timeout ?? 0) + waitMs
      const request = ask({ ...this.#base, path, timeout, agent: false }, (response) => {
        void collect(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject)
      })
      request.on('timeout', () => request.destroy(new Error(`${this.endpoint} does not answer`)))
      request.on('error', (error: NodeJS.ErrnoException) => reject(new Error(reasonOf(this.endpoint, error))))
      request.end()
    })
  }

  /** The text of a page that must be there. */
  async text(path: string, waitMs = 0): Promise<string> {
    const { status, body } = await this.get(path, waitMs)
    if (status === 200) return body.toString()
    throw new Error(`${this.endpoint}${path}: HTTP ${status} ${body.toString().trim().slice(0, 200)}`)
  }
}

async function collect(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > PAGE_BYTES_MAX) throw new Error('the page is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

export function addressOf(endpoint: string): { readonly scheme: string; readonly address: string } {
  const match = /^(?:(https?|unixs?):\/\/)?(.*)$/.exec(endpoint)
  return { scheme: match?.[1] ?? '', address: (match?.[2] ?? '').replace(/\/+$/, '') }
}

function targetOf(scheme: string, address: string): RequestOptions {
  if (scheme.startsWith('unix')) return { socketPath: `/${address.replace(/^\/+/, '')}` }
  const colon = address.lastIndexOf(':')
  const hasPort = colon > address.lastIndexOf(']')
  const host = hasPort ? address.slice(0, colon) : address
  return { host: host.replace(/^\[|\]$/g, ''), port: hasPort ? Number(address.slice(colon + 1)) : 2379 }
}

function fileOption(name: string, path: string): object {
  return path === '' ? {} : { [name]: readFileSync(path) }
}

function reasonOf(endpoint: string, { code, message }: NodeJS.ErrnoException): string {
  return code === undefined ? message : `cannot reach ${endpoint}: ${message === '' ? code : message}`
}
