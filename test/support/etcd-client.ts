/**
 * A thin typed etcd client for tests on @grpc/grpc-js: one method per RPC, errors as { code,
 * message }.
 */

import {
  Client,
  credentials,
  Metadata,
  status,
  type ChannelCredentials,
  type ClientDuplexStream,
  type ServiceError,
} from '@grpc/grpc-js'
import * as m from './etcd-messages.js'
import { MessageStream } from './message-stream.js'
import type { Codec, Input, Output } from './wire-message.js'

/** What a failed call told the client: the numeric gRPC code and the exact text. */
export class EtcdError extends Error {
  override readonly name = 'EtcdError'
  readonly code: number

  constructor(code: number, text: string) {
    super(text)
    this.code = code
  }

  /** `InvalidArgument etcdserver: ...`, for comparing with a table. */
  toText(): string {
    return `${codeName(this.code)} ${this.message}`
  }
}

export interface CallOptions {
  readonly deadlineMs?: number
  readonly metadata?: Readonly<Record<string, string>>
}

const KV = '/etcdserverpb.KV/'
const LEASE = '/etcdserverpb.Lease/'
const RECEIVE_BYTES_MAX = 2 ** 31 - 1

export class EtcdClient {
  readonly endpoint: string
  readonly #client: Client
  readonly #deadlineMs: number

