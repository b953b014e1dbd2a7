/**
 * WebSockets. Their requests are read a second time, by node:http, which the package ws builds on; who may ask was
 * settled when they were read first.
 */

import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type * as Ws from 'ws'
import { loadPackage } from '../../base/load-package.js'
import { rememberOrigin, type ConnectionOrigin } from '../listen/connection-origin.js'
import type { HttpExchange } from './http-exchange.js'
import { WebSocketExchange } from './web-socket-exchange-socket.js'

/** The protocol that a browser names in front of its token. */
const BEARER = 'Bearer'
/** Pieces of one message: browsers cut at 128 KiB or more, if at all. */
const FRAGMENTS_MAX = 1024
/** As many octets as the first reader takes. */
const HEADER_BYTES_MAX = 64 * 1024

export class WebSocketServer {
  readonly #server: Server

  constructor(messageBytesMax: number, onExchange: (exchange: HttpExchange) => void) {
    const { WebSocketServer: Acceptor } = loadPackage('ws') as typeof Ws
    const acceptor = new Acceptor({
      noServer: true,
      maxPayload: messageBytesMax,
      maxFragments: FRAGMENTS_MAX,
      perMessageDeflate: false,
      handleProtocols: (protocols) => (protocols.has(BEARER) ? BEARER : false),
    })
    this.#server = createServer({ maxHeaderSize: HEADER_BYTES_MAX })
    // The first reader saw an upgrade: whoever gets two readers to disagree is none to speak with.
    this.#server.on('request', (request: IncomingMessage) => request.socket.destroy())
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // Node has taken its own listener off. What breaks a connection closes it, and all that is on it is told so.
      socket.on('error', onBroken)
      acceptor.handleUpgrade(request, socket, head, (webSocket) => {
        onExchange(new WebSocketExchange(request, webSocket))
      })
    })
  }

  /** `octets`: the request's head, and what has come behind it. */
  take(socket: Socket, origin: ConnectionOrigin, octets: Buffer): void {
    rememberOrigin(socket, origin)
    socket.unshift(octets)
    this.#server.emit('connection', socket)
  }
}

function onBroken(): void {}
