/** One client's socket: finds out what it speaks, feeds its session, writes the session's output. */

import type { Socket } from 'node:net'
import type { Clock } from '../../base/clock.js'
import { Http2Session, type SessionContext, type SessionHost } from '../http2/session/http2-session.js'
import type { ConnectionOrigin } from './connection-origin.js'
import type { Flushable } from './http-carrier-socket.js'

/** The listener, as a connection sees it. */
export interface ConnectionOwner {
  readonly clock: Clock
  readonly session: SessionContext
  onActivity(): void
  /** There is something to flush; told once until flushed. */
  onDirty(connection: ClientConnection): void
  /** This connection's part is over; `socket` speaks HTTP/1.1, and these were its first octets. */
  onHttp(connection: ClientConnection, socket: Socket, start: Buffer): void
  onGone(connection: ClientConnection): void
}

/** No HTTP/1.1 request begins like the preface of HTTP/2. */
const PREFACE_START = Buffer.from('PRI ')
/** How long a client may take to hang up after it was told why, before the socket is cut. */
const LINGER_MS = 1000

export class ClientConnection implements SessionHost, Flushable {
  readonly origin: ConnectionOrigin
  readonly #owner: ConnectionOwner
  readonly #socket: Socket
  readonly #acceptedMs: number
  #session: Http2Session | null = null
  /** What came before it was clear what the client speaks: fewer octets than `PREFACE_START`. */
  #start: Buffer | null = null
  #isDirty = false
  #isPaused = false
  /** The output that the socket has not taken yet; it belongs to the socket until then. */
  #inFlight: Buffer | null = null
  #cutAtMs = Infinity

  constructor(owner: ConnectionOwner, socket: Socket, origin: ConnectionOrigin, acceptedMs: number) {
    this.origin = origin
    this.#owner = owner
    this.#socket = socket
    this.#acceptedMs = acceptedMs
    socket.on('data', this.#onData)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
  }

  flush(nowMs: number): void {
    this.#isDirty = false
    const session = this.#session
    if (session === null || this.#socket.destroyed) return
    if (!session.beforeWrite()) {
      this.#socket.destroy()
      return
    }
    if (session.isFinished) this.#cutAtMs = Math.min(this.#cutAtMs, nowMs + LINGER_MS)
    // One write at a time: what gathers meanwhile is bounded by the session, and leaves when this one is done.
    if (this.#inFlight !== null) return
    const length = session.sender.length
    if (length > 0) {
      const output = session.sender.takeOutput()
      this.#inFlight = output
      session.counters.bytesOut += length
      session.counters.socketWrites++
      session.deadlines.onStall(nowMs)
      this.#socket.write(length === output.length ? output : output.subarray(0, length), this.#onWritten)
    }
    if (session.isFinished) this.#socket.end()
  }

  onDeadline(nowMs: number): void {
    if (nowMs >= this.#cutAtMs) {
      this.#socket.destroy()
    } else if (this.#session !== null) {
      this.#session.onDeadline(nowMs)
    } else if (nowMs >= this.#acceptedMs + this.#owner.session.limits.handshakeMs) {
      this.#owner.session.counters.handshakesTimedOut++
      this.#socket.destroy()
    }
  }

  drain(nowMs: number, graceMs: number): void {
    if (this.#session === null) this.#socket.destroy()
    else this.#session.drain(nowMs, graceMs)
  }

  onSessionOutput(): void {
    if (this.#isDirty) return
    this.#isDirty = true
    this.#owner.onDirty(this)
  }

  readonly #onData = (chunk: Buffer): void => {
    const bytes = this.#session === null ? this.#detect(chunk) : chunk
    const session = this.#session
    if (bytes === null || session === null) return
    session.receive(bytes, this.#owner.clock.nowMs())
    this.#readOnlyWhatIsTaken(session)
    this.#owner.onActivity()
  }

  /** All bytes so far, when they begin HTTP/2 and its session is there; null when they are too few or HTTP/1.1. */
  #detect(chunk: Buffer): Buffer | null {
    const start = this.#start === null ? chunk : Buffer.concat([this.#start, chunk])
    const compared = Math.min(start.length, PREFACE_START.length)
    if (!mayBeHttp2(this.origin) || start.compare(PREFACE_START, 0, compared, 0, compared) !== 0) {
      this.#handToHttp(start)
      return null
    }
    if (compared < PREFACE_START.length) {
      this.#start = start
      return null
    }
    this.#start = null
    this.#session = new Http2Session(this.#owner.session, this, this.#acceptedMs)
    return start
  }

  #handToHttp(start: Buffer): void {
    const socket = this.#socket
    socket.removeListener('data', this.#onData)
    socket.removeListener('error', this.#onError)
    socket.removeListener('close', this.#onClose)
    this.#owner.onHttp(this, socket, start)
  }

  /** A client that does not read its answers is not asked for more questions. */
  #readOnlyWhatIsTaken(session: Http2Session): void {
    if (session.isBackedUp === this.#isPaused || session.isFinished) return
    this.#isPaused = session.isBackedUp
    if (this.#isPaused) this.#socket.pause()
    else this.#socket.resume()
  }

  readonly #onWritten = (): void => {
    const session = this.#session as Http2Session
    session.sender.recycle(this.#inFlight as Buffer)
    this.#inFlight = null
    session.deadlines.onStall(Infinity)
    if (this.#socket.destroyed) return
    session.sender.pump()
    if (session.sender.length > 0 || session.isFinished) this.onSessionOutput()
    this.#readOnlyWhatIsTaken(session)
  }

  /** 'close' follows and does what is to be done; the reason is the client's own affair. */
  readonly #onError = (): void => undefined

  readonly #onClose = (): void => {
    this.#session?.onSocketGone()
    this.#owner.onGone(this)
  }
}

/** Where HTTP alone is served, HTTP/2 needs TLS to be agreed on. */
function mayBeHttp2({ role, isSecure }: ConnectionOrigin): boolean {
  return role === 'client' || role === 'grpc' || (role === 'http' && isSecure)
}
