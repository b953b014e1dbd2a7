/**
 * etcdserverpb.Auth. Changes of users and roles go through the log with hashes in place of passwords; questions about
 * them are answered on this thread.
 */

import type { PasswordJobs } from '../../actor/jobs/jobs-pool.js'
import { readAuthFlags, readRole, readRoleNames, readUser, readUserNames } from '../../auth/auth-tables.js'
import { ROOT } from '../../auth/auth-access.js'
import { EMPTY_BYTES } from '../../base/bytes.js'
import type { FrontMessages } from '../../messages/front-messages.js'
import type { Message } from '../../messages/protocol.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import { PermissionType } from '../../proto/generated/authpb.js'
import {
  decodeAuthRoleGetRequest,
  decodeAuthUserAddRequest,
  decodeAuthUserChangePasswordRequest,
  decodeAuthUserGetRequest,
  encodeAuthEnableResponse,
  encodeAuthRoleGetResponse,
  encodeAuthRoleListResponse,
  encodeAuthStatusResponse,
  encodeAuthUserAddRequest,
  encodeAuthUserChangePasswordRequest,
  encodeAuthUserGetResponse,
  encodeAuthUserListResponse,
} from '../../proto/generated/etcdserverpb.js'
import { RaftBody, type RaftBodyField } from '../../proto/hot/raft-request.js'
import type { StoreView } from '../../store/store.js'
import type { FrontContext } from '../front-context.js'
import { unary, type Route } from '../grpc-routes.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import type { ReadPath } from '../kv/read-path.js'
import type { HeaderFields } from '../requests/response-headers.js'
import { RequestKind, type PendingRequest } from '../requests/pending-request.js'
import { isEnded, type Proposer } from '../requests/proposer.js'
import type { AuthGate } from './auth-gate.js'
import type { Logins } from './logins.js'

/** Bcrypt looks at no more; Go's refuses to hash more. */
const PASSWORD_BYTES_MAX = 72
/** Whatever was granted to the role root, it may do everything. */
const ROOT_PERMISSION = { permType: PermissionType.READWRITE, key: EMPTY_BYTES, range_end: Uint8Array.of(0) }

const SERVICE = '/etcdserverpb.Auth/'

/** Changes whose body is what the client sent. */
const CHANGES: readonly (readonly [method: string, field: RaftBodyField])[] = [
  ['AuthEnable', RaftBody.authEnable],
  ['AuthDisable', RaftBody.authDisable],
  ['UserDelete', RaftBody.authUserDelete],
  ['UserGrantRole', RaftBody.authUserGrantRole],
  ['UserRevokeRole', RaftBody.authUserRevokeRole],
  ['RoleAdd', RaftBody.authRoleAdd],
  ['RoleDelete', RaftBody.authRoleDelete],
  ['RoleGrantPermission', RaftBody.authRoleGrantPermission],
  ['RoleRevokePermission', RaftBody.authRoleRevokePermission],
]

export interface AuthServiceOptions {
  readonly context: FrontContext
  readonly proposer: Proposer
  readonly reads: ReadPath
  readonly gate: AuthGate
  readonly jobs: PasswordJobs
  readonly logins: Logins
}

export class AuthService {
  readonly #options: AuthServiceOptions

  constructor(options: AuthServiceOptions) {
    this.#options = options
  }

