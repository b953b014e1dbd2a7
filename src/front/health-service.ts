/**
 * grpc.health.v1.Health: one service, the server itself, under the empty name. It serves as long as the port is open;
 * with the feature gate StopGRPCServiceOnDefrag not while a defragmentation is asked for, so that clients go elsewhere
 * meanwhile. Requests are answered all the same.
 */

import { etcdErrors } from '../proto/etcd-errors.js'
import { Word, type SharedWords } from '../messages/shared-words.js'
import {
  decodeHealthCheckRequest,
  encodeHealthCheckResponse,
  encodeHealthListResponse,
  HealthCheckResponseServingStatus,
} from '../proto/generated/grpc-health-v1.js'
import { grpcStatus } from '../proto/grpc-status.js'
import type { GrpcCall } from './grpc/grpc-call.js'

const SERVING = HealthCheckResponseServingStatus.SERVING
const NOT_SERVING = HealthCheckResponseServingStatus.NOT_SERVING
const SERVICE_UNKNOWN = HealthCheckResponseServingStatus.SERVICE_UNKNOWN

export class HealthService {
  readonly #words: SharedWords
  readonly #stopsOnDefrag: boolean
  /** Who watches the server; those who watch anything else hear once that it is unknown. */
  readonly #watching = new Set<GrpcCall>()
  readonly #unknowing = new Set<GrpcCall>()
  #told: number = SERVING

  constructor(words: SharedWords, stopsOnDefrag: boolean) {
    this.#words = words
    this.#stopsOnDefrag = stopsOnDefrag
  }

  check(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    if (decodeHealthCheckRequest(bytes, start, end).service !== '') {
      call.finish(grpcStatus.notFound, 'unknown service')
      return
    }
    call.sendMessage(encodeHealthCheckResponse({ status: this.#status() }))
    call.finish(grpcStatus.ok, '')
  }

  /** The state as it is, then each change; the stream stays. */
  watch(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const isKnown = decodeHealthCheckRequest(bytes, start, end).service === ''
    if (isKnown) this.#watching.add(call)
    else this.#unknowing.add(call)
    call.sendMessage(encodeHealthCheckResponse({ status: isKnown ? this.#told : SERVICE_UNKNOWN }))
  }

  onWatchClosed(call: GrpcCall): void {
    this.#watching.delete(call)
    this.#unknowing.delete(call)
  }

  /** True if those who watch have something to hear. */
  hasChanged(): boolean {
    return this.#stopsOnDefrag && this.#status() !== this.#told
  }

  /** Tells them; returns how many. */
  tell(): number {
    if (!this.hasChanged()) return 0
    this.#told = this.#status()
    for (const call of this.#watching) {
      if (!call.isOver) call.sendMessage(encodeHealthCheckResponse({ status: this.#told }))
    }
    return this.#watching.size
  }

  /** The server is going down. */
  closeAll(): void {
    for (const call of [...this.#watching, ...this.#unknowing]) {
      if (!call.isOver) call.abort(etcdErrors.stopped.code, etcdErrors.stopped.message)
    }
    this.#watching.clear()
    this.#unknowing.clear()
  }

  list(call: GrpcCall): void {
    call.sendMessage(encodeHealthListResponse({ statuses: new Map([['', { status: this.#status() }]]) }))
    call.finish(grpcStatus.ok, '')
  }

  #status(): number {
    if (!this.#stopsOnDefrag) return SERVING
    return this.#words.load(Word.shrinkAsked) === this.#words.load(Word.shrinkAnswered) ? SERVING : NOT_SERVING
  }
}
