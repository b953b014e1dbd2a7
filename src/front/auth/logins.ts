/**
 * Authenticate: the password is checked against a linearizable look at the user, then a log entry says when the user
 * logged in. If users or roles changed in between the password is looked at again.
 */

import type { JobsPool } from '../../actor/jobs/jobs-pool.js'
import { readAuthFlags, readUser } from '../../auth/auth-tables.js'
import type { JwtTokens } from '../../auth/jwt-tokens.js'
import { text } from '../../base/bytes.js'
import type { FrontMessages } from '../../messages/front-messages.js'
import type { Message } from '../../messages/protocol.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import {
  decodeAuthenticateRequest,
  encodeAuthenticateResponse,
  encodeInternalAuthenticateRequest,
} from '../../proto/generated/etcdserverpb.js'
import type { FrontContext } from '../front-context.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import type { ReadPath } from '../kv/read-path.js'
import { RequestKind, type PendingRequest } from '../requests/pending-request.js'
import { isEnded, type Proposer } from '../requests/proposer.js'
import { PasswordChecks, type PasswordOutcome } from './password-checks.js'

const TOKEN_LETTERS = 16
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** Letters taken from 64 random bits; more would make the last ones uneven. */
const LETTERS_OF_ID = 8
/** Users that keep changing: the client hears that what it knows is old, and comes back. */
const ATTEMPTS_MAX = 16

interface Login {
  readonly call: GrpcCall
  readonly name: string
  readonly password: string
  checkedRevision: number
  attempts: number
  prefix: string
}

export interface LoginsOptions {
  readonly context: FrontContext
  readonly proposer: Proposer
  readonly reads: ReadPath
  readonly jobs: JobsPool
  readonly jwt: JwtTokens | null
}

export class Logins {
  readonly #options: LoginsOptions
  readonly #passwords: PasswordChecks
  #revision = 0

  constructor(options: LoginsOptions) {
    this.#options = options
    this.#passwords = new PasswordChecks(options.jobs)
  }

  authenticate(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const { proposer, reads } = this.#options
    const { name, password } = decodeAuthenticateRequest(bytes, start, end)
    const login: Login = { call, name, password, checkedRevision: 0, attempts: 0, prefix: '' }
    if (reads.isFull) proposer.fail(call, etcdErrors.requestTooManyRequests.id)
    else reads.linearizable({ call, run: () => this.#lookUp(login) }, proposer.heardMs)
  }

  onApplied(pending: PendingRequest, { count, index, revision }: Message<FrontMessages, 'applied'>): void {
    const login = pending.request as Login
    if (count !== login.checkedRevision) {
      this.#options.reads.whenFresh({ call: login.call, run: () => this.#lookUp(login) })
      return
    }
    const { jwt } = this.#options
    if (jwt === null) this.#answer(login.call, revision, `${login.prefix}.${index}`)
    else this.#sign(jwt, login, revision)
  }

  #lookUp(login: Login): void {
    const { call, name, password } = login
    if (isEnded(call)) return
    const { proposer, reads, context, jwt } = this.#options
    const store = reads.store()
    const flags = readAuthFlags(store)
    if (!flags.enabled) return proposer.fail(call, etcdErrors.authNotEnabled.id)
    const user = readUser(store, name)
    if (user === null || context.config.authToken.kind === 'none') return proposer.fail(call, etcdErrors.authFailed.id)
    if (user.options?.no_password === true) return proposer.fail(call, etcdErrors.noPasswordUser.id)
    if (login.attempts++ >= ATTEMPTS_MAX) return proposer.fail(call, etcdErrors.authOldRevision.id)
    login.checkedRevision = flags.revision
    login.prefix = jwt === null ? this.#freshPrefix() : ''
    if (flags.revision !== this.#revision) {
      this.#revision = flags.revision
      this.#passwords.forget()
    }
    const question = { user: name, password, hash: text(user.password) }
    this.#passwords.check(question, (outcome) => this.#onChecked(login, outcome))
  }

  #onChecked(login: Login, outcome: PasswordOutcome): void {
    const { call, name, prefix } = login
    const { proposer, context, jwt } = this.#options
    context.requestTurn()
    if (isEnded(call)) return
    if (outcome === 'busy') return proposer.fail(call, etcdErrors.requestTooManyRequests.id)
    if (outcome === 'wrong') return proposer.fail(call, etcdErrors.authFailed.id)
    if (jwt !== null && !jwt.canSign) return proposer.fail(call, etcdErrors.authVerifyOnly.id)
    const body = encodeInternalAuthenticateRequest({ name, simple_token: prefix })
    proposer.heardMs = context.clock.nowMs()
    proposer.propose(call, RequestKind.authenticate, body, 0, body.length, { request: login })
  }

  #sign(jwt: JwtTokens, { call, name, checkedRevision }: Login, revision: number): void {
    const { context, proposer } = this.#options
    jwt.sign({ user: name, revision: checkedRevision }, context.clock.wallMs()).then(
      (token) => {
        this.#answer(call, revision, token)
        context.requestTurn()
      },
      (error: Error) => {
        context.logger.error('front', 'failed to sign a token', { error: error.message })
        proposer.fail(call, etcdErrors.authFailed.id)
        context.requestTurn()
      },
    )
  }

  #answer(call: GrpcCall, revision: number, token: string): void {
    const { proposer } = this.#options
    const header = proposer.headers.fields(revision)
    proposer.answer(call, encodeAuthenticateResponse({ header, token }))
  }

  #freshPrefix(): string {
    let letters = ''
    while (letters.length < TOKEN_LETTERS) {
      let id = this.#options.context.randomId()
      for (let i = 0; i < LETTERS_OF_ID; i++) {
        letters += LETTERS.charAt(Number(id % BigInt(LETTERS.length)))
        id /= BigInt(LETTERS.length)
      }
    }
    return letters
  }
}
