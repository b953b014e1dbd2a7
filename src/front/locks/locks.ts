/** The lock and election services of a front, built on its other services. */

import type { FrontContext } from '../front-context.js'
import type { GrpcCall, GrpcService } from '../grpc/grpc-call.js'
import { unary, type Route, type UnaryRoute } from '../grpc-routes.js'
import { ElectionService } from './election-service.js'
import { InnerClient } from './inner-client.js'
import { LockService } from './lock-service.js'
import { OpenAskers } from './open-askers.js'

export class Locks {
  readonly #open: OpenAskers
  readonly #locks: LockService
  readonly #elections: ElectionService

  constructor(service: GrpcService, { clock, logger, requestTurn }: FrontContext) {
    const client = new InnerClient({ service, clock, requestTurn })
    this.#open = new OpenAskers(logger)
    this.#locks = new LockService(client, this.#open)
    this.#elections = new ElectionService(client, this.#open)
  }

  get isIdle(): boolean {
    return this.#open.isIdle
  }

  closeAll(): void {
    this.#open.closeAll()
  }

  routes(): [string, Route][] {
    const locks = this.#locks
    const elections = this.#elections
    return [
      ['/v3lockpb.Lock/Lock', this.#long((call, bytes, start, end) => locks.lock(call, bytes, start, end))],
      ['/v3lockpb.Lock/Unlock', this.#long((call, bytes, start, end) => locks.unlock(call, bytes, start, end))],
      [
        '/v3electionpb.Election/Campaign',
        this.#long((call, bytes, start, end) => elections.campaign(call, bytes, start, end)),
      ],
      [
        '/v3electionpb.Election/Proclaim',
        this.#long((call, bytes, start, end) => elections.proclaim(call, bytes, start, end)),
      ],
      [
        '/v3electionpb.Election/Leader',
        this.#long((call, bytes, start, end) => elections.leader(call, bytes, start, end)),
      ],
      [
        '/v3electionpb.Election/Observe',
        this.#long((call, bytes, start, end) => elections.observe(call, bytes, start, end)),
      ],
      [
        '/v3electionpb.Election/Resign',
        this.#long((call, bytes, start, end) => elections.resign(call, bytes, start, end)),
      ],
    ]
  }

  #long(answer: UnaryRoute['answer']): UnaryRoute {
    return unary(answer, {
      onClosed: (call: GrpcCall) => this.#open.onClosed(call),
      onWritable: (call: GrpcCall) => this.#open.onWritable(call),
    })
  }
}
