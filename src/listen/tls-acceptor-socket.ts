/**
 * TLS for the connections of one listener: handshakes with a deadline and a limit in flight, then the checks of the
 * client's certificate. What does not come through is counted, and said in the log at most once a second.
 */

import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../metrics/logger.js'
import { certificateProblem, commonNameOf } from './certificate-check.js'
import type { TlsMaterial } from './tls-material-file.js'

/** What became of handshakes so far. */
export interface TlsCounters {
  handshakes: number
  /** Failed, or took too long. */
  tlsErrors: number
  /** Connections closed at once because too many handshakes were under way. */
  handshakesRefused: number
  /** Good but for the client's certificate. */
  certificatesRefused: number
}

/** What the acceptors of one actor share. */
export interface TlsAcceptorContext {
  readonly clock: Clock
  readonly logger: Logger
  readonly counters: TlsCounters
  readonly handshakeMs: number
  readonly handshakesMax: number
  /** Handshakes of all listeners that are under way. */
  inFlight: number
  /** When the log may hear of the next refused connection. */
  nextLogMs: number
}

export interface TlsAcceptorOptions {
  readonly context: TlsAcceptorContext
  readonly material: TlsMaterial
  readonly protocols: readonly string[]
  /** In the log: 'client', 'peer', 'metrics'. */
  readonly endpoint: string
  /** A client that came through, with its certificate's common name if it had to show one. */
  readonly onSecure: (socket: TLSSocket, certificateName: string) => void
}

const LOG_PERIOD_MS = 1000

export class TlsAcceptor {
  readonly #options: TlsAcceptorOptions
  readonly #server: Server
  #version: number

  constructor(options: TlsAcceptorOptions) {
    const { material, context, protocols } = options
    this.#options = options
    this.#version = material.version
    const { requiresCertificates } = material.config
    this.#server = createServer({
      ...material.context,
      ALPNProtocols: [...protocols],
      handshakeTimeout: context.handshakeMs,
      requestCert: requiresCertificates,
      rejectUnauthorized: requiresCertificates,
    })
    // For each connection exactly one of the two comes.
    this.#server.on('secureConnection', this.#onSecure)
    this.#server.on('tlsClientError', this.#onFailure)
  }

  accept(socket: Socket): void {
    const { context, material } = this.#options
    if (context.inFlight >= context.handshakesMax) {
      context.counters.handshakesRefused++
      this.#log(socket, 'too many handshakes are under way')
      socket.destroy()
      return
    }
    material.refresh()
    if (material.version !== this.#version) {
      this.#version = material.version
      this.#server.setSecureContext(material.context)
    }
    context.inFlight++
    this.#server.emit('connection', socket)
  }

  readonly #onSecure = (socket: TLSSocket): void => {
    const { context, material, onSecure } = this.#options
    context.inFlight--
    context.counters.handshakes++
    if (!material.config.requiresCertificates) return onSecure(socket, '')
    const certificate = socket.getPeerX509Certificate()
    const problem =
      certificate === undefined
        ? "tls: client didn't provide a certificate"
        : certificateProblem(certificate, material.config, material.revoked)
    if (problem === null && certificate !== undefined) return onSecure(socket, commonNameOf(certificate))
    context.counters.certificatesRefused++
    this.#log(socket, problem ?? '')
    socket.destroy()
  }

  readonly #onFailure = (error: Error, socket: TLSSocket): void => {
    const { context } = this.#options
    context.inFlight--
    context.counters.tlsErrors++
    // Null unless the certificate was the reason, whatever the types say.
    const cause = socket.authorizationError as unknown as string | null
    this.#log(socket, cause ?? (error as { reason?: string }).reason ?? error.message)
    socket.destroy()
  }

  #log(socket: Socket, error: string): void {
    const { context, endpoint } = this.#options
    const nowMs = context.clock.nowMs()
    if (nowMs < context.nextLogMs) return
    context.nextLogMs = nowMs + LOG_PERIOD_MS
    const { tlsErrors, handshakesRefused, certificatesRefused } = context.counters
    context.logger.warn(endpoint === 'peer' ? 'peer' : 'front', `rejected connection on ${endpoint} endpoint`, {
      // A socket that is gone, and one that has no port, tells none.
      ...(socket.remoteAddress === undefined ? {} : { 'remote-addr': `${socket.remoteAddress}:${socket.remotePort}` }),
      error,
      rejected: tlsErrors + handshakesRefused + certificatesRefused,
    })
  }
}
