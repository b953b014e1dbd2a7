/** Single HTTP requests to other members' peer URLs: what members ask one another beside raft. */

import { readFileSync } from 'node:fs'
import { request as requestPlain, type IncomingHttpHeaders, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as requestTls } from 'node:https'
import type { TlsSide } from '../config/sections/tls-config.js'

export interface PeerRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** For the whole exchange. */
  readonly timeoutMs: number
}

export type PeerAnswer =
  | { readonly ok: true; readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer }
  | { readonly ok: false; readonly message: string }

/** Asks one peer URL. Never rejects. */
export type AskPeer = (url: string, request: PeerRequest) => Promise<PeerAnswer>

/** An answer that is longer is no answer of a member. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024

export function peerAsker(tls: TlsSide | null): AskPeer {
  return (url, request) => new Promise((resolve) => exchange(url, request, tls, resolve))
}

function exchange(
  url: string,
  { method, path, headers, body, timeoutMs }: PeerRequest,
  tls: TlsSide | null,
  resolve: (answer: PeerAnswer) => void,
): void {
  const refuse = (message: string): void => resolve({ ok: false, message: `${method} ${url}${path}: ${message}` })
  const isTls = url.startsWith('https:') || url.startsWith('unixs:')
  try {
    const options: RequestOptions = {
      ...addressOf(url), method, path, headers: { ...headers, 'Content-Length': body?.length ?? 0 }, agent: false,
      signal: AbortSignal.timeout(timeoutMs),
    }
    const sent = isTls ? requestTls({ ...options, ...clientTls(tls) }) : requestPlain(options)
    sent.on('error', (error) => refuse(error.name === 'AbortError' ? `no answer in ${timeoutMs} ms` : error.message))
    sent.on('response', (response) => collect(response, refuse, resolve))
    sent.end(body)
  } catch (error) {
    // A certificate that cannot be read, a URL that is none.
    refuse((error as Error).message)
  }
}

function collect(
  response: IncomingMessage,
  refuse: (message: string) => void,
  resolve: (answer: PeerAnswer) => void,
): void {
  const parts: Buffer[] = []
  let length = 0
  response.on('data', (part: Buffer) => {
    length += part.length
    parts.push(part)
    if (length > ANSWER_BYTES_MAX) response.destroy(new Error('the answer is too long'))
  })
  response.on('error', (error) => refuse(error.message))
  response.on('end', () => {
    resolve({ ok: true, status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) })
  })
}

function addressOf(url: string): RequestOptions {
  const unix = /^unixs?:\/\/(.*)$/.exec(url)
  if (unix !== null) return { socketPath: unix[1] as string }
  const { hostname, port } = new URL(url)
  return { host: hostname.replace(/^\[|\]$/g, ''), port }
}

/** The certificate that this member shows and whom it believes; a cluster of self-made certificates believes all. */
function clientTls(tls: TlsSide | null): Record<string, unknown> {
  if (tls === null) return {}
  const cert = tls.clientCertFile === '' ? tls.certFile : tls.clientCertFile
  const key = tls.clientKeyFile === '' ? tls.keyFile : tls.clientKeyFile
  return {
    cert: readFileSync(cert),
    key: readFileSync(key),
    ...(tls.trustedCaFile === '' ? {} : { ca: readFileSync(tls.trustedCaFile) }),
    ...(tls.isSelfSigned ? { rejectUnauthorized: false } : {}),
    minVersion: tls.minVersion,
    maxVersion: tls.maxVersion,
    ...(tls.ciphers === '' ? {} : { ciphers: tls.ciphers }),
  }
}
