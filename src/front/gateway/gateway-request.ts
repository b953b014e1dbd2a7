/** One HTTP request to the gateway from its head to the end of its call. */

import type { GatewayRefusal } from '../../metrics/counter-catalogue.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import { inflate } from '../grpc/grpc-compression.js'
import type { HttpExchange } from '../http/http-exchange.js'
import { respondError } from './gateway-answers.js'
import type { GatewayRoute } from './gateway-routes.js'
import { JsonCall } from './json-call.js'
import type { JsonGateway } from './json-gateway.js'
import { SplitBody, WholeBody, type BodyOwner, type BodyProblem } from './request-body.js'

export class GatewayRequest implements BodyOwner {
  /** Its body must have come by then; Infinity when it has, or need not. */
  bodyDueMs: number
  /** Where the gateway keeps it until then; below zero when it does not. */
  slot = -1
  readonly #gateway: JsonGateway
  readonly #route: GatewayRoute
  readonly #exchange: HttpExchange
  readonly #timeoutMs: number
  readonly #isGzipped: boolean
  #body: SplitBody | WholeBody | null = null
  #call: JsonCall | null = null
  /** The body has come whole. */
  #hasBody = false

  constructor(gateway: JsonGateway, route: GatewayRoute, exchange: HttpExchange, options: {
    readonly timeoutMs: number
    readonly bodyDueMs: number
  }) {
    this.#gateway = gateway
    this.#route = route
    this.#exchange = exchange
    this.#timeoutMs = options.timeoutMs
    this.bodyDueMs = options.bodyDueMs
    this.#isGzipped = exchange.header('content-encoding') === 'gzip'
  }

  start(): void {
    const { held, bodyBytesMax } = this.#gateway
    const takesMore = this.#route.streaming === 'both'
    // A compressed body is inflated as a whole; one of messages has no end to wait for.
    const isSplit = this.#exchange.isMessageFramed || (takesMore && !this.#isGzipped)
    const body = isSplit ? new SplitBody(this, held, bodyBytesMax) : new WholeBody(this, held, bodyBytesMax)
    this.#body = body
    // Such a stream exists from its head on, whether or not anything is asked in it.
    if (takesMore && this.#startCall() === null) return
    this.#exchange.readBody(body)
  }

  onRequest(bytes: Buffer, start: number, end: number): void {
    this.#hasBody = this.#body instanceof WholeBody
    if (!this.#isGzipped) {
      this.#onText(bytes, start, end)
      if (this.#route.streaming === 'both' || !(this.#body instanceof SplitBody)) return
      this.#body.stop()
      return this.onBodyEnd()
    }
    const inflated = inflate(bytes, start, end, this.#gateway.bodyBytesMax)
    if (inflated.ok) this.#onText(inflated.bytes, 0, inflated.bytes.length)
    else if (inflated.code === 'too-large') this.onBodyProblem('too-large')
    else this.#refuse('malformed', grpcStatus.invalidArgument, `gzip: ${inflated.reason}`)
  }

  onBodyEnd(): void {
    this.bodyDueMs = Infinity
    this.#gateway.forget(this)
    const call = this.#call
    if (call === null || call.isOver) return
    this.#gateway.service.onHalfClose(call)
    this.#gateway.requestTurn()
  }

  onBodyProblem(problem: BodyProblem): void {
    const text = problem === 'too-large'
      ? `grpc: received message larger than max (${this.#gateway.bodyBytesMax} bytes of JSON)`
      : etcdErrors.requestTooManyRequests.message
    this.#refuse(problem, grpcStatus.resourceExhausted, text)
  }

  /** The body did not come in time. */
  onBodyDue(): void {
    this.#refuse('slow-body', grpcStatus.deadlineExceeded, 'the request body did not come in time')
  }

  onClosed(): void {
    this.bodyDueMs = Infinity
    this.#gateway.forget(this)
    const call = this.#call
    if (call === null || call.isOver) return
    call.leave()
    this.#gateway.service.onCancel(call)
    this.#gateway.requestTurn()
  }

  onWritable(): void {
    const call = this.#call
    if (call !== null && !call.isOver) this.#gateway.service.onWritable(call)
  }

  /** The call is over: nothing more of the body is wanted. */
  stop(): void {
    this.#body?.stop()
  }

  /** Every value of the text; one alone unless the call takes more. */
  #onText(text: Buffer, start: number, end: number): void {
    const { reader, service } = this.#gateway
    const { request, streaming } = this.#route
    let from = start
    do {
      if (isBlank(text, from, end)) {
        if (streaming === 'both') return
        reader.length = 0
      } else {
        const read = reader.read(request, text, from, end)
        if (!read.ok) return this.#refuse('malformed', grpcStatus.invalidArgument, read.problem)
        from = reader.textEnd
      }
      const max = this.#gateway.messageBytesMax
      if (reader.length > max) {
        const problem = `grpc: received message larger than max (${reader.length} vs. ${max})`
        return this.#refuse('too-large', grpcStatus.resourceExhausted, problem)
      }
      const call = this.#call ?? this.#startCall()
      if (call === null || call.isOver) return
      call.nowMs = this.#gateway.nowMs()
      service.onMessage(call, reader.bytes, 0, reader.length)
    } while (streaming === 'both' && !this.#isOver() && from < end)
    this.#gateway.requestTurn()
  }

  /** Null when the call was over as soon as it began. */
  #startCall(): JsonCall | null {
    const nowMs = this.#gateway.nowMs()
    const call = new JsonCall(this.#gateway, this.#route, this.#exchange, {
      metadata: this.#gateway.metadata.of(this.#exchange),
      nowMs,
      deadlineMs: nowMs + this.#timeoutMs,
      request: this,
    })
    this.#call = call
    this.#gateway.onCallStart(call)
    return call.isOver ? null : call
  }

  /** Answers in the service's place, and tells it. */
  #refuse(reason: GatewayRefusal, status: number, message: string): void {
    this.#gateway.countRefusal(reason)
    this.bodyDueMs = Infinity
    this.stop()
    const call = this.#call
    if (call === null) {
      // What is left of its body is not waited for.
      if (!this.#hasBody) this.#exchange.closeAfter()
      respondError(this.#exchange, status, message)
      this.#gateway.forget(this)
      return
    }
    if (call.isOver) return
    call.abort(status, message)
    this.#gateway.service.onCancel(call)
  }

  #isOver(): boolean {
    return this.#call?.isOver === true
  }
}

function isBlank(text: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if ((text[at] as number) > 0x20) return false
  return true
}
