/** Which addresses this member listens on, what each serves and whether it speaks TLS, by etcd's rules. */

import type { OptionReader } from '../option-values.js'
import type { ListenUrl } from '../urls.js'
import type { Findings } from './findings.js'
import type { TlsConfig, TlsSide } from './tls-config.js'

/**
 * What a listener serves: gRPC and HTTP, gRPC alone, HTTP alone, the health and metrics paths alone, or what other
 * members ask for.
 */
export type ListenerRole = 'client' | 'grpc' | 'http' | 'metrics' | 'peer'

export interface Listener {
  readonly role: ListenerRole
  /** The first one given for this address; others may differ in scheme. */
  readonly url: ListenUrl
  readonly isPlain: boolean
  readonly isTls: boolean
}

type ListenerUrls = Readonly<Record<'client' | 'clientHttp' | 'metrics' | 'peer', readonly ListenUrl[]>>

export function concludeListeners(options: OptionReader, tls: TlsConfig, findings: Findings): readonly Listener[] {
  const { clientTls, peerTls } = tls
  const urls: ListenerUrls = {
    client: options.urls('listen-client-urls'),
    clientHttp: options.urls('listen-client-http-urls'),
    metrics: options.urls('listen-metrics-urls'),
    peer: options.urls('listen-peer-urls'),
  }
  const problem = clientProblem(urls, clientTls) ?? peerProblem(urls.peer, peerTls)
  if (problem !== null) findings.problems.push(problem)
  findings.warnings.push(
    ...plainWarnings(options, clientTls, urls.client.concat(urls.clientHttp), 'client'),
    ...plainWarnings(options, peerTls, urls.peer, 'peer'),
  )
  return [
    ...grouped(urls.clientHttp.length > 0 ? 'grpc' : 'client', urls.client),
    ...grouped('http', urls.clientHttp),
    ...grouped('metrics', urls.metrics),
    ...grouped('peer', urls.peer),
  ]
}

export function isSecure(url: ListenUrl): boolean {
  return url.scheme === 'https' || url.scheme === 'unixs'
}

/** One address in both forms is one: a unix socket is its path. */
export function addressOf(url: ListenUrl): string {
  return url.scheme === 'unix' || url.scheme === 'unixs' ? url.host : `${url.host}:${url.port}`
}

function clientProblem(urls: ListenerUrls, tls: TlsSide | null): string | null {
  for (const url of [...urls.client, ...urls.clientHttp]) {
    if (isSecure(url) && tls === null) {
      return `TLS key/cert (--cert-file, --key-file) must be provided for client url ${url.text} with HTTPS scheme`
    }
  }
  const taken = new Set(urls.client.filter((url) => url.port !== 0 || isUnix(url)).map(addressOf))
  for (const url of urls.clientHttp) {
    if (!taken.has(addressOf(url))) continue
    return `cannot bind both --listen-client-urls and --listen-client-http-urls on the same url ${url.text}`
  }
  if (urls.metrics.some(isSecure) && tls === null) {
    return 'client TLS key/cert (--cert-file, --key-file) must be provided for metrics secure url'
  }
  return null
}

function peerProblem(urls: readonly ListenUrl[], tls: TlsSide | null): string | null {
  const secure = urls.find(isSecure)
  if (secure === undefined || tls !== null) return null
  return `cannot listen on TLS for ${addressOf(secure)}: KeyFile and CertFile are not presented`
}

function isUnix(url: ListenUrl): boolean {
  return url.scheme === 'unix' || url.scheme === 'unixs'
}

/** A port given with http and https answers both: the first octet of a connection tells. */
function grouped(role: ListenerRole, urls: readonly ListenUrl[]): Listener[] {
  const listeners = new Map<string, Listener>()
  for (const url of urls) {
    const isAny = url.port === 0 && !isUnix(url)
    const key = isAny ? url.text : addressOf(url)
    const known = listeners.get(key)
    listeners.set(key, {
      role,
      url: known?.url ?? url,
      isPlain: known?.isPlain === true || !isSecure(url),
      isTls: known?.isTls === true || isSecure(url),
    })
  }
  return [...listeners.values()]
}

function plainWarnings(
  options: OptionReader,
  tls: TlsSide | null,
  urls: readonly ListenUrl[],
  side: 'client' | 'peer',
): string[] {
  const warnings: string[] = []
  const flag = side === 'client' ? 'client-cert-auth' : 'peer-client-cert-auth'
  for (const url of urls) {
    if (isSecure(url)) continue
    const where = `${side}-url ${url.text}`
    if (tls !== null) {
      const ignored = 'ignoring key and cert files'
      warnings.push(`scheme is http or unix while key and cert files are present; ${ignored}: ${where}`)
    }
    if (options.isTrue(flag)) {
      warnings.push(`scheme is HTTP while --${flag} is enabled; ignoring client cert auth for this URL: ${where}`)
    }
  }
  return warnings
}
