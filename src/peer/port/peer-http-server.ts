/**
 * HTTP/1.1 on the port for members: upgrades to streams, routes of other parts (snapshots), and the pages that etcd's
 * tools and members that are about to join ask for. Never listens by itself: peer-listener-socket.ts hands it
 * connections.
 */

import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../base/clock.js'
import { hexId } from '../../base/bytes.js'
import type { Logger } from '../../metrics/logger.js'
import {
  acceptFields, checkCaller, checkStream, streamKindOf, UPGRADE_NAME,
  type Caller, type OwnIdentity, type Refusal, type StreamKind,
} from '../streams/handshake.js'

/** A request of a member of this cluster. The route answers it. */
export type PeerRoute = (request: IncomingMessage, response: ServerResponse, caller: Caller) => void

/** A request that anybody may make who reaches this port. The route answers it, and says which methods there are. */
export type OpenRoute = (request: IncomingMessage, response: ServerResponse) => void

/** What a page shows. */
export interface PageAnswer {
  readonly contentType: string
  readonly body: string
}

/** The actor, as its port sees it. */
export interface PortOwner {
  readonly self: OwnIdentity
  isRemoved(id: bigint): boolean
  /** Whether the caller is talked to. */
  admit(caller: Caller): Refusal | null
  /** A connection has become a stream. */
  onStream(kind: StreamKind, caller: Caller, socket: Duplex, head: Buffer): void
  /** Null when there is no such page. */
  page(path: string): PageAnswer | null
}

export interface PeerHttpOptions {
  readonly owner: PortOwner
  readonly clock: Clock
  readonly logger: Logger
  /** By method and path, such as `POST /raftring/snapshot`. */
  readonly routes: ReadonlyMap<string, PeerRoute>
  /** By path. */
  readonly openRoutes: ReadonlyMap<string, OpenRoute>
}

const HEADER_BYTES_MAX = 16 * 1024
/** From a connection's first octet to the end of a request's head, and between two requests. */
const HEAD_MS_MAX = 10_000
/** Requests of routes under way; what comes above is refused. */
const ROUTED_MAX = 128
const LOG_PERIOD_MS = 30_000
const TEXT_PLAIN = 'text/plain; charset=utf-8'

export function peerHttpServer(options: PeerHttpOptions): Server {
  return new PeerHttp(options).server
}

class PeerHttp {
  readonly server: Server
  readonly #options: PeerHttpOptions
  #routed = 0
  /** By what is said: when the log may hear it again. */
  readonly #logAtMs = new Map<string, number>()

