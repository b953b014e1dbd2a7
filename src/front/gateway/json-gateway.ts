/**
 * The JSON gateway: requests to /v3/... become calls of the same services that answer gRPC, on the same thread, with
 * nothing in between but the mapping of JSON to protobuf and back.
 */

import type { Clock } from '../../base/clock.js'
import { counters, GATEWAY_REFUSALS, type GatewayRefusal } from '../../metrics/counter-catalogue.js'
import type { Counters } from '../../metrics/counters.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import { JsonReader } from '../../proto/json/json-reader.js'
import { JsonWriter } from '../../proto/json/json-writer.js'
import { CallDeadlines } from '../grpc/call-deadlines.js'
import type { GrpcService } from '../grpc/grpc-call.js'
import { parseGrpcTimeout } from '../grpc/grpc-timeout.js'
import type { HttpExchange } from '../http/http-exchange.js'
import { respondError } from './gateway-answers.js'
import { GatewayMetadata } from './gateway-metadata.js'
import { GatewayRequest } from './gateway-request.js'
import { gatewayRoutes } from './gateway-routes.js'
import type { JsonCall, JsonCallHost } from './json-call.js'
import { HeldBodies } from './request-body.js'

export interface JsonGatewayOptions {
  readonly clock: Clock
  readonly counters: Counters
  readonly service: GrpcService
  /** Largest request message in its protobuf form. */
  readonly messageBytesMax: number
  readonly requestTurn: () => void
}

export const GATEWAY_PREFIX = '/v3/'
const KIB = 1024
/** Base64 takes 4/3 of its bytes, escapes and other spellings more. */
const JSON_BYTES_PER_BYTE = 2
const HELD_BYTES_MAX = 256 * 1024 * KIB
const SCRATCH_BYTES = 64 * KIB
/** How long the body of a request may take. */
const BODY_MS_MAX = 60_000
const BODY_CHECK_MS = 1000
const FORM = 'application/x-www-form-urlencoded'

export class JsonGateway implements JsonCallHost {
  readonly service: GrpcService
  readonly messageBytesMax: number
  readonly bodyBytesMax: number
  readonly reader = new JsonReader()
  readonly writer = new JsonWriter()
  readonly scratch: Buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  readonly metadata = new GatewayMetadata()
  readonly held: HeldBodies
  readonly #counters: Counters
  readonly #clock: Clock
  readonly #requestTurn: () => void
  readonly #routes = gatewayRoutes()
  readonly #deadlines = new CallDeadlines<JsonCall>()
  /** Requests whose body has not come whole, each in its slot. */
  readonly #requests: GatewayRequest[] = []
  #checkAtMs = Infinity

  constructor(options: JsonGatewayOptions) {
    this.#clock = options.clock
    this.#counters = options.counters
    this.held = new HeldBodies(HELD_BYTES_MAX, options.counters)
    this.service = options.service
    this.messageBytesMax = options.messageBytesMax
    this.bodyBytesMax = JSON_BYTES_PER_BYTE * options.messageBytesMax + SCRATCH_BYTES
    this.#requestTurn = options.requestTurn
  }

  /** Answers a request to a path that begins with `GATEWAY_PREFIX`. */
  answer(exchange: HttpExchange, path: string): void {
    this.#counters.add(counters.gatewayRequests)
    const route = this.#routes.get(path)
    if (route === undefined) {
      this.countRefusal('unknown-path')
      return respondError(exchange, grpcStatus.notFound, 'Not Found')
    }
    if (methodOf(exchange) !== 'POST') {
      this.countRefusal('wrong-method')
      return respondError(exchange, grpcStatus.unimplemented, 'Method Not Allowed')
    }
    const timeout = exchange.header('grpc-timeout')
    const timeoutMs = timeout === undefined ? Infinity : parseGrpcTimeout(timeout)
    if (Number.isNaN(timeoutMs)) {
      this.countRefusal('wrong-timeout')
      return respondError(exchange, grpcStatus.invalidArgument, `invalid grpc-timeout: ${timeout}`)
    }
    const bodyDueMs = route.streaming === 'both' ? Infinity : this.nowMs() + BODY_MS_MAX
    const request = new GatewayRequest(this, route, exchange, {
      // No time at all means no limit, as in etcd.
      timeoutMs: timeoutMs === 0 ? Infinity : timeoutMs,
      bodyDueMs,
    })
    if (bodyDueMs !== Infinity) this.#watch(request)
    request.start()
  }

  wakeAtMs(): number {
    return Math.min(this.#deadlines.wakeAtMs(), this.#checkAtMs)
  }

  onDeadline(nowMs: number): void {
    this.#deadlines.expire(nowMs, this.#onCallDue)
    if (nowMs < this.#checkAtMs) return
    // Backwards: what takes the place of one that leaves has been looked at.
    for (let slot = this.#requests.length - 1; slot >= 0; slot--) {
      const request = this.#requests[slot]
      if (request === undefined || nowMs < request.bodyDueMs) continue
      this.forget(request)
      request.onBodyDue()
    }
    this.#checkAtMs = this.#requests.length === 0 ? Infinity : nowMs + BODY_CHECK_MS
  }

  // What requests and calls need.

  nowMs(): number {
    return this.#clock.nowMs()
  }

  requestTurn(): void {
    this.#requestTurn()
  }

  countRefusal(reason: GatewayRefusal): void {
    this.#counters.addTo(counters.gatewayRefused, GATEWAY_REFUSALS.indexOf(reason))
  }

  forget(request: GatewayRequest): void {
    const { slot } = request
    if (slot < 0) return
    request.slot = -1
    const last = this.#requests.pop()
    if (last === undefined || last === request) return
    this.#requests[slot] = last
    last.slot = slot
  }

  onCallStart(call: JsonCall): void {
    if (call.deadlineMs !== Infinity) this.#deadlines.add(call, call.nowMs)
    this.service.onCallStart(call)
  }

  onCallOver(call: JsonCall): void {
    this.#deadlines.remove(call)
  }

  #watch(request: GatewayRequest): void {
    request.slot = this.#requests.push(request) - 1
    if (this.#checkAtMs === Infinity) this.#checkAtMs = this.nowMs() + BODY_CHECK_MS
  }

  readonly #onCallDue = (call: JsonCall): void => {
    call.abort(grpcStatus.deadlineExceeded, 'context deadline exceeded')
    this.service.onCancel(call)
  }
}

/** Forms can only be posted, and may say what they would rather be. */
function methodOf(exchange: HttpExchange): string {
  const { method } = exchange
  if (method !== 'POST') return method
  const override = exchange.header('x-http-method-override')
  if (override === undefined || override === '') return method
  return exchange.header('content-type')?.startsWith(FORM) === true ? override : method
}
