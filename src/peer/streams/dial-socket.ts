/** Calls other members: upgrades to streams, and requests of other parts of this actor. */

import {
  request as plainRequest, type ClientRequest, type IncomingMessage, type RequestOptions,
} from 'node:http'
import { request as tlsRequest } from 'node:https'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { parseUrls, type ListenUrl } from '../../config/urls.js'
import { certificateProblem } from '../../listen/certificate-check.js'
import type { TlsMaterial } from '../../listen/tls-material-file.js'
import {
  acceptProblem, callFields, featuresOf, STREAM_PATH, upgradeFields, type OwnIdentity, type StreamKind,
} from './handshake.js'
import type { DialEvents } from './link.js'
import { StreamSocket } from './stream-socket.js'

export interface DialerOptions {
  readonly self: OwnIdentity
  /** Null without TLS between members; then an https URL is checked against the runtime's authorities. */
  readonly material: TlsMaterial | null
  /** Calls come from this address when it is named. */
  readonly localAddress: string | null
  /** A member says that this one was removed from the cluster. */
  readonly onGone: () => void
}

/** The text of a refusal that is repeated in the log. */
const REFUSAL_BYTES_MAX = 1024
const GONE = 410

export class Dialer {
  readonly #options: DialerOptions

  constructor(options: DialerOptions) {
    this.#options = options
  }

  /** Dials a stream; what is returned gives up. Events come later. */
  dialStream(to: bigint, kind: StreamKind, url: string, events: DialEvents): () => void {
    const { self, onGone } = this.#options
    const call = this.request(url, 'GET', `${STREAM_PATH}${kind}`, upgradeFields(self, to))
    let stream: StreamSocket | null = null
    call.on('error', (error) => {
      if (stream === null) events.onFailed(error.message)
    })
    call.on('response', (response) => {
      if (response.statusCode === GONE) onGone()
      void refusalOf(response).then((reason) => {
        call.destroy()
        events.onFailed(reason)
      })
    })
    call.on('upgrade', (response: IncomingMessage, socket: Duplex, head: Buffer) => {
      const problem = acceptProblem(response.headers, self, to) ?? this.#certificateProblem(socket)
      if (problem !== null) {
        socket.on('error', () => undefined)
        socket.destroy()
        events.onFailed(problem)
        return
      }
      stream = new StreamSocket(socket, head, { onData: events.onData, onClosed: events.onFailed })
      events.onOpen(stream, featuresOf(response.headers))
    })
    call.end()
    return () => call.destroy()
  }

  /** A request to a member; the caller ends it and listens to what becomes of it. */
  request(url: string, method: string, path: string, headers: Readonly<Record<string, string>> = {}): ClientRequest {
    const { self, material, localAddress } = this.#options
    const parsed = parseUrls(url)
    const target = parsed.ok ? parsed.urls[0] : undefined
    const options: RequestOptions = {
      method,
      path,
      headers: { ...callFields(self), ...headers },
      agent: false,
      ...(target === undefined ? {} : whereOf(target)),
      ...(localAddress === null ? {} : { localAddress }),
    }
    const isSecure = target?.scheme === 'https' || target?.scheme === 'unixs'
    if (!isSecure) return plainRequest(options)
    if (material === null) return tlsRequest(options)
    material.refresh()
    // What a member has made for itself nobody has signed.
    return tlsRequest({ ...options, ...material.outgoing, rejectUnauthorized: !material.config.isSelfSigned })
  }

  /** Names that are demanded of members are demanded of those that answer, too. */
  #certificateProblem(socket: Duplex): string | null {
    const { material } = this.#options
    if (material === null || !(socket instanceof TLSSocket)) return null
    const certificate = socket.getPeerX509Certificate()
    return certificate === undefined ? null : certificateProblem(certificate, material.config, material.revoked)
  }
}

function whereOf({ scheme, host, port }: ListenUrl): RequestOptions {
  return scheme === 'unix' || scheme === 'unixs' ? { socketPath: host } : { host, port }
}

async function refusalOf(response: IncomingMessage): Promise<string> {
  const { statusCode = 0 } = response
  let text = ''
  try {
    for await (const chunk of response) {
      text += String(chunk)
      if (text.length > REFUSAL_BYTES_MAX) break
    }
  } catch (error) {
    return `${statusCode}: ${(error as Error).message}`
  }
  return `${statusCode} ${text.slice(0, REFUSAL_BYTES_MAX).trim()}`
}

/** With the gate SetMemberLocalAddr: the first advertised address that others can see. */
export function localAddressOf(urls: readonly string[]): string | null {
  const parsed = parseUrls(urls.join(','))
  if (!parsed.ok) return null
  const hosts = parsed.urls.map(({ host }) => host)
  return hosts.find((host) => isIP(host) !== 0 && !/^(?:127\.|0\.0\.0\.0$|::1?$)/.test(host)) ?? null
}
