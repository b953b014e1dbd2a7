/**
 * Who may ask over HTTP: host names that plain requests must call us by, and origins whose pages browsers may let ask.
 */

import { NO_CONTENT_TYPE, TEXT_PLAIN, type HttpExchange } from './http-exchange.js'

export interface HttpAccessOptions {
  /** `*` in either list is everyone. */
  readonly corsOrigins: readonly string[]
  readonly hostWhitelist: readonly string[]
  /** True while the names of certificates are names of users, which they are not by way of the gateway. */
  readonly areNamesUsers?: () => boolean
}

const EVERYONE = '*'
const GATEWAY_PATHS = /^\/v3(?:beta)?\//
const NAME_IGNORED = 'CommonName of client sending a request against gateway will be ignored and not used as expected\n'

export class HttpAccess {
  readonly #hosts: ReadonlySet<string> | null
  /** What an answer to each origin says. */
  readonly #origins: ReadonlyMap<string, readonly string[]> | null
  readonly #areNamesUsers: () => boolean
  readonly #everyoneFields = corsFields(EVERYONE)

  constructor({ corsOrigins, hostWhitelist, areNamesUsers }: HttpAccessOptions) {
    this.#areNamesUsers = areNamesUsers ?? (() => false)
    this.#hosts = hostWhitelist.includes(EVERYONE) ? null : new Set(hostWhitelist)
    this.#origins = corsOrigins.includes(EVERYONE)
      ? null
      : new Map(corsOrigins.map((origin) => [origin, corsFields(origin)]))
  }

  /** False when the request has been answered here. */
  admit(exchange: HttpExchange): boolean {
    if (this.#hosts !== null && !exchange.isEncrypted && !this.#hosts.has(hostOf(exchange.authority))) {
      exchange.respond(421, TEXT_PLAIN, misdirected(hostOf(exchange.authority)))
      return false
    }
    if (exchange.certificateName !== '' && GATEWAY_PATHS.test(exchange.target) && this.#areNamesUsers()) {
      exchange.respond(400, TEXT_PLAIN, NAME_IGNORED)
      return false
    }
    this.#addCorsFields(exchange)
    if (exchange.method !== 'OPTIONS') return true
    exchange.respond(200, NO_CONTENT_TYPE, '')
    return false
  }

  #addCorsFields(exchange: HttpExchange): void {
    if (this.#origins === null) {
      exchange.addHeaders(this.#everyoneFields)
      return
    }
    const fields = this.#origins.get(exchange.header('origin') ?? '')
    if (fields !== undefined) exchange.addHeaders(fields)
  }
}

function corsFields(origin: string): readonly string[] {
  return Object.freeze([
    'Access-Control-Allow-Methods', 'POST, GET, OPTIONS, PUT, DELETE',
    'Access-Control-Allow-Origin', origin,
    'Access-Control-Allow-Headers', 'accept, content-type, authorization',
  ])
}

/** The name without its port; an IPv6 address without its brackets. */
function hostOf(authority: string): string {
  if (authority.startsWith('[')) {
    const end = authority.indexOf(']')
    return end < 0 ? authority : authority.slice(1, end)
  }
  const colon = authority.lastIndexOf(':')
  return colon < 0 || colon !== authority.indexOf(':') ? authority : authority.slice(0, colon)
}

function misdirected(host: string): string {
  return [
    `Host ${JSON.stringify(host)} is not a name under which this server answers plain HTTP.`,
    'This keeps pages of other sites from reaching it by DNS rebinding (CVE-2018-5702). Either',
    `- add the name: --host-whitelist ${JSON.stringify(host)}, or`,
    '- ask over TLS, where the certificate vouches for the name.',
    '',
  ].join('\n')
}
