/**
 * Authenticate: the password is checked against a linearizable look at the user, then a log entry says when the user
 * logged in. If users or roles changed in between the password is looked at again.
 *
 * A turn takes a few steps of log-ins and no more, so that a burst of them does not hold up what others ask.
 */

import type { PasswordJobs } from '../../actor/jobs/jobs-pool.js'
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
const COMBINATIONS_OF_ID = BigInt(LETTERS.length) ** BigInt(LETTERS_OF_ID)
/** Log-ins that a turn looks up, and as many that it puts into the log. Each takes some 30 us, the first ones more. */
const STEPS_OF_TURN = 4
/** Log-ins that may wait for a turn. */
const WAITING_MAX = 16_384
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
  readonly jobs: PasswordJobs
  readonly jwt: JwtTokens | null
}

export class Logins {
  readonly #options: LoginsOptions
  readonly #passwords: PasswordChecks
  #revision = 0
  /** To be looked up. */
  readonly #heard: Login[] = []
  /** The password is right. */
  readonly #checked: Login[] = []
  readonly #lookUpSome = { call: null, run: (): void => this.#lookUpSteps() }

  constructor(options: LoginsOptions) {
    this.#options = options
    this.#passwords = new PasswordChecks(options.jobs)
  }

  authenticate(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const { proposer, reads } = this.#options
    if (reads.isFull || this.#heard.length + this.#checked.length >= WAITING_MAX) {
      proposer.fail(call, etcdErrors.requestTooManyRequests.id)
      return
    }
    const { name, password } = decodeAuthenticateRequest(bytes, start, end)
    const login: Login = { call, name, password, checkedRevision: 0, attempts: 0, prefix: '' }
    reads.linearizable({ call, run: () => this.#lookUpSoon(login) }, proposer.heardMs)
  }

  /** The steps of one turn; those that need a snapshot are taken when reads are served in it. */
  work(): number {
    if (this.#heard.length > 0) this.#options.reads.whenFresh(this.#lookUpSome)
    let steps = 0
    for (; steps < STEPS_OF_TURN && this.#checked.length > 0; steps++) this.#propose(this.#checked.shift() as Login)
    if (this.#checked.length > 0) this.#options.context.requestTurn()
    return steps
  }

  onApplied(pending: PendingRequest, { count, index, revision }: Message<FrontMessages, 'applied'>): void {
    const login = pending.request as Login
    if (count !== login.checkedRevision) {
      this.#lookUpSoon(login)
      return
    }
    const { jwt } = this.#options
    if (jwt === null) this.#answer(login.call, revision, `${login.prefix}.${index}`)
    else this.#sign(jwt, login, revision)
  }

  /** Any snapshot from now on shows what the log-in must see. */
  #lookUpSoon(login: Login): void {
    this.#heard.push(login)
    this.#options.context.requestTurn()
  }

  #lookUpSteps(): void {
    for (let i = 0; i < STEPS_OF_TURN && this.#heard.length > 0; i++) this.#lookUp(this.#heard.shift() as Login)
    if (this.#heard.length > 0) this.#options.context.requestTurn()
  }

  #lookUp(login: Login): void {
    const { call, name, password } = login
    if (isEnded(call)) return
    const { proposer, reads, context } = this.#options
    const store = reads.store()
    const flags = readAuthFlags(store)
    if (!flags.enabled) return proposer.fail(call, etcdErrors.authNotEnabled.id)
    const user = readUser(store, name)
    if (user === null || context.config.authToken.kind === 'none') return proposer.fail(call, etcdErrors.authFailed.id)
    if (user.options?.no_password === true) return proposer.fail(call, etcdErrors.noPasswordUser.id)
    if (login.attempts++ >= ATTEMPTS_MAX) return proposer.fail(call, etcdErrors.authOldRevision.id)
    login.checkedRevision = flags.revision
    if (flags.revision !== this.#revision) {
      this.#revision = flags.revision
      this.#passwords.forget()
    }
    const question = { user: name, password, hash: text(user.password) }
    this.#passwords.check(question, (outcome) => this.#onChecked(login, outcome))
  }

  #onChecked(login: Login, outcome: PasswordOutcome): void {
    const { call } = login
    const { proposer, context, jwt } = this.#options
    context.requestTurn()
    if (isEnded(call)) return
    if (outcome === 'busy') return proposer.fail(call, etcdErrors.requestTooManyRequests.id)
    if (outcome === 'wrong') return proposer.fail(call, etcdErrors.authFailed.id)
    if (jwt !== null && !jwt.canSign) return proposer.fail(call, etcdErrors.authVerifyOnly.id)
    this.#checked.push(login)
  }

  #propose(login: Login): void {
    const { call, name } = login
    const { proposer, context, jwt } = this.#options
    if (isEnded(call)) return
    login.prefix = jwt === null ? this.#freshPrefix() : ''
    const body = encodeInternalAuthenticateRequest({ name, simple_token: login.prefix })
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
      let id = Number(this.#options.context.randomId() % COMBINATIONS_OF_ID)
      for (let i = 0; i < LETTERS_OF_ID; i++) {
        letters += LETTERS.charAt(id % LETTERS.length)
        id = Math.floor(id / LETTERS.length)
      }
    }
    return letters
  }
}
