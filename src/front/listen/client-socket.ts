/**
 * Accepts clients and keeps their connections (see client-connection-socket.ts): HTTP/2 goes to sessions, HTTP/1.1 to a
 * carrier of its own, and what both have to send is written once a turn.
 *
 * Several threads may share one port: the first listens, the others on its descriptor. The descriptor is one number for
 * the whole process, so only its first owner ever closes it; then no thread accepts any more. A thread that listens on
 * another's descriptor must live until the process has closed all its files, because its end closes that number again.
 */

import { lstatSync, unlinkSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { assert } from '../../base/assert.js'
import type { Clock } from '../../base/clock.js'
import type { ListenerRole } from '../../config/sections/listeners.js'
import type { Logger } from '../../metrics/logger.js'
import type { SessionContext } from '../http2/session/http2-session.js'
import type { BindAddress } from '../../listen/bind-addresses.js'
import { ClientConnection, type ConnectionOwner } from './client-connection-socket.js'
import type { ConnectionOrigin } from './connection-origin.js'
import type { CarrierHost, Flushable, HttpCarrier } from './http-carrier-socket.js'
import { firstOctet, TLS_HANDSHAKE_OCTET } from '../../listen/first-octet-socket.js'
import { lacksIpv6 } from '../../listen/port-probe-socket.js'
import type { Listening } from '../../listen/door-control.js'
import { TlsAcceptor, type TlsAcceptorContext } from '../../listen/tls-acceptor-socket.js'
import type { TlsMaterial } from '../../listen/tls-material-file.js'

export interface ClientListenerOptions {
  readonly clock: Clock
  readonly session: SessionContext
  /**
   * Get the connections that do not speak HTTP/2, by what their listener serves; without one such a connection is
   * closed.
   */
  readonly carriers: Readonly<Partial<Record<ListenerRole, HttpCarrier>>>
  /** Per listening address. What comes above it is closed at once. */
  readonly connectionsMax: number
  /** TLS handshakes under way; what comes above it is closed at once. */
  readonly handshakesMax?: number
  readonly logger: Logger
  /** Something was heard or is to be written: the owner is to take a turn soon and `flush` at its end. */
  readonly onActivity: () => void
}

export interface ListenOptions {
  readonly role: ListenerRole
  /** Speaks TLS when given. */
  readonly tls?: TlsMaterial
  /** Speaks plain text beside TLS: the first octet of a connection tells. */
  readonly isPlainToo?: boolean
  /** Other processes may listen on the same port. */
  readonly reusePort?: boolean
  readonly backlog?: number
}

const BACKLOG_DEFAULT = 4096
/** A connection whose peer has vanished without a word is found by TCP itself. */
const TCP_KEEPALIVE_MS = 30_000
/** How often connections are asked for what is due; a drain is in more of a hurry. */
const CHECK_MS = 500
const DRAIN_CHECK_MS = 50
/** A handshake costs a millisecond or two: this many are seconds of work, and a herd of clients tries again. */
const HANDSHAKES_MAX_DEFAULT = 1024
/** What a listener may speak, in our order. */
const PROTOCOLS: Readonly<Record<ListenerRole, readonly string[]>> = {
  client: ['h2', 'http/1.1'],
  grpc: ['h2'],
  http: ['h2', 'http/1.1'],
  metrics: ['http/1.1'],
  peer: ['http/1.1'],
}

export class ClientListener implements ConnectionOwner, CarrierHost {
  readonly clock: Clock
  readonly session: SessionContext
  readonly counters = { accepted: 0, dropped: 0, handedToHttp: 0, acceptErrors: 0 }

  readonly #options: ClientListenerOptions
  readonly #owned: Server[] = []
  readonly #connections = new Set<ClientConnection>()
  readonly #httpSockets = new Set<Socket>()
  readonly #carriers: ReadonlySet<HttpCarrier>
  #dirty: Flushable[] = []
  #flushing: Flushable[] = []
  #isClosing = false
  #cutAtMs = Infinity
  #checkAtMs = 0
  readonly #tls: TlsAcceptorContext

  constructor(options: ClientListenerOptions) {
    this.#options = options
    this.clock = options.clock
    this.session = options.session
    this.#carriers = new Set(Object.values(options.carriers))
    this.#tls = {
      clock: options.clock,
      logger: options.logger,
      counters: options.session.counters.tls,
      handshakeMs: options.session.limits.handshakeMs,
      handshakesMax: options.handshakesMax ?? HANDSHAKES_MAX_DEFAULT,
      inFlight: 0,
      nextLogMs: -Infinity,
    }
  }

  /**
   * Rejects with the system's error, such as EADDRINUSE. Port 0 takes any. May be called for several addresses. Null
   * where an address is left out because there is no IPv6.
   */
  async listen(address: BindAddress, options: ListenOptions): Promise<Listening | null> {
    if (address.kind === 'unix') removeStaleSocket(address.path)
    try {
      return await this.#listenPrimary(address, options)
    } catch (error) {
      if (address.kind === 'unix' || !lacksIpv6(address, error as NodeJS.ErrnoException)) throw error
      const { withoutIpv6, port } = address
      return withoutIpv6 === null ? null : this.#listenPrimary({ kind: 'tcp', host: withoutIpv6 ?? '', port }, options)
    }
  }

  /** Shares an address that another thread of this process listens on. */
  async listenOnDescriptor(fd: number, options: ListenOptions): Promise<void> {
    const server = this.#serverFor(options)
    await listening(server, () => server.listen({ fd, backlog: options.backlog ?? BACKLOG_DEFAULT }))
  }

  get connectionCount(): number {
    return this.#connections.size + this.#httpSockets.size
  }

  /** True when nothing is open any more after `close`. */
  get isClosed(): boolean {
    return this.#isClosing && this.connectionCount === 0
  }

  /** Writes what every connection has to send. The owner calls it at the end of each of its turns. */
  flush(nowMs: number = this.clock.nowMs()): void {
    const dirty = this.#dirty
    if (dirty.length === 0) return
    this.#dirty = this.#flushing
    for (const connection of dirty) connection.flush(nowMs)
    dirty.length = 0
    this.#flushing = dirty
  }

  wakeAtMs(): number {
    const handlerAtMs = this.session.handler.wakeAtMs()
    const isWatched = this.connectionCount > 0 || this.session.pool.isSwollen
    return isWatched ? Math.min(handlerAtMs, this.#checkAtMs) : handlerAtMs
  }

  /** Does what is due on calls and connections. Cheap when nothing is. */
  onDeadline(nowMs: number): void {
    this.session.handler.onDeadline(nowMs)
    if (nowMs < this.#checkAtMs) return
    this.#checkAtMs = nowMs + (this.#isClosing ? DRAIN_CHECK_MS : CHECK_MS)
    for (const connection of this.#connections) connection.onDeadline(nowMs)
    for (const carrier of this.#carriers) carrier.onDeadline(nowMs)
    this.session.pool.trim()
    if (nowMs < this.#cutAtMs) return
    for (const socket of this.#httpSockets) socket.destroy()
  }

  /**
   * Accepts no more, lets open calls end, and cuts what is left after `graceMs`. `isClosed` tells when it is done; the
   * owner goes on taking turns until then.
   */
  close(graceMs: number, nowMs: number = this.clock.nowMs()): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#cutAtMs = nowMs + graceMs
    this.#checkAtMs = nowMs + Math.min(graceMs, DRAIN_CHECK_MS)
    for (const server of this.#owned) server.close()
    for (const connection of this.#connections) connection.drain(nowMs, graceMs)
    for (const carrier of this.#carriers) carrier.close()
    this.#options.onActivity()
  }

  // What connections tell.

  onActivity(): void {
    this.#options.onActivity()
  }

  onDirty(connection: Flushable): void {
    this.#dirty.push(connection)
    this.#options.onActivity()
  }

  onHttp(connection: ClientConnection, socket: Socket, start: Buffer): void {
    this.#connections.delete(connection)
    const carrier = this.#options.carriers[connection.origin.role]
    if (carrier === undefined) {
      socket.destroy()
      this.#options.onActivity()
      return
    }
    this.#httpSockets.add(socket)
    this.counters.handedToHttp++
    socket.once('close', () => this.#httpSockets.delete(socket))
    carrier.accept(this, socket, connection.origin, start)
  }

  onGone(connection: ClientConnection): void {
    this.#connections.delete(connection)
    this.#options.onActivity()
  }

  async #listenPrimary(address: BindAddress, options: ListenOptions): Promise<Listening> {
    const server = this.#serverFor(options)
    const backlog = options.backlog ?? BACKLOG_DEFAULT
    const where = address.kind === 'unix' ? { path: address.path } : tcpOptions(address, options)
    await listening(server, () => server.listen({ ...where, backlog }))
    this.#owned.push(server)
    const port = address.kind === 'unix' ? 0 : (server.address() as AddressInfo).port
    return { fd: descriptorOf(server), port }
  }

  #serverFor(options: ListenOptions): Server {
    const tcp = { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS }
    const server = createServer(tcp, this.#entranceFor(options))
    server.maxConnections = this.#options.connectionsMax
    server.on('drop', () => this.counters.dropped++)
    return server.on('error', (error) => {
      if (!server.listening) return
      this.counters.acceptErrors++
      this.#options.logger.warn('front', 'failed to accept a connection', { error: error.message })
    })
  }

  /** What is done with a connection that has come in. */
  #entranceFor({ role, tls, isPlainToo }: ListenOptions): (socket: Socket) => void {
    const plain = Object.freeze({ role, isSecure: false, certificateName: '' })
    const onPlain = (socket: Socket): void => this.#admit(socket, plain)
    if (tls === undefined) return onPlain
    const acceptor = new TlsAcceptor({
      context: this.#tls,
      material: tls,
      protocols: PROTOCOLS[role],
      endpoint: role === 'peer' || role === 'metrics' ? role : 'client',
      onSecure: (socket, certificateName) => this.#admit(socket, { role, isSecure: true, certificateName }),
    })
    const onTls = (socket: Socket): void => acceptor.accept(socket)
    if (isPlainToo !== true) return onTls
    return (socket) => {
      firstOctet(socket, this.session.limits.handshakeMs, (octet) => {
        if (octet === TLS_HANDSHAKE_OCTET) return onTls(socket)
        onPlain(socket)
        socket.resume()
      })
    }
  }

  #admit(socket: Socket, origin: ConnectionOrigin): void {
    // A thread that shares another's descriptor may still be handed one.
    if (this.#isClosing) {
      socket.destroy()
      return
    }
    this.counters.accepted++
    const nowMs = this.clock.nowMs()
    if (this.connectionCount === 0) this.#checkAtMs = nowMs + CHECK_MS
    this.#connections.add(new ClientConnection(this, socket, origin, nowMs))
    this.#options.onActivity()
  }
}

/** A server that was killed leaves its socket behind; nobody can listen there before it is gone. */
function removeStaleSocket(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) unlinkSync(path)
}

/** Node takes `reusePort` from 22.12 on; older types do not know it. */
function tcpOptions(address: Extract<BindAddress, { kind: 'tcp' }>, { reusePort }: ListenOptions): object {
  const { host, port } = address
  return reusePort === true ? { host, port, reusePort } : { host, port }
}

async function listening(server: Server, listen: () => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      server.removeListener('error', reject)
      resolve()
    })
    listen()
  })
}

/** Node tells the descriptor to nobody, but keeps it here in every version from 20 to 26. */
function descriptorOf(server: Server): number {
  const handle = (server as unknown as { _handle?: { fd?: unknown } })._handle
  const fd = handle?.fd
  assert(typeof fd === 'number' && fd >= 0, 'a listening server has a descriptor')
  return fd
}
