/** The streams of HTTP/2 sessions: gRPC calls to gRPC, every other request to where HTTP/1.1 requests go. */

import type { ListenerRole } from '../../config/sections/listeners.js'
import { GrpcStream } from '../grpc/grpc-stream.js'
import type { GrpcServer } from '../grpc/grpc-server.js'
import type { HeaderBlock } from '../http2/hpack-decoder.js'
import { readRequestHead } from '../http2/request-head.js'
import type { Http2Session } from '../http2/session/http2-session.js'
import type { Http2Stream, StreamHandler } from '../http2/session/http2-stream.js'
import type { HttpService } from './http-service.js'
import { Http2Exchange } from './http2-exchange.js'

export class StreamRouter implements StreamHandler {
  readonly #grpc: GrpcServer
  readonly #http: HttpService

  constructor(grpc: GrpcServer, http: HttpService) {
    this.#grpc = grpc
    this.#http = http
  }

  openStream(session: Http2Session, streamId: number, block: HeaderBlock): Http2Stream | null {
    const call = this.#grpc.openStream(session, streamId, block)
    if (call === null || !isForHttp(session.origin.role, call)) return call
    const head = readRequestHead(block.fields)
    return head === null ? null : new Http2Exchange(session, streamId, head)
  }

  onStreamStart(stream: Http2Stream): void {
    if (stream instanceof GrpcStream) this.#grpc.onStreamStart(stream)
    else this.#http.onExchange(stream as Http2Exchange)
  }

  onData(stream: Http2Stream, bytes: Buffer, start: number, end: number): void {
    if (stream instanceof GrpcStream) this.#grpc.onData(stream, bytes, start, end)
    else (stream as Http2Exchange).onBody(bytes, start, end)
  }

  onHalfClose(stream: Http2Stream): void {
    if (stream instanceof GrpcStream) this.#grpc.onHalfClose(stream)
    else (stream as Http2Exchange).onBodyEnd()
  }

  onStreamOver(stream: Http2Stream): void {
    if (stream instanceof GrpcStream) this.#grpc.onStreamOver(stream)
  }

  onStreamLost(stream: Http2Stream, isConnectionGone: boolean): void {
    if (stream instanceof GrpcStream) this.#grpc.onStreamLost(stream, isConnectionGone)
    else (stream as Http2Exchange).onLost()
  }

  onStreamWritable(stream: Http2Stream): void {
    if (stream instanceof GrpcStream) this.#grpc.onStreamWritable(stream)
    else (stream as Http2Exchange).onWritable()
  }

  wakeAtMs(): number {
    return Math.min(this.#grpc.wakeAtMs(), this.#http.wakeAtMs())
  }

  onDeadline(nowMs: number): void {
    this.#grpc.onDeadline(nowMs)
    this.#http.onDeadline(nowMs)
  }
}

/** A listener for gRPC alone refuses all else, one for HTTP alone knows no gRPC. */
function isForHttp(role: ListenerRole, { head }: GrpcStream): boolean {
  if (role === 'http') return true
  return role !== 'grpc' && head.refusal !== null && head.refusal.isOtherContent
}