  routes(): readonly (readonly [string, Route])[] {
    const { logins } = this.#options
    const changes = CHANGES.map(([method, field]): readonly [string, Route] => [
      SERVICE + method,
      unary((call, bytes, start, end) => this.#propose(call, field, bytes, start, end)),
    ])
    return [
      ...changes,
      [`${SERVICE}UserAdd`, unary((call, bytes, start, end) => this.#addUser(call, bytes, start, end))],
      [`${SERVICE}UserChangePassword`, unary((call, ...message) => this.#changePassword(call, ...message))],
      [`${SERVICE}Authenticate`, unary((call, bytes, start, end) => logins.authenticate(call, bytes, start, end))],
      [`${SERVICE}AuthStatus`, unary((call) => this.#status(call))],
      [`${SERVICE}UserGet`, unary((call, bytes, start, end) => this.#getUser(call, bytes, start, end))],
      [`${SERVICE}UserList`, unary((call) => this.#listUsers(call))],
      [`${SERVICE}RoleGet`, unary((call, bytes, start, end) => this.#getRole(call, bytes, start, end))],
      [`${SERVICE}RoleList`, unary((call) => this.#listRoles(call))],
    ]
  }

  /** Every change is answered alike: its response has nothing but a header. */
  onChanged(pending: PendingRequest, { revision }: Message<FrontMessages, 'applied'>): void {
    const { proposer } = this.#options
    proposer.answer(pending.call as GrpcCall, encodeAuthEnableResponse({ header: proposer.headers.fields(revision) }))
  }

  #propose(call: GrpcCall, field: RaftBodyField, bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.#options.proposer.propose(call, RequestKind.auth, bytes, start, end, { field })
  }

  #addUser(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const request = decodeAuthUserAddRequest(bytes, start, end)
    const { name, options } = request
    // A user without a password may come with whatever the client sent as one; none of it is kept.
    if (options?.no_password === true) {
      this.#propose(call, RaftBody.authUserAdd, encodeAuthUserAddRequest({ name, options }))
      return
    }
    this.#hash(call, request.password, (hashedPassword) => {
      this.#propose(call, RaftBody.authUserAdd, encodeAuthUserAddRequest({ name, options, hashedPassword }))
    })
  }

  #changePassword(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const { name, password, ...request } = decodeAuthUserChangePasswordRequest(bytes, start, end)
    const propose = (hashedPassword: string): void =>
      this.#propose(
        call,
        RaftBody.authUserChangePassword,
        encodeAuthUserChangePasswordRequest({ name, hashedPassword }),
      )
    if (password === '') propose(request.hashedPassword)
    else this.#hash(call, password, propose)
  }

  /** `go` gets what travels in the log: the hash in base64. */
  #hash(call: GrpcCall, password: string, go: (hashedPassword: string) => void): void {
    const { context, proposer, jobs } = this.#options
    if (Buffer.byteLength(password) > PASSWORD_BYTES_MAX) {
      proposer.fail(call, etcdErrors.passwordTooLong.id)
      return
    }
    const job = jobs.run('hashPassword', { password, cost: context.config.bcryptCost })
    if (job === null) {
      proposer.fail(call, etcdErrors.requestTooManyRequests.id)
      return
    }
    job.then(
      (hash) => {
        context.requestTurn()
        if (isEnded(call)) return
        proposer.heardMs = context.clock.nowMs()
        go(Buffer.from(hash).toString('base64'))
      },
      (error: Error) => {
        context.requestTurn()
        context.logger.error('front', 'failed to hash a password', { error: error.message })
        proposer.fail(call, etcdErrors.stopped.id)
      },
    )
  }

  #status(call: GrpcCall): void {
    this.#ask(call, (store, header) => {
      const { enabled, revision } = readAuthFlags(store)
      return encodeAuthStatusResponse({ header, enabled, authRevision: revision })
    })
  }

  #getUser(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const { name } = decodeAuthUserGetRequest(bytes, start, end)
    this.#ask(call, (store, header) => {
      const error = this.#options.gate.checkOwn(call, (user) => user === name)
      if (error !== 0) return error
      const user = readUser(store, name)
      return user === null ? etcdErrors.userNotFound.id : encodeAuthUserGetResponse({ header, roles: user.roles })
    })
  }

  #listUsers(call: GrpcCall): void {
    this.#ask(call, (store, header) => {
      const error = this.#options.gate.checkRead(call, { kind: 'root' })
      return error !== 0 ? error : encodeAuthUserListResponse({ header, users: readUserNames(store) })
    })
  }

  #getRole(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const { role: name } = decodeAuthRoleGetRequest(bytes, start, end)
    this.#ask(call, (store, header) => {
      const error = this.#options.gate.checkOwn(call, (_, roles) => roles.includes(name))
      if (error !== 0) return error
      const role = readRole(store, name)
      if (role === null) return etcdErrors.roleNotFound.id
      return encodeAuthRoleGetResponse({ header, perm: name === ROOT ? [ROOT_PERMISSION] : role.keyPermission })
    })
  }

  #listRoles(call: GrpcCall): void {
    this.#ask(call, (store, header) => {
      const error = this.#options.gate.checkRead(call, { kind: 'root' })
      return error !== 0 ? error : encodeAuthRoleListResponse({ header, roles: readRoleNames(store) })
    })
  }

  /** `answer` reads a linearizable snapshot, and returns a response or an error id. */
  #ask(call: GrpcCall, answer: (store: StoreView, header: HeaderFields) => Uint8Array | number): void {
    const { proposer, reads } = this.#options
    if (reads.isFull) {
      proposer.fail(call, etcdErrors.requestTooManyRequests.id)
      return
    }
    const run = (): void => {
      if (isEnded(call)) return
      const header = proposer.headers.fields(reads.view().currentRevision)
      const response = answer(reads.store(), header)
      if (typeof response === 'number') proposer.fail(call, response)
      else proposer.answer(call, response)
    }
    reads.linearizable({ call, run }, proposer.heardMs)
  }
}
