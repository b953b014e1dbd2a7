/** What clients ask, from whichever transport: each call goes to the route of its method, past the gate of auth. */

import { assert } from '../base/assert.js'
import { Word } from '../messages/shared-words.js'
import { etcdErrors } from '../proto/etcd-errors.js'
import { grpcStatus } from '../proto/grpc-status.js'
import { ProtoError } from '../proto/proto-error.js'
import type { AuthGate } from './auth/auth-gate.js'
import type { FrontContext } from './front-context.js'
import { isForLearner, isRequestForLearner } from './cluster/learner-gate.js'
import { CallMeters } from './grpc/call-meter.js'
import type { GrpcCall, GrpcService } from './grpc/grpc-call.js'
import { refuseUnknown, type Route, type Routes } from './grpc-routes.js'
import type { RangeJobs } from './kv/range-jobs.js'
import { LeaderlessStreams } from './requests/leaderless-streams.js'
import type { LeaderWatch } from './requests/leader-watch.js'
import { finishWith, isEnded, type Proposer } from './requests/proposer.js'

/** The unary call has its message. */
const ASKED = Symbol('asked')

export interface ClientCallsOptions {
  readonly context: FrontContext
  readonly proposer: Proposer
  readonly gate: AuthGate
  readonly jobs: RangeJobs
  readonly leader: LeaderWatch
}

export class ClientCalls implements GrpcService {
  readonly meters: CallMeters
  readonly leaderless: LeaderlessStreams
  readonly #context: FrontContext
  readonly #proposer: Proposer
  readonly #gate: AuthGate
  readonly #jobs: RangeJobs
  /** Set once, before the first call: services are clients of each other. */
  routes: Routes = new Map()

  constructor({ context, proposer, gate, jobs, leader }: ClientCallsOptions) {
    this.#context = context
    this.#proposer = proposer
    this.#gate = gate
    this.#jobs = jobs
    this.meters = new CallMeters(context.counters, context.config.metrics === 'extensive')
    this.leaderless = new LeaderlessStreams(leader, context.config.electionMs, (call) => {
      this.#proposer.fail(call, etcdErrors.noLeader.id)
    })
    proposer.onFailed = (call) => this.onCancel(call)
  }

  onCallStart(call: GrpcCall): void {
    const route = this.routes.get(call.method)
    if (route === undefined) return refuseUnknown(call, this.routes)
    if (!this.meters.countClient(call)) {
      return finishWith(call, etcdErrors.invalidClientAPIVersion.id)
    }
    if (this.#isLearner && !isForLearner(call.method)) return finishWith(call, etcdErrors.notSupportedForLearner.id)
    if (!call.isInner && call.metadata.get('hasleader') === 'true') {
      if (!this.leaderless.hasLeader) return finishWith(call, etcdErrors.noLeader.id)
      if (this.meters.isStream(call.method)) this.leaderless.add(call)
    }
    if (route.kind !== 'stream') return
    this.meters.start(call)
    route.open(call)
  }

  onMessage(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const route = this.routes.get(call.method)
    assert(route !== undefined, 'a call without a route has ended')
    this.#proposer.heardMs = call.nowMs
    if (route.kind === 'unary') {
      if (call.context !== null) return
      call.context = ASKED
      this.meters.start(call)
    }
    if (!call.isInner) call.meter?.received(end - start)
    if (!this.#gate.stops(call, bytes, start, end)) this.#take(call, route, bytes, start, end)
    this.#proposer.authMs = 0
  }

  onHalfClose(call: GrpcCall): void {
    const route = this.routes.get(call.method)
    if (route === undefined || isEnded(call) || this.#gate.stopsHalfClose(call)) return
    if (route.kind === 'stream') route.onHalfClose(call)
    else if (call.context === null) call.finish(grpcStatus.internal, 'EOF')
  }

  /** What a service holds for a call goes when this front ends it, as it does when the client does. */
  onCancel(call: GrpcCall): void {
    const route = this.routes.get(call.method)
    this.leaderless.delete(call)
    route?.onClosed?.(call)
  }

  onWritable(call: GrpcCall): void {
    const route = this.routes.get(call.method)
    route?.onWritable?.(call)
    this.#jobs.onWritable(call)
    this.#context.requestTurn()
  }

  /** What the gate has held back: a message, or null for a half-close. */
  deliver(call: GrpcCall, bytes: Buffer | null): void {
    const route = this.routes.get(call.method)
    assert(route !== undefined, 'a call without a route has ended')
    if (bytes !== null) this.#take(call, route, bytes, 0, bytes.length)
    else if (route.kind === 'stream') route.onHalfClose(call)
  }

  #take(call: GrpcCall, route: Route, bytes: Buffer, start: number, end: number): void {
    try {
      if (this.#isLearner && route.kind === 'unary' && !isRequestForLearner(call.method, bytes, start, end)) {
        return this.#proposer.fail(call, etcdErrors.notSupportedForLearner.id)
      }
      if (route.kind === 'stream') route.onMessage(call, bytes, start, end)
      else route.answer(call, bytes, start, end)
    } catch (error) {
      if (!(error instanceof ProtoError)) throw error
      if (route.kind === 'stream') this.meters.countReceiveFailure(call.method)
      if (!isEnded(call)) {
        call.abort(grpcStatus.internal, `grpc: error unmarshalling request: ${error.message}`)
        this.onCancel(call)
      }
    }
  }

  get #isLearner(): boolean {
    return this.#context.words.isOdd(Word.isLearner)
  }
}
