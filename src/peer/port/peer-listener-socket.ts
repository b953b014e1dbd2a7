/** Listens for members: addresses, TLS and its checks. What comes through goes to an HTTP server. */

import { lstatSync, unlinkSync } from 'node:fs'
import type { Server as HttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../../base/clock.js'
import type { TlsSide } from '../../config/sections/tls-config.js'
import { addressProblem } from '../../listen/address-check-socket.js'
import type { BindAddress } from '../../listen/bind-addresses.js'
import type { DoorControl, Listening, ListenOrder } from '../../listen/door-control.js'
import { firstOctet, TLS_HANDSHAKE_OCTET } from '../../listen/first-octet-socket.js'
import { describeListenError, lacksIpv6 } from '../../listen/port-probe-socket.js'
import { TlsAcceptor, type TlsAcceptorContext } from '../../listen/tls-acceptor-socket.js'
import type { TlsMaterial } from '../../listen/tls-material-file.js'
import type { Logger } from '../../metrics/logger.js'

export interface PeerListenerOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly http: HttpServer
  /** The files of `--peer-*`; null without TLS. */
  readonly material: TlsMaterial | null
  readonly reusePort: boolean
}

/** Members are few, and tools that ask are rare; what comes above this is closed at once. */
const CONNECTIONS_MAX = 512
const HANDSHAKES_MAX = 64
const HANDSHAKE_MS_MAX = 10_000
const BACKLOG = 511
const TCP_KEEPALIVE_MS = 30_000
const LOG_PERIOD_MS = 1000

export class PeerListener implements DoorControl {
  readonly #options: PeerListenerOptions
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #tls: TlsAcceptorContext
  #logAtMs = -Infinity
  #isClosed = false

  constructor(options: PeerListenerOptions) {
    const { clock, logger } = options
    this.#options = options
    this.#tls = {
      clock,
      logger,
      counters: { handshakes: 0, tlsErrors: 0, handshakesRefused: 0, certificatesRefused: 0 },
      handshakeMs: HANDSHAKE_MS_MAX,
      handshakesMax: HANDSHAKES_MAX,
      inFlight: 0,
      nextLogMs: -Infinity,
    }
  }

  async listen(address: BindAddress, order: ListenOrder): Promise<Listening | null> {
    if (address.kind === 'unix') removeStaleSocket(address.path)
    const entrance = this.#entranceFor(order)
    try {
      return await this.#bind(address, entrance)
    } catch (error) {
      const failure = error as NodeJS.ErrnoException
      if (address.kind === 'tcp' && lacksIpv6(address, failure)) {
        const { withoutIpv6, port } = address
        return withoutIpv6 === null ? null : this.#bind({ kind: 'tcp', host: withoutIpv6 ?? '', port }, entrance)
      }
      // Nothing but the message travels to the supervisor.
      throw new Error(describeListenError(address, failure), { cause: error })
    }
  }

  listenOn(): Promise<void> {
    return Promise.reject(new Error('one thread listens for members'))
  }

  /** Accepts no more and cuts what is open. */
  close(): void {
    this.#isClosed = true
    for (const server of this.#servers) server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  async #bind(address: BindAddress, entrance: (socket: Socket) => void): Promise<Listening> {
    const { logger, http } = this.#options
    const tcp = { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS }
    const server = createServer(tcp, (socket) => {
      if (this.#isClosed) {
        socket.destroy()
        return
      }
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
      entrance(socket)
    })
    server.maxConnections = CONNECTIONS_MAX
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#whereOf(address), () => {
        server.removeListener('error', reject)
        resolve()
      })
    })
    server.on('error', (error) => logger.warn('peer', 'failed to accept a connection', { error: error.message }))
    // node:http watches for slow requests only on a server that it believes to listen.
    if (this.#servers.length === 0) http.emit('listening')
    this.#servers.push(server)
    const port = address.kind === 'unix' ? 0 : (server.address() as AddressInfo).port
    return { fd: -1, port }
  }

  /** Node takes `reusePort` from 22.12 on; older types do not know it. */
  #whereOf(address: BindAddress): object {
    if (address.kind === 'unix') return { path: address.path, backlog: BACKLOG }
    const { host, port } = address
    const base = { host, port, backlog: BACKLOG }
    return this.#options.reusePort ? { ...base, reusePort: true } : base
  }

  #entranceFor({ isTls, isPlain }: ListenOrder): (socket: Socket) => void {
    const { http } = this.#options
    const onPlain = (socket: Socket): void => void http.emit('connection', socket)
    if (!isTls) return onPlain
    const { material } = this.#options
    if (material === null) throw new Error('no TLS is configured for peers')
    const acceptor = new TlsAcceptor({
      context: this.#tls,
      material,
      protocols: ['http/1.1'],
      endpoint: 'peer',
      onSecure: (socket) => this.#onSecure(socket, material.config),
    })
    if (!isPlain) return (socket) => acceptor.accept(socket)
    return (socket) => {
      firstOctet(socket, HANDSHAKE_MS_MAX, (octet) => {
        if (octet === TLS_HANDSHAKE_OCTET) return acceptor.accept(socket)
        onPlain(socket)
        socket.resume()
      })
    }
  }

  /** A member's certificate must be for where it calls from, unless the configuration says otherwise. */
  #onSecure(socket: TLSSocket, config: TlsSide): void {
    const { http } = this.#options
    const certificate = config.requiresCertificates ? socket.getPeerX509Certificate() : undefined
    if (certificate === undefined || config.skipsSanVerification) {
      http.emit('connection', socket)
      return
    }
    socket.on('error', onBroken)
    const remote = socket.remoteAddress ?? ''
    const isUnix = remote === ''
    const checked = isUnix ? Promise.resolve(null) : addressProblem(certificate, remote)
    void checked.then((problem) => {
      if (socket.destroyed) return
      socket.removeListener('error', onBroken)
      if (problem === null) {
        http.emit('connection', socket)
        return
      }
      this.#logRejected(remote, problem)
      socket.on('error', onBroken)
      socket.destroy()
    })
  }

  #logRejected(remote: string, error: string): void {
    const { clock, logger } = this.#options
    const nowMs = clock.nowMs()
    if (nowMs < this.#logAtMs) return
    this.#logAtMs = nowMs + LOG_PERIOD_MS
    logger.warn('peer', 'rejected connection on peer endpoint', { 'remote-addr': remote, error })
  }
}

function onBroken(): void {}

/** A server that was killed leaves its socket behind; nobody can listen there before it is gone. */
function removeStaleSocket(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) unlinkSync(path)
}
