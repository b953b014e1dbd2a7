/**
 * Who a call is from and whether it may go on, while auth is enabled. While it is not, all that a request costs here is
 * a look at one shared word.
 *
 * A message is judged only when this front knows the users and roles that the word names: it has heard from mvcc which
 * tokens are void since, and has read who may do what from the store. Until then it waits, mostly for one turn.
 */

import { AuthAccess, NOBODY, ROOT, type AttachedKeys, type Principal, type UserAccess } from '../../auth/auth-access.js'
import { askedBody } from '../../auth/asked-body.js'
import type { JwtTokens } from '../../auth/jwt-tokens.js'
import { requestNeeds, type AskedRequest } from '../../auth/request-needs.js'
import { SimpleTokens } from '../../auth/simple-tokens.js'
import { EMPTY_BYTES, text, utf8 } from '../../base/bytes.js'
import type { FrontMessages } from '../../messages/front-messages.js'
import type { Message } from '../../messages/protocol.js'
import { Word } from '../../messages/shared-words.js'
import { errorById, etcdErrors } from '../../proto/etcd-errors.js'
import { AlarmRequestAlarmAction, decodeAlarmRequest } from '../../proto/generated/etcdserverpb.js'
import { grpcStatusName } from '../../proto/grpc-status.js'
import { ProtoError } from '../../proto/proto-error.js'
import { NO_EXTRAS, RaftBody, type RaftBodyField, type RaftRequestExtras } from '../../proto/hot/raft-request.js'
import type { FrontContext } from '../front-context.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import type { ReadPath } from '../kv/read-path.js'
import { isEnded, type ProposalGuard, type Proposer } from '../requests/proposer.js'
import { Credentials } from './credentials.js'
import { HeldMessages } from './held-messages.js'
import { methodRule, type MethodRule } from './method-rules.js'

/** Who it is, why it is nobody (an error id), or that its token is being checked. */
type Identity = Principal | number | 'unchecked'

/** How long messages that nothing wakes are held before they are judged again. */
const LOOK_AGAIN_MS = 100

const GO_ON = Symbol('go on')
const WAIT = Symbol('wait')
type Verdict = typeof GO_ON | typeof WAIT | number

export interface AuthGateOptions {
  readonly context: FrontContext
  readonly proposer: Proposer
  readonly reads: ReadPath
  /** Null when tokens are not JSON Web Tokens. */
  readonly jwt: JwtTokens | null
  /** Takes a message, or a half-close (null), that was held. */
  readonly deliver: (call: GrpcCall, bytes: Buffer | null) => void
}

export class AuthGate implements ProposalGuard {
  readonly #options: AuthGateOptions
  readonly #words: FrontContext['words']
  readonly #credentials = new Credentials()
  readonly #tokens: SimpleTokens
  readonly #held = new HeldMessages()
  readonly access = new AuthAccess()
  /** The stamp up to which mvcc's facts have been heard; 0 before any. */
  #heardStamp = 0
  #usersWanted = new Set<string>()
  #isReading = false
  #lookAgainAtMs = 0
  #lastExtras: RaftRequestExtras = NO_EXTRAS
  #lastPrincipal: Principal | null = null
  #extras: RaftRequestExtras = NO_EXTRAS

  constructor(options: AuthGateOptions) {
    this.#options = options
    this.#words = options.context.words
    this.#tokens = new SimpleTokens(options.context.config.authTokenTtlMs)
  }

  get isOn(): boolean {
    return this.#words.isOdd(Word.authStamp)
  }

  /** Differs once users or roles have changed; 0 while auth is off. */
  get usersStamp(): number {
    return this.isOn ? this.#words.load(Word.authStamp) : 0
  }

  /** What goes into the header of the entry that `prepare` was asked about. */
  get extras(): RaftRequestExtras {
    return this.#extras
  }

  onAuthChanged({ stamp, voidsAll, user }: Message<FrontMessages, 'authChanged'>): void {
    this.#heardStamp = stamp
    if (voidsAll === 1) this.#tokens.voidAll()
    if (user.length > 0) this.#tokens.voidUser(text(user.copy()))
  }

  onTokenAssigned({ user, token }: Message<FrontMessages, 'tokenAssigned'>, nowMs: number): void {
    this.#tokens.assign(text(token.copy()), text(user.copy()), nowMs)
  }

