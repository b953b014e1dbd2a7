/** What gRPC makes of a request's header block: the method, how long, in which encoding, or why not at all. */

import { grpcStatus, type GrpcStatus } from '../../proto/grpc-status.js'
import type { HeaderBlock } from '../http2/hpack-decoder.js'
import type { HeaderField } from '../http2/hpack-static-table.js'
import { readRequestHead } from '../http2/request-head.js'
import { GrpcMetadata } from './grpc-metadata.js'
import { parseGrpcTimeout } from './grpc-timeout.js'

/** Why a call never reaches its service. */
export interface Refusal {
  readonly httpStatus: number
  readonly status: GrpcStatus
  readonly message: string
  /** The client used an encoding that we lack and should hear which ones there are. */
  readonly namesEncodings: boolean
  /** It is no gRPC call at all: others may want it. */
  readonly isOtherContent: boolean
}

export interface GrpcRequestHead {
  /** '/package.Service/Method'. */
  readonly method: string
  readonly metadata: GrpcMetadata
  /** Infinity when the client waits for ever. */
  readonly timeoutMs: number
  readonly encoding: 'identity' | 'gzip'
  /** -1 when not announced. */
  readonly contentLength: number
  readonly refusal: Refusal | null
}

export const ACCEPTED_ENCODINGS = 'identity,gzip'

const TIMEOUT_FIELD = 'grpc-timeout'
const CONTENT_TYPE = /^application\/grpc(\+proto)?(;|$)/
const TOO_LARGE: GrpcRequestHead = Object.freeze({
  method: '',
  metadata: new GrpcMetadata([]),
  timeoutMs: Infinity,
  encoding: 'identity',
  contentLength: -1,
  refusal: refusal(431, grpcStatus.resourceExhausted, 'request header list larger than allowed'),
})

/**
 * The last head of a connection. Clients that set deadlines send another `grpc-timeout` with every call, so that no
 * block is like the one before; all other fields come from the dynamic table and are the very same objects.
 */
export class RequestHeadReader {
  #fields: readonly HeaderField[] = []
  #timeoutAt = -1
  #head: GrpcRequestHead | null = null

  /** Null when the request is malformed. */
  read(block: HeaderBlock): GrpcRequestHead | null {
    const known = block.interpretation as GrpcRequestHead | null | undefined
    if (known !== undefined) return known
    const head = block.isTooLarge ? TOO_LARGE : this.#read(block.fields)
    block.interpretation = head
    return head
  }

  #read(fields: readonly HeaderField[]): GrpcRequestHead | null {
    const last = this.#head
    if (last !== null && this.#differsInTimeoutOnly(fields)) {
      return withTimeout(last, (fields[this.#timeoutAt] as HeaderField).value)
    }
    const head = interpret(fields)
    this.#head = head
    this.#fields = fields
    this.#timeoutAt = fields.findIndex((field) => field.name === TIMEOUT_FIELD)
    return head
  }

  #differsInTimeoutOnly(fields: readonly HeaderField[]): boolean {
    const lastFields = this.#fields
    const timeoutAt = this.#timeoutAt
    if (timeoutAt < 0 || fields.length !== lastFields.length) return false
    for (let i = 0; i < fields.length; i++) {
      if (fields[i] !== lastFields[i] && i !== timeoutAt) return false
    }
    return (fields[timeoutAt] as HeaderField).name === TIMEOUT_FIELD
  }
}

function withTimeout(head: GrpcRequestHead, text: string): GrpcRequestHead {
  const timeoutMs = parseGrpcTimeout(text)
  const { method, metadata, encoding, contentLength } = head
  if (Number.isNaN(timeoutMs)) {
    return { ...head, timeoutMs: Infinity, refusal: head.refusal ?? wrongTimeout(text) }
  }
  // A refusal over the last timeout must not outlive it.
  const kept = head.refusal !== null && head.refusal.message.startsWith(WRONG_TIMEOUT) ? null : head.refusal
  return { method, metadata, timeoutMs, encoding, contentLength, refusal: kept }
}

function interpret(all: readonly HeaderField[]): GrpcRequestHead | null {
  const request = readRequestHead(all)
  if (request === null) return null
  const fields = request.fields.filter((field) => field.name !== TIMEOUT_FIELD)
  const metadata = new GrpcMetadata(fields)
  const encoding = metadata.get('grpc-encoding') ?? 'identity'
  const head: GrpcRequestHead = {
    method: request.path,
    metadata,
    timeoutMs: Infinity,
    encoding: encoding === 'gzip' ? 'gzip' : 'identity',
    contentLength: request.contentLength,
    refusal: refusalOf(request.method, request.path, metadata.get('content-type') ?? '', encoding),
  }
  const timeout = request.fields.find((field) => field.name === TIMEOUT_FIELD)
  return timeout === undefined ? head : withTimeout(head, timeout.value)
}

function refusalOf(method: string, path: string, contentType: string, encoding: string): Refusal | null {
  if (!CONTENT_TYPE.test(contentType)) {
    const text = `invalid gRPC request content-type ${JSON.stringify(contentType)}`
    return { ...refusal(415, grpcStatus.invalidArgument, text), isOtherContent: true }
  }
  if (method !== 'POST') return refusal(405, grpcStatus.internal, `gRPC calls are made with POST, not ${method}`)
  if (!path.startsWith('/')) {
    return refusal(200, grpcStatus.unimplemented, `malformed method name: ${JSON.stringify(path)}`)
  }
  if (encoding === 'identity' || encoding === 'gzip') return null
  const text = `grpc: Decompressor is not installed for grpc-encoding ${JSON.stringify(encoding)}`
  return { ...refusal(200, grpcStatus.unimplemented, text), namesEncodings: true }
}

const WRONG_TIMEOUT = 'malformed grpc-timeout'

function wrongTimeout(text: string): Refusal {
  return refusal(400, grpcStatus.internal, `${WRONG_TIMEOUT}: ${JSON.stringify(text)}`)
}

function refusal(httpStatus: number, status: GrpcStatus, message: string): Refusal {
  return Object.freeze({ httpStatus, status, message, namesEncodings: false, isOtherContent: false })
}
