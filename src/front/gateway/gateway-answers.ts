/** The parts of the gateway's answers that are not a message: statuses, errors, compression. */

import { gzipSync } from 'node:zlib'
import { httpStatusOf, grpcStatus } from '../../proto/grpc-status.js'
import type { HttpExchange } from '../http/http-exchange.js'

export const APPLICATION_JSON = 'application/json'
/** The gateway of etcd passes on the header of the gRPC answer behind its own. */
export const GRPC_FIELDS: readonly string[] = Object.freeze(['Grpc-Metadata-Content-Type', 'application/grpc'])

/** Smaller answers do not get smaller; larger ones would hold the thread for too long. */
const GZIP_BYTES_MIN = 1024
const GZIP_BYTES_MAX = 1024 * 1024
/** The fastest: most of an answer is base64. */
const GZIP_LEVEL = 1
const GZIP_FIELDS: readonly string[] = Object.freeze(['Content-Encoding', 'gzip', 'Vary', 'Accept-Encoding'])
const REFUSES_GZIP = /(?:^|,)\s*gzip\s*;\s*q=0(?:\.0*)?\s*(?:,|$)/
const TAKES_GZIP = /(?:^|,)\s*(?:gzip|\*)\s*(?:;|,|$)/

export function errorJson(code: number, message: string): string {
  return JSON.stringify({ code, message })
}

/** A stream's error is a line like its results. */
export function errorLine(code: number, message: string): string {
  return `{"error":${errorJson(code, message)}}\n`
}

/** The whole answer to a call that failed before it had answered anything. */
export function respondError(exchange: HttpExchange, code: number, message: string, isStream = false): void {
  if (code === grpcStatus.unauthenticated) exchange.addHeaders(['WWW-Authenticate', printable(message)])
  const body = isStream ? errorLine(code, message) : errorJson(code, message)
  exchange.respond(httpStatusOf(code), APPLICATION_JSON, body)
}

export function respondJson(exchange: HttpExchange, body: Buffer): void {
  const isCompressed = body.length >= GZIP_BYTES_MIN && body.length <= GZIP_BYTES_MAX && takesGzip(exchange)
  exchange.addHeaders(isCompressed ? [...GRPC_FIELDS, ...GZIP_FIELDS] : GRPC_FIELDS)
  exchange.respond(200, APPLICATION_JSON, isCompressed ? gzipSync(body, { level: GZIP_LEVEL }) : body)
}

function takesGzip(exchange: HttpExchange): boolean {
  const accepted = exchange.header('accept-encoding')
  return accepted !== undefined && TAKES_GZIP.test(accepted) && !REFUSES_GZIP.test(accepted)
}

function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?')
}
