/** URL lists of the listen and advertise flags, with etcd's rules for what may be bound and what may be advertised. */

import { isIP } from 'node:net'

export interface ListenUrl {
  readonly scheme: 'http' | 'https' | 'unix' | 'unixs'
  readonly host: string
  readonly port: number
  /** As given. */
  readonly text: string
}

export type UrlsResult =
  | { readonly ok: true; readonly urls: readonly ListenUrl[] }
  | { readonly ok: false; readonly message: string }

/** How a URL ends that takes any free port. */
export const ANY_PORT = /:0$/

export function hasAnyPort(urls: readonly string[]): boolean {
  return urls.some((url) => url.startsWith('http') && ANY_PORT.test(url))
}

/** Parses a comma-separated list; sorted and without duplicates, as etcd keeps them. */
export function parseUrls(list: string): UrlsResult {
  const urls: ListenUrl[] = []
  for (const text of [...new Set(list.split(',').map((part) => part.trim()))].sort()) {
    const parsed = parseUrl(text)
    if (typeof parsed === 'string') return { ok: false, message: parsed }
    urls.push(parsed)
  }
  return { ok: true, urls }
}

function parseUrl(text: string): ListenUrl | string {
  const match = /^([a-z]+):\/\/([^/]*)(\/.*)?$/.exec(text)
  if (match === null) return `URL scheme must be http, https, unix, or unixs: ${text}`
  const [, scheme, authority, path] = match
  if (scheme === 'unix' || scheme === 'unixs') {
    return { scheme, host: `${authority ?? ''}${path ?? ''}`, port: 0, text }
  }
  if (scheme !== 'http' && scheme !== 'https') {
    return `URL scheme must be http, https, unix, or unixs: ${text}`
  }
  if (path !== undefined && path !== '/') return `URL must not contain a path: ${text}`
  const address = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(authority ?? '')
  if (address === null) return `URL address does not have the form "host:port": ${text}`
  const port = Number(address[3])
  if (port > 65_535) return `URL port ${port} is out of range: ${text}`
  return { scheme, host: address[1] ?? address[2] ?? '', port, text: text.replace(/\/$/, '') }
}

/** The reason why this URL cannot be listened on, or null: a listener binds an address, not a name. */
export function bindProblem(url: ListenUrl): string | null {
  if (url.scheme === 'unix' || url.scheme === 'unixs') return null
  if (url.host === 'localhost' || isIP(url.host) !== 0) return null
  return `expected IP in URL for binding (${url.text})`
}