  /** True when the message is not to be looked at now: it waits, or its call has been refused. */
  stops(call: GrpcCall, bytes: Buffer, start: number, end: number): boolean {
    if (!this.isOn && this.#held.isEmpty) return false
    const rule = methodRule(call.method)
    if (rule === undefined) return false
    const { proposer, context } = this.#options
    const startedMs = context.clock.nowMs()
    const verdict = this.#held.holds(call) ? WAIT : this.#judge(call, rule, bytes, start, end, true)
    proposer.authMs = context.clock.nowMs() - startedMs
    if (verdict === GO_ON) return false
    if (verdict !== WAIT) proposer.fail(call, verdict)
    else if (!this.#held.hold(call, proposer.heardMs, bytes, start, end)) this.#refuse(call)
    return true
  }

  /** True when messages of the call wait, and its end with them. */
  stopsHalfClose(call: GrpcCall): boolean {
    if (this.#held.isEmpty || !this.#held.holds(call)) return false
    if (!this.#held.holdHalfClose(call, this.#options.proposer.heardMs)) this.#refuse(call)
    return true
  }

  /** Lets go on what can be judged by now. Returns how many. */
  work(nowMs: number): number {
    // What was heard before this front began to listen is what the word said then.
    if (this.#heardStamp === 0) this.#heardStamp = this.#words.load(Word.authStamp)
    if (this.#held.isEmpty) return 0
    this.#lookAgainAtMs = nowMs + LOOK_AGAIN_MS
    return this.#held.release((call, bytes, sinceMs) => this.#resume(call, bytes, sinceMs, nowMs))
  }

  /** What is waited for wakes this front; but a change that finds no space is taken back without a word. */
  wakeAtMs(): number {
    return this.#held.isEmpty ? Infinity : this.#lookAgainAtMs
  }

  /** Who the call is from, as of now; an error id when its token is not valid. */
  identify(call: GrpcCall): Principal | number {
    const identity = this.#identify(call)
    // It was valid when the message came, and has been forgotten since.
    return identity === 'unchecked' ? etcdErrors.invalidAuthToken.id : identity
  }

  /** Inside a read task: whether the call may have this in the turn's snapshot. An error id, 0 for yes. */
  checkRead(call: GrpcCall, asked: AskedRequest): number {
    return this.isOn ? this.#checkRead(call, (who) => this.#checkNeeds(who, asked)) : 0
  }

  /** As `checkRead` for what only the user itself, a holder of the role, or root may see. */
  checkOwn(call: GrpcCall, isOwn: (user: string, roles: readonly string[]) => boolean): number {
    if (!this.isOn) return 0
    return this.#checkRead(call, (who) => {
      const user = this.#user(who)
      if (user !== null && isOwn(who.user, user.roles)) return 0
      return this.access.check(user, who, requestNeeds({ kind: 'root' }), null)
    })
  }

  /** Why the watch must not be created, as etcd's text; null when it may. */
  watchFailure(call: GrpcCall, key: Uint8Array, rangeEnd: Uint8Array): string | null {
    if (!this.isOn) return null
    const who = this.identify(call)
    const needs = requestNeeds({ kind: 'watch', request: { key, range_end: rangeEnd } })
    const error = typeof who === 'number' ? who : this.access.check(this.#judgedUser(who), who, needs, null)
    const found = errorById(error)
    return found === undefined ? null : `rpc error: code = ${grpcStatusName(found.code)} desc = ${found.message}`
  }

  /**
   * Before a proposal: an error id, or 0 and the header in `extras`. What mvcc will certainly refuse is refused here;
   * where this member does not decide alone, its users may be older than the entry's.
   */
  prepare(call: GrpcCall | null, field: RaftBodyField, bytes: Uint8Array, start: number, end: number): number {
    this.#extras = NO_EXTRAS
    if (field === RaftBody.authenticate) return 0
    const who = call === null ? { user: ROOT, revision: this.#revision() } : this.identify(call)
    if (typeof who === 'number') return who
    const user = this.#userAt(this.#words.load(Word.authStamp), who)
    if (call !== null && user !== undefined && this.#decidesAlone()) {
      const needs = requestNeeds(askedBody(field, bytes, start, end))
      const error = this.access.check(user, who, needs, null)
      if (error !== 0) return error
    }
    this.#extras = this.#extrasOf(who)
    return 0
  }

  #judge(call: GrpcCall, rule: MethodRule, bytes: Buffer, start: number, end: number, isFirst: boolean): Verdict {
    const stamp = this.#words.load(Word.authStamp)
    if (stamp % 2 === 0) return GO_ON
    if (this.#heardStamp !== stamp) return WAIT
    if (this.access.stamp !== stamp) return this.#readFirst('')
    const who = this.#identify(call)
    if (who === 'unchecked') return WAIT
    if (typeof who === 'number') {
      // Clients are heard before the inbox is: the token may be in it, given to its client on another front.
      if (isFirst && this.#options.jwt === null) return WAIT
      return rule === 'watch' ? GO_ON : who
    }
    const user = this.#userAt(stamp, who)
    if (user === undefined) return this.#readFirst(who.user)
    if (rule === 'own' || rule === 'watch') return GO_ON
    const needs = requestNeeds(asked(rule, bytes, start, end))
    const error = this.access.check(user, who, needs, null)
    return error === 0 ? GO_ON : error
  }

  #resume(call: GrpcCall, bytes: Buffer | null, sinceMs: number, nowMs: number): boolean {
    if (isEnded(call)) return true
    const { deliver, proposer, context } = this.#options
    if (bytes !== null) {
      const rule = methodRule(call.method) as MethodRule
      const verdict = this.#judge(call, rule, bytes, 0, bytes.length, false)
      if (verdict === WAIT) {
        if (nowMs < sinceMs + proposer.patienceMs) return false
        proposer.fail(call, etcdErrors.timeout.id)
        return true
      }
      if (verdict !== GO_ON) {
        proposer.fail(call, verdict)
        return true
      }
    }
    proposer.heardMs = nowMs
    proposer.heldMs = nowMs - sinceMs
    proposer.authMs = context.clock.nowMs() - sinceMs
    deliver(call, bytes)
    proposer.heldMs = 0
    proposer.authMs = 0
    return true
  }

  /** Reads users and roles, and one user's rights, in a snapshot of this or the next turn. */
  #readFirst(user: string): typeof WAIT {
    this.#usersWanted.add(user)
    if (this.#isReading) return WAIT
    this.#isReading = true
    this.#options.reads.whenFresh({ call: null, run: () => this.#read() })
    return WAIT
  }

  #read(): void {
    this.#isReading = false
    const store = this.#options.reads.store()
    this.access.sync(store)
    for (const user of this.#usersWanted) if (user !== '') this.access.user(store, user)
    this.#usersWanted = new Set()
  }

  #identify(call: GrpcCall): Identity {
    const { context, jwt } = this.#options
    const token = this.#credentials.token(call)
    if (token === null) {
      const name = context.config.clientTls?.clientCertAuth === true ? this.#credentials.certificateName(call) : ''
      return name === '' ? NOBODY : { user: name, revision: this.#revision() }
    }
    const found =
      jwt === null
        ? this.#tokens.find(token, this.#revision(), call.nowMs)
        : jwt.find(token, context.clock.wallMs())
    return found ?? etcdErrors.invalidAuthToken.id
  }

  #revision(): number {
    return Math.floor(this.#words.load(Word.authStamp) / 2)
  }

  /**
   * Undefined: its rights at this stamp have not been read. One judgement goes by one stamp: mvcc may store the next
   * one at any moment.
   */
  #userAt(stamp: number, who: Principal): ReturnType<AuthAccess['known']> {
    if (this.access.stamp !== stamp) return undefined
    return who.user === '' ? null : this.access.known(who.user)
  }

  /** Of a message that has just been judged: its rights were known then, whatever the word says by now. */
  #judgedUser(who: Principal): UserAccess | null {
    return this.#userAt(this.access.stamp, who) ?? null
  }

  #user(who: Principal): ReturnType<AuthAccess['user']> {
    return who.user === '' ? null : this.access.user(this.#options.reads.store(), who.user)
  }

  #checkRead(call: GrpcCall, check: (who: Principal) => number): number {
    if (this.access.stamp !== this.#words.load(Word.authStamp)) this.access.sync(this.#options.reads.store())
    if (!this.access.enabled) return 0
    const who = this.identify(call)
    return typeof who === 'number' ? who : check(who)
  }

  #checkNeeds(who: Principal, asked: AskedRequest): number {
    const keys: AttachedKeys = this.#options.reads.view()
    return this.access.check(this.#user(who), who, requestNeeds(asked), keys)
  }

  /** This member leads alone: its users are everybody's. An alarm comes before any want of rights. */
  #decidesAlone(): boolean {
    return this.#words.isOdd(Word.commitAndSolo) && this.#words.load(Word.alarms) === 0
  }

  #extrasOf(who: Principal): RaftRequestExtras {
    if (who === NOBODY) return NO_EXTRAS
    if (who !== this.#lastPrincipal) {
      this.#lastPrincipal = who
      this.#lastExtras = { username: utf8(who.user), authRevision: who.revision, extension: EMPTY_BYTES }
    }
    return this.#lastExtras
  }

  #refuse(call: GrpcCall): void {
    this.#options.proposer.fail(call, etcdErrors.requestTooManyRequests.id)
  }
}

function asked(rule: MethodRule, bytes: Buffer, start: number, end: number): AskedRequest {
  if (rule !== 'alarm') return { kind: rule === 'root' ? 'root' : 'user' }
  try {
    return { kind: decodeAlarmRequest(bytes, start, end).action === AlarmRequestAlarmAction.GET ? 'user' : 'root' }
  } catch (error) {
    if (!(error instanceof ProtoError)) throw error
    // Its service tells the client what is wrong with it.
    return { kind: 'root' }
  }
}