  constructor(options: PeerHttpOptions) {
    this.#options = options
    this.server = createServer({
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEAD_MS_MAX,
      keepAliveTimeout: HEAD_MS_MAX,
      // Routes bound the time of their bodies; pages read none.
      requestTimeout: 0,
    })
    this.server.on('request', this.#onRequest)
    this.server.on('upgrade', this.#onUpgrade)
    this.server.on('clientError', (_: Error, socket: Duplex) => socket.destroy())
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', onBroken)
    const answer = this.#checkUpgrade(request)
    if ('status' in answer) {
      this.#logRefusal(request, answer)
      const body = `${answer.message}\n`
      const fields = {
        Connection: 'close',
        'Content-Type': TEXT_PLAIN,
        'Content-Length': String(body.length),
        'X-Etcd-Cluster-ID': hexId(this.#options.owner.self.clusterId),
      }
      socket.end(responseHead(answer.status, fields) + body)
      return
    }
    socket.write(responseHead(101, acceptFields(this.#options.owner.self)))
    socket.removeListener('error', onBroken)
    this.#options.owner.onStream(answer.kind, answer.caller, socket, head)
  }

  #checkUpgrade(request: IncomingMessage): { kind: StreamKind; caller: Caller } | Refusal {
    const { owner } = this.#options
    const kind = streamKindOf(request.url ?? '')
    const isOurs = request.headers.upgrade?.toLowerCase() === UPGRADE_NAME
    if (kind === null || !isOurs) return { status: 404, message: '404 page not found' }
    if (request.method !== 'GET') return { status: 405, message: 'Method Not Allowed' }
    const checked = checkCaller(request.headers, owner.self, (id) => owner.isRemoved(id))
    if ('refusal' in checked) return checked.refusal
    const refusal = checkStream(request.headers, owner.self) ?? owner.admit(checked.caller)
    return refusal ?? { kind, caller: checked.caller }
  }

  readonly #onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const { routes, openRoutes } = this.#options
    const path = (request.url ?? '').split('?', 1)[0] as string
    const route = routes.get(`${request.method} ${path}`)
    if (route !== undefined) {
      this.#route(route, request, response)
      return
    }
    const open = openRoutes.get(path)
    if (open !== undefined) {
      open(request, response)
      return
    }
    // Nothing else has a body that is read: one that does not end must not hold its connection.
    request.resume()
    if (hasBody(request)) response.setHeader('Connection', 'close')
    if (path === '/raft' || path.startsWith('/raft/')) this.#refuseEtcd(request, response)
    else this.#page(path, request, response)
  }

  #route(route: PeerRoute, request: IncomingMessage, response: ServerResponse): void {
    const { owner } = this.#options
    const checked = checkCaller(request.headers, owner.self, (id) => owner.isRemoved(id))
    const refusal = 'refusal' in checked ? checked.refusal : owner.admit(checked.caller)
    if ('refusal' in checked || refusal !== null) {
      this.#refuse(request, response, refusal as Refusal)
      return
    }
    if (this.#routed >= ROUTED_MAX) {
      this.#refuse(request, response, { status: 503, message: 'too many requests of members' })
      return
    }
    this.#routed++
    response.once('close', () => this.#routed--)
    route(request, response, checked.caller)
  }

  /** etcd says in its own log that this is a matter of versions. */
  #refuseEtcd(request: IncomingMessage, response: ServerResponse): void {
    this.#log('an etcd server asks for the protocol of its own members; a cluster is of one kind', request, {})
    respond(response, 412, TEXT_PLAIN, 'incompatible version\n')
  }

  #page(path: string, request: IncomingMessage, response: ServerResponse): void {
    const { owner } = this.#options
    const page = owner.page(path)
    if (page === null) {
      respond(response, 404, TEXT_PLAIN, '404 page not found\n')
      return
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET')
      respond(response, 405, TEXT_PLAIN, 'Method Not Allowed\n')
      return
    }
    response.setHeader('X-Etcd-Cluster-ID', hexId(owner.self.clusterId))
    respond(response, 200, page.contentType, page.body)
  }

  #refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
    this.#logRefusal(request, refusal)
    request.resume()
    response.setHeader('X-Etcd-Cluster-ID', hexId(this.#options.owner.self.clusterId))
    response.setHeader('Connection', 'close')
    respond(response, refusal.status, TEXT_PLAIN, `${refusal.message}\n`)
  }

  #logRefusal(request: IncomingMessage, { status, message }: Refusal): void {
    this.#log('refused a member', request, { status, reason: message, from: request.headers['x-server-from'] })
  }

  #log(msg: string, request: IncomingMessage, fields: Readonly<Record<string, unknown>>): void {
    const { clock, logger } = this.#options
    const nowMs = clock.nowMs()
    const what = `${msg} ${String(fields['reason'])}`
    if (nowMs < (this.#logAtMs.get(what) ?? -Infinity)) return
    this.#logAtMs.set(what, nowMs + LOG_PERIOD_MS)
    logger.warn('peer', msg, { 'remote-addr': request.socket.remoteAddress, path: request.url, ...fields })
  }
}

function onBroken(): void {}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function responseHead(status: number, fields: Readonly<Record<string, string>>): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n`
}

function respond(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}
