/**
 * A user with a password: logs in, then reads and writes keys of the range that roles are about, whether it may or not.
 * When its token is not known, or what it knows is old, it logs in again.
 */

import type { Prng } from '../../base/prng.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import { decodeAuthenticateResponse, encodeAuthenticateRequest } from '../../proto/generated/etcdserverpb.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import type { AuthCall, AuthHistory, LoginCall } from '../checkers/auth-checker.js'
import type { Rights } from '../checkers/auth-truth.js'
import type { KvAction, KvOperation, KvRequest } from '../checkers/kv-checker.js'
import { AUTH_RANGE, PASSWORD } from './auth-admin.js'
import type { ClientContext } from './kv-client.js'
import { METHODS, answeredOf, encodeKv, isRefusal } from './kv-wire.js'
import type { CallEnd } from './sim-connection.js'

const AUTHENTICATE = '/etcdserverpb.Auth/Authenticate'
const THINK_MS = 500
const PATIENCE_MS = 9000
const KEYS = ['u-a', 'u-b', 'u-c'] as const

export interface AuthContext extends ClientContext {
  readonly auth: AuthHistory
}

interface Wish {
  readonly request: KvRequest
  readonly needs: Rights
  readonly written: AuthCall['written']
}

export class AuthClient {
  readonly name: string
  isBusy = false
  #token = ''
  readonly #context: AuthContext
  readonly #random: Prng

  constructor(name: string, context: AuthContext, random: Prng) {
    this.name = name
    this.#context = context
    this.#random = random
  }

  start(): void {
    const { world, isOver } = this.#context
    world.time.after(world.around(THINK_MS, this.#random), () => {
      if (isOver()) return
      if (this.#token === '') this.#logIn()
      else this.#ask()
    })
  }

  #call(method: string, bytes: Uint8Array, onEnd: (end: CallEnd) => void): void {
    const { world, nodes, connections } = this.#context
    const node = this.#random.pick(nodes)
    const token = this.#token
    this.isBusy = true
    connections.unary(node, { method, user: '', token, bytes, patienceMs: PATIENCE_MS }, (end) => {
      this.isBusy = false
      const text = end.kind === 'failed' ? `${end.status} ${end.text}` : end.kind
      world.say(this.name, () => `${node.name}: ${method.slice(method.lastIndexOf('/') + 1)} -> ${text}`)
      if (end.kind === 'answered') this.#context.onDone()
      onEnd(end)
      this.start()
    })
  }

  #logIn(): void {
    const { world, auth } = this.#context
    const invokedAt = world.nowMs
    this.#call(AUTHENTICATE, encodeAuthenticateRequest({ name: this.name, password: PASSWORD }), (end) => {
      auth.logins.push({ user: this.name, invokedAt, returnedAt: world.nowMs, refusal: refusalOf(end) })
      if (end.kind === 'answered') this.#token = decodeAuthenticateResponse(end.message).token
    })
  }

  #ask(): void {
    const { world, history, auth } = this.#context
    const { request, needs, written } = this.#wish()
    const times = { invokedAt: world.nowMs, returnedAt: Infinity }
    const operation: KvOperation = { client: this.name, request, ...times, outcome: 'unknown' }
    const call: AuthCall = { user: this.name, needs, written, ...times, outcome: 'open' }
    history.push(operation)
    auth.calls.push(call)
    const { kind, bytes } = encodeKv(request)
    this.#call(METHODS[kind], bytes, (end) => {
      call.returnedAt = world.nowMs
      if (end.kind === 'answered') {
        operation.returnedAt = world.nowMs
        operation.outcome = answeredOf(kind, end.message)
        call.outcome = 'done'
      }
      if (end.kind === 'refused') operation.outcome = 'refused'
      if (end.kind === 'failed') this.#note(end, operation, call)
    })
  }

  #note({ status, text }: { status: number; text: string }, operation: KvOperation, call: AuthCall): void {
    const isDenied = status === grpcStatus.permissionDenied
    if (isDenied) call.outcome = 'denied'
    if (isDenied || status === grpcStatus.unauthenticated || isRefusal(status)) operation.outcome = 'refused'
    const { invalidAuthToken, authOldRevision } = etcdErrors
    if (text === invalidAuthToken.message || text === authOldRevision.message) this.#token = ''
  }

  #wish(): Wish {
    const value = this.#context.nextValue()
    const key = this.#random.pick(KEYS)
    const put = (at: string): KvAction => ({ kind: 'put', key: at, value, leaseId: 0n })
    const plain = (...success: KvAction[]): KvRequest => ({ compares: [], success, failure: [], isSerializable: false })
    const written = { key, value }
    const dice = this.#random.float()
    // Whoever puts or deletes a key asks for what was there before, but not in a transaction.
    if (dice < 0.3) return { request: plain(put(key)), needs: { read: true, write: true }, written }
    if (dice < 0.6) {
      const other = KEYS[(KEYS.indexOf(key) + 1) % KEYS.length] as string
      return { request: plain(put(key), put(other)), needs: { read: false, write: true }, written }
    }
    const range = this.#random.chance(0.5) ? AUTH_RANGE : { key, end: '' }
    return {
      request: plain({ kind: 'range', range, revision: 0 }), needs: { read: true, write: false }, written: null,
    }
  }
}

function refusalOf(end: CallEnd): LoginCall['refusal'] {
  if (end.kind !== 'failed') return null
  if (end.text === etcdErrors.authFailed.message) return 'its password is wrong'
  return end.text === etcdErrors.authNotEnabled.message ? 'auth is off' : null
}