  constructor(endpoint: string, options: { deadlineMs?: number; credentials?: ChannelCredentials } = {}) {
    this.endpoint = endpoint
    this.#deadlineMs = options.deadlineMs ?? 10_000
    this.#client = new Client(endpoint, options.credentials ?? credentials.createInsecure(), {
      'grpc.max_receive_message_length': RECEIVE_BYTES_MAX,
      'grpc.max_send_message_length': RECEIVE_BYTES_MAX,
      // Each client has a connection of its own, so that tests about connections mean what they
      // say.
      'grpc.use_local_subchannel_pool': 1,
      // A killed server comes back at once in crash tests; do not wait out the default backoff.
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 200,
    })
  }

  range(request: Input<typeof m.RangeRequest>, options?: CallOptions): Promise<m.RangeResponse> {
    return this.unary(`${KV}Range`, m.RangeRequest, m.RangeResponse, request, options)
  }

  put(
    request: Input<typeof m.PutRequest>,
    options?: CallOptions,
  ): Promise<Output<typeof m.PutResponse>> {
    return this.unary(`${KV}Put`, m.PutRequest, m.PutResponse, request, options)
  }

  deleteRange(
    request: Input<typeof m.DeleteRangeRequest>,
    options?: CallOptions,
  ): Promise<Output<typeof m.DeleteRangeResponse>> {
    return this.unary(
      `${KV}DeleteRange`,
      m.DeleteRangeRequest,
      m.DeleteRangeResponse,
      request,
      options,
    )
  }

  txn(request: m.TxnRequestIn, options?: CallOptions): Promise<m.TxnResponseOut> {
    return this.unary(`${KV}Txn`, m.TxnRequest, m.TxnResponse, request, options)
  }

  compact(
    request: Input<typeof m.CompactionRequest>,
    options?: CallOptions,
  ): Promise<Output<typeof m.HeaderOnly>> {
    return this.unary(`${KV}Compact`, m.CompactionRequest, m.HeaderOnly, request, options)
  }

  leaseGrant(
    request: Input<typeof m.LeaseGrantRequest>,
    options?: CallOptions,
  ): Promise<Output<typeof m.LeaseGrantResponse>> {
    return this.unary(
      `${LEASE}LeaseGrant`,
      m.LeaseGrantRequest,
      m.LeaseGrantResponse,
      request,
      options,
    )
  }

  leaseRevoke(id: bigint, options?: CallOptions): Promise<Output<typeof m.HeaderOnly>> {
    return this.unary(`${LEASE}LeaseRevoke`, m.LeaseIdRequest, m.HeaderOnly, { id }, options)
  }

  leaseTimeToLive(
    id: bigint,
    keys = false,
    options?: CallOptions,
  ): Promise<Output<typeof m.LeaseTimeToLiveResponse>> {
    return this.unary(
      `${LEASE}LeaseTimeToLive`,
      m.LeaseTimeToLiveRequest,
      m.LeaseTimeToLiveResponse,
      { id, keys },
      options,
    )
  }

  leaseLeases(options?: CallOptions): Promise<Output<typeof m.LeaseLeasesResponse>> {
    return this.unary(`${LEASE}LeaseLeases`, m.Empty, m.LeaseLeasesResponse, {}, options)
  }

  leaseKeepAlive(options?: CallOptions): MessageStream<Input<typeof m.LeaseIdRequest>, m.LeaseKeepAliveResponse> {
    return new MessageStream(
      this.duplex(`${LEASE}LeaseKeepAlive`, m.LeaseIdRequest, m.LeaseKeepAliveResponse, options),
    )
  }

  watch(options?: CallOptions): MessageStream<Input<typeof m.WatchRequest>, m.WatchResponse> {
    return new MessageStream(
      this.duplex('/etcdserverpb.Watch/Watch', m.WatchRequest, m.WatchResponse, options),
    )
  }

  status(options?: CallOptions): Promise<Output<typeof m.StatusResponse>> {
    return this.unary('/etcdserverpb.Maintenance/Status', m.Empty, m.StatusResponse, {}, options)
  }

  memberList(linearizable = true): Promise<Output<typeof m.MemberListResponse>> {
    return this.unary(
      '/etcdserverpb.Cluster/MemberList',
      m.MemberListRequest,
      m.MemberListResponse,
      { linearizable },
    )
  }

  health(service = ''): Promise<Output<typeof m.HealthCheckResponse>> {
    return this.unary('/grpc.health.v1.Health/Check', m.HealthCheckRequest, m.HealthCheckResponse, {
      service,
    })
  }

  /** Every chunk of a RangeStream, in order. */
  async rangeStream(request: Input<typeof m.RangeRequest>, options: CallOptions = {}): Promise<m.RangeResponse[]> {
    const call = this.#client.makeServerStreamRequest(
      `${KV}RangeStream`,
      (value: Input<typeof m.RangeRequest>) => m.RangeRequest.encode(value),
      (bytes: Buffer) => m.RangeStreamResponse.decode(bytes),
      request,
      metadataOf(options),
      { deadline: Date.now() + this.#deadlineMs },
    )
    const chunks: m.RangeResponse[] = []
    try {
      for await (const chunk of call as AsyncIterable<Output<typeof m.RangeStreamResponse>>) {
        if (chunk.rangeResponse !== undefined) chunks.push(chunk.rangeResponse)
      }
    } catch (error) {
      throw fromService(error as ServiceError)
    }
    return chunks
  }

  unary<In, Out>(
    path: string,
    request: Codec<In, unknown>,
    response: Codec<never, Out>,
    value: In,
    options: CallOptions = {},
  ): Promise<Out> {
    return this.raw(path, request.encode(value), options).then((bytes) => response.decode(bytes))
  }

  /** A unary call with the request's bytes as they are. */
  raw(path: string, request: Buffer, options: CallOptions = {}): Promise<Buffer> {
    const deadline = Date.now() + (options.deadlineMs ?? this.#deadlineMs)
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        request,
        metadataOf(options),
        { deadline },
        (error: ServiceError | null, bytes?: Buffer) => {
          if (error !== null) reject(fromService(error))
          else resolve(bytes ?? Buffer.alloc(0))
        },
      )
    })
  }

  duplex<In, Out>(
    path: string,
    request: Codec<In, unknown>,
    response: Codec<never, Out>,
    options: CallOptions = {},
  ): ClientDuplexStream<In, Out> {
    return this.#client.makeBidiStreamRequest(
      path,
      (value: In) => request.encode(value),
      (bytes: Buffer) => response.decode(bytes),
      metadataOf(options),
    )
  }

  close(): void {
    this.#client.close()
  }
}

export function codeName(code: number): string {
  const name = status[code]
  if (name === undefined) return `code ${code}`
  return name === 'OK'
    ? name
    : name
        .split('_')
        .map((word) => word.charAt(0) + word.slice(1).toLowerCase())
        .join('')
}

export function fromService(error: ServiceError): EtcdError {
  return new EtcdError(error.code, error.details)
}

/** The end of the range that holds every key with this prefix. */
export function prefixEnd(prefix: string | Uint8Array): Buffer {
  const end = Buffer.from(prefix as string)
  for (let i = end.length - 1; i >= 0; i--) {
    const byte = end[i] as number
    if (byte < 0xff) {
      end[i] = byte + 1
      return end.subarray(0, i + 1)
    }
  }
  return Buffer.from([0])
}

function metadataOf(options: CallOptions): Metadata {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(options.metadata ?? {})) metadata.set(name, value)
  return metadata
}
