/**
 * gRPC calls made of raw HTTP/2, for what a client library would not send: odd headers, broken
 * frames, compressed messages, floods of pings.
 */

import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2'
import { once } from 'node:events'
import { gzipSync } from 'node:zlib'
import { codeName } from './etcd-client.js'

export interface RawAnswer {
  readonly httpStatus: number
  /** Undefined when the answer carries none. */
  readonly grpcStatus: number | undefined
  readonly grpcMessage: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Code of the RST_STREAM that ended the stream, 0 when none did. */
  readonly resetCode: number
}

export async function openSession(endpoint: string): Promise<ClientHttp2Session> {
  const session = connect(`http://${endpoint}`)
  // Tests that provoke a GOAWAY listen for it themselves; an unheard error must not end the test.
  session.on('error', () => undefined)
  await once(session, 'connect')
  return session
}

export async function rawCall(
  session: ClientHttp2Session,
  path: string,
  body: Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  let answer: IncomingHttpHeaders = {}
  let trailers: IncomingHttpHeaders = {}
  const chunks: Buffer[] = []
  stream.on('response', (received) => {
    answer = received
  })
  stream.on('trailers', (received) => {
    trailers = received
  })
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  // A reset shows in rstCode; the error event says the same again.
  stream.on('error', () => undefined)
  stream.end(body)
  await once(stream, 'close')
  const status = trailers['grpc-status'] ?? answer['grpc-status']
  const message = trailers['grpc-message'] ?? answer['grpc-message']
  return {
    httpStatus: Number(answer[':status'] ?? 0),
    grpcStatus: status === undefined ? undefined : Number(status),
    grpcMessage: decodeURIComponent(typeof message === 'string' ? message : ''),
    headers: answer,
    body: Buffer.concat(chunks),
    resetCode: stream.rstCode ?? constants.NGHTTP2_NO_ERROR,
  }
}

/** A gRPC message frame: flag, length, bytes. */
export function frame(message: Buffer, compressed = false): Buffer {
  const bytes = compressed ? gzipSync(message) : message
  const head = Buffer.alloc(5)
  head[0] = compressed ? 1 : 0
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

export function statusText(answer: RawAnswer): string {
  if (answer.grpcStatus === undefined) return `no status (HTTP ${answer.httpStatus})`
  return `${codeName(answer.grpcStatus)} ${answer.grpcMessage}`.trim()
}
