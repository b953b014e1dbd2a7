/**
 * A client of the front's own services without a socket, for services that are built on keys, leases and watches as a
 * program outside would be. What it asks for travels like any client's request, with the rights of the client on whose
 * behalf it is asked.
 */

import type { Clock } from '../../base/clock.js'
import {
  decodeDeleteRangeResponse,
  decodeLeaseGrantResponse,
  decodeRangeResponse,
  decodeTxnResponse,
  decodeWatchResponse,
  encodeDeleteRangeRequest,
  encodeLeaseGrantRequest,
  encodeRangeRequest,
  encodeTxnRequest,
  encodeWatchRequest,
  type DeleteRangeResponse,
  type LeaseGrantResponse,
  type RangeRequestInput,
  type RangeResponse,
  type TxnRequestInput,
  type TxnResponse,
  type WatchCreateRequestInput,
  type WatchResponse,
} from '../../proto/generated/etcdserverpb.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import type { GrpcCall, GrpcService } from '../grpc/grpc-call.js'
import type { Asker } from './asker.js'
import { InnerCall, type InnerEnd } from './inner-call.js'

export type Inner<T> = { readonly ok: true; readonly value: T } | Refused
/** The request had no answer but this error. */
export type Refused = { readonly ok: false; readonly message: string }

export class InnerClient {
  readonly #service: GrpcService
  readonly #clock: Clock
  readonly #requestTurn: () => void

  constructor(options: { service: GrpcService; clock: Clock; requestTurn: () => void }) {
    this.#service = options.service
    this.#clock = options.clock
    this.#requestTurn = options.requestTurn
  }

  async grant(asker: Asker, ttlSeconds: number): Promise<Inner<LeaseGrantResponse>> {
    const request = encodeLeaseGrantRequest({ TTL: ttlSeconds })
    return decoded(await this.#unary(asker, '/etcdserverpb.Lease/LeaseGrant', request), decodeLeaseGrantResponse)
  }

  async txn(asker: Asker, request: TxnRequestInput): Promise<Inner<TxnResponse>> {
    return decoded(await this.#unary(asker, '/etcdserverpb.KV/Txn', encodeTxnRequest(request)), decodeTxnResponse)
  }

  async range(asker: Asker, request: RangeRequestInput): Promise<Inner<RangeResponse>> {
    const bytes = encodeRangeRequest(request)
    return decoded(await this.#unary(asker, '/etcdserverpb.KV/Range', bytes), decodeRangeResponse)
  }

  async deleteKey(asker: Asker, key: Uint8Array): Promise<Inner<DeleteRangeResponse>> {
    const bytes = encodeDeleteRangeRequest({ key })
    return decoded(await this.#unary(asker, '/etcdserverpb.KV/DeleteRange', bytes), decodeDeleteRangeResponse)
  }

  /** Ends with the asker's call if nobody closes it before; for one that has gone already it never begins. */
  watch(asker: Asker, request: WatchCreateRequestInput): InnerWatch {
    const service = this.#service
    const watch = new InnerWatch(service, asker, this.#clock.nowMs())
    if (asker.isGone) {
      watch.close()
      return watch
    }
    service.onCallStart(watch.call)
    this.#send(watch.call, encodeWatchRequest({ create_request: request }))
    return watch
  }

  #unary(asker: Asker, method: string, request: Uint8Array): Promise<Inner<Uint8Array>> {
    return new Promise((resolve) => {
      const call: InnerCall = new InnerCall({
        method,
        behalf: asker.call,
        nowMs: this.#clock.nowMs(),
        onNews: () => {
          if (call.end !== null) resolve(outcome(call, call.end))
        },
      })
      this.#service.onCallStart(call)
      this.#send(call, request)
    })
  }

  #send(call: InnerCall, request: Uint8Array): void {
    if (call.isOver) return
    this.#service.onMessage(call, Buffer.from(request.buffer, request.byteOffset, request.length), 0, request.length)
    this.#requestTurn()
  }
}

export class InnerWatch {
  readonly call: InnerCall
  readonly #service: GrpcService
  readonly #forgetAsker: () => void
  #wake: (() => void) | null = null

  constructor(service: GrpcService, asker: Asker, nowMs: number) {
    this.#service = service
    this.call = new InnerCall({
      method: '/etcdserverpb.Watch/Watch',
      behalf: asker.call,
      nowMs,
      onNews: () => this.#wake?.(),
    })
    this.#forgetAsker = asker.whenGone(() => this.close())
  }

  /** The next response that is not about the watch itself; null when there will be none. */
  async next(): Promise<WatchResponse | null> {
    for (;;) {
      const message = await this.#nextMessage()
      if (message === null) return null
      const response = decodeWatchResponse(message)
      if (response.canceled || response.events.length > 0) return response
    }
  }

  close(): void {
    this.#forgetAsker()
    if (this.call.context !== null) this.#service.onCancel(this.call)
    this.call.context = null
    this.call.drop()
    this.#wake?.()
  }

  async #nextMessage(): Promise<Uint8Array | null> {
    const { call } = this
    while (!call.hasMessage && call.end === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = null
    }
    const message = call.take()
    if (!call.hasMessage && call.wantsWritable) {
      call.wantsWritable = false
      if (!call.isOver) this.#service.onWritable(call)
    }
    return message
  }
}

/** Fails the call with an inner error. etcd passes such errors on as texts, so that their code is lost. */
export function passOn(call: GrpcCall, refused: Refused): void {
  call.finish(grpcStatus.unknown, refused.message)
}

function outcome(call: InnerCall, end: InnerEnd): Inner<Uint8Array> {
  if (end.status !== grpcStatus.ok) return { ok: false, message: end.message }
  return { ok: true, value: call.take() ?? new Uint8Array(0) }
}

function decoded<T>(answer: Inner<Uint8Array>, decode: (bytes: Uint8Array) => T): Inner<T> {
  return answer.ok ? { ok: true, value: decode(answer.value) } : answer
}
