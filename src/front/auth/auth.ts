/** All of a front that has to do with users: the gate that every message passes, log-ins, and the Auth service. */

import { JobsPool, type PasswordJobs } from '../../actor/jobs/jobs-pool.js'
import { readJwtKeys } from '../../auth/jwt-keys-file.js'
import { JwtTokens } from '../../auth/jwt-tokens.js'
import { assert } from '../../base/assert.js'
import type { FrontMessages } from '../../messages/front-messages.js'
import type { Message } from '../../messages/protocol.js'
import type { FrontContext } from '../front-context.js'
import type { Route } from '../grpc-routes.js'
import type { ReadPath } from '../kv/read-path.js'
import { RequestKind, type PendingRequest } from '../requests/pending-request.js'
import type { Proposer } from '../requests/proposer.js'
import { AuthGate, type AuthGateOptions } from './auth-gate.js'
import { AuthService } from './auth-service.js'
import { Logins } from './logins.js'

/** Hashes that may wait for a thread: at some 70 ms each these are more than clients have patience for. */
const JOBS_MAX = 4096

export class Auth {
  readonly gate: AuthGate
  readonly #service: AuthService
  readonly #logins: Logins
  readonly #jobs: PasswordJobs

  constructor(
    context: FrontContext,
    proposer: Proposer,
    reads: ReadPath,
    deliver: AuthGateOptions['deliver'],
  ) {
    const jwt = jwtTokens(context)
    const { passwordWorkers } = context.config
    this.#jobs = context.passwordJobs ?? new JobsPool({ threadsMax: passwordWorkers, queueMax: JOBS_MAX })
    this.gate = new AuthGate({ context, proposer, reads, jwt, deliver })
    this.#logins = new Logins({ context, proposer, reads, jobs: this.#jobs, jwt })
    const shared = { context, proposer, reads, jobs: this.#jobs }
    this.#service = new AuthService({ ...shared, gate: this.gate, logins: this.#logins })
    proposer.guard = this.gate
  }

  routes(): readonly (readonly [string, Route])[] {
    return this.#service.routes()
  }

  onApplied(pending: PendingRequest, message: Message<FrontMessages, 'applied'>): void {
    if (pending.kind === RequestKind.authenticate) this.#logins.onApplied(pending, message)
    else this.#service.onChanged(pending, message)
  }

  /** A few steps of the log-ins that wait. */
  stepLogins(): number {
    return this.#logins.work()
  }

  close(): void {
    void this.#jobs.close()
  }
}

/** The keys were looked at before this thread was started. */
function jwtTokens(context: FrontContext): JwtTokens | null {
  const { authToken } = context.config
  if (authToken.kind !== 'jwt') return null
  const read = readJwtKeys(authToken)
  assert(read.ok, 'the keys of tokens were readable when the node started')
  return new JwtTokens(authToken, read.keys, () => context.requestTurn())
}
