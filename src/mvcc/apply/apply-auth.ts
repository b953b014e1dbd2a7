/**
 * Users, roles and the switch as entries change them, the same on every member. Each change of a user or a role is a
 * revision of its own. Returns ids of etcd-errors.ts, 0 for none.
 */

import { ROOT } from '../../auth/auth-access.js'
import {
  readRole,
  readUser,
  readUsersWithRole,
  removeRole,
  removeUser,
  writeAuthFlags,
  writeRole,
  writeUser,
} from '../../auth/auth-tables.js'
import { compareBytes, equalBytes, utf8, type Bytes } from '../../base/bytes.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import type { Permission, User } from '../../proto/generated/authpb.js'
import {
  decodeAuthRoleAddRequest,
  decodeAuthRoleDeleteRequest,
  decodeAuthRoleGrantPermissionRequest,
  decodeAuthRoleRevokePermissionRequest,
  decodeAuthUserAddRequest,
  decodeAuthUserChangePasswordRequest,
  decodeAuthUserDeleteRequest,
  decodeAuthUserGrantRoleRequest,
  decodeAuthUserRevokeRoleRequest,
  decodeInternalAuthenticateRequest,
  type AuthUserAddRequest,
  type AuthUserChangePasswordRequest,
} from '../../proto/generated/etcdserverpb.js'
import { RaftBody, type RaftBodyField } from '../../proto/hot/raft-request.js'
import type { ApplyTransaction } from './apply-transaction.js'
import type { BatchEntry } from './entry-batch.js'

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const NO_OPTIONS = Object.freeze({ no_password: false })

export class AuthApplier {
  readonly #transaction: ApplyTransaction

  constructor(transaction: ApplyTransaction) {
    this.#transaction = transaction
  }

  /** Null when the body is not of this kind. */
  apply(field: RaftBodyField, bytes: Bytes, start: number, end: number, entry: BatchEntry): number | null {
    switch (field) {
      case RaftBody.authEnable:
        return this.#enable()
      case RaftBody.authDisable:
        return this.#disable()
      case RaftBody.authenticate:
        return this.#authenticate(decodeInternalAuthenticateRequest(bytes, start, end), entry)
      case RaftBody.authUserAdd:
        return this.#addUser(decodeAuthUserAddRequest(bytes, start, end))
      case RaftBody.authUserDelete:
        return this.#deleteUser(decodeAuthUserDeleteRequest(bytes, start, end).name)
      case RaftBody.authUserChangePassword:
        return this.#changePassword(decodeAuthUserChangePasswordRequest(bytes, start, end))
      case RaftBody.authUserGrantRole:
        return this.#grantRole(decodeAuthUserGrantRoleRequest(bytes, start, end))
      case RaftBody.authUserRevokeRole:
        return this.#revokeRole(decodeAuthUserRevokeRoleRequest(bytes, start, end))
      case RaftBody.authRoleAdd:
        return this.#addRole(decodeAuthRoleAddRequest(bytes, start, end).name)
      case RaftBody.authRoleDelete:
        return this.#deleteRole(decodeAuthRoleDeleteRequest(bytes, start, end).role)
      case RaftBody.authRoleGrantPermission:
        return this.#grantPermission(decodeAuthRoleGrantPermissionRequest(bytes, start, end))
      case RaftBody.authRoleRevokePermission:
        return this.#revokePermission(decodeAuthRoleRevokePermissionRequest(bytes, start, end))
      default:
        return null
    }
  }

  #enable(): number {
    const { auth, tables } = this.#transaction
    if (auth.access.enabled) return 0
    const root = readUser(tables, ROOT)
    if (root === null) return etcdErrors.rootUserNotExist.id
    if (!root.roles.includes(ROOT)) return etcdErrors.rootRoleNotExist.id
    writeAuthFlags(tables, { enabled: true, revision: auth.access.revision })
    auth.changed(tables)
    return 0
  }

  #disable(): number {
    const { auth, tables } = this.#transaction
    if (!auth.access.enabled) return 0
    writeAuthFlags(tables, { enabled: false, revision: auth.access.revision + 1 })
    auth.voidAllTokens()
    auth.changed(tables)
    return 0
  }

  /** The password was checked by the member that the client asked, at the revision that is told back to it. */
  #authenticate(request: { name: string; simple_token: string }, entry: BatchEntry): number {
    const { auth, tables } = this.#transaction
    if (!auth.access.enabled) return etcdErrors.authNotEnabled.id
    const user = readUser(tables, request.name)
    if (user === null || user.options?.no_password === true) return etcdErrors.authFailed.id
    entry.count = auth.access.revision
    // A start that replays the log gives no tokens: they end with the process that gave them.
    const { simple_token } = request
    if (simple_token !== '' && entry.answer === 1) auth.assignToken(request.name, `${simple_token}.${entry.index}`)
    return 0
  }

  #addUser(request: AuthUserAddRequest): number {
    const { tables } = this.#transaction
    const { name } = request
    if (name === '') return etcdErrors.userEmpty.id
    if (readUser(tables, name) !== null) return etcdErrors.userAlreadyExist.id
    const options = request.options ?? NO_OPTIONS
    const password = options.no_password ? new Uint8Array(0) : hashOf(request)
    if (password === null) return etcdErrors.noPasswordUser.id
    writeUser(tables, { name: utf8(name), password, roles: [], options })
    return this.#commitRevision()
  }

  #deleteUser(name: string): number {
    const { auth, tables } = this.#transaction
    if (auth.access.enabled && name === ROOT) return etcdErrors.invalidAuthMgmt.id
    if (readUser(tables, name) === null) return etcdErrors.userNotFound.id
    removeUser(tables, name)
    auth.voidTokens(name)
    return this.#commitRevision()
  }

  #changePassword(request: AuthUserChangePasswordRequest): number {
    const { auth, tables } = this.#transaction
    const user = readUser(tables, request.name)
    if (user === null) return etcdErrors.userNotFound.id
    const password = user.options?.no_password === true ? new Uint8Array(0) : hashOf(request)
    if (password === null) return etcdErrors.noPasswordUser.id
    writeUser(tables, { ...user, password })
    auth.voidTokens(request.name)
    return this.#commitRevision()
  }

  #grantRole(request: { user: string; role: string }): number {
    const { tables } = this.#transaction
    const user = readUser(tables, request.user)
    if (user === null) return etcdErrors.userNotFound.id
    // Whoever holds the role of that name administers the cluster, whether or not there is a role object.
    if (request.role !== ROOT && readRole(tables, request.role) === null) return etcdErrors.roleNotFound.id
    if (user.roles.includes(request.role)) return 0
    return this.#setRoles(user, [...user.roles, request.role])
  }

  #revokeRole({ name, role }: { name: string; role: string }): number {
    const { auth, tables } = this.#transaction
    if (auth.access.enabled && name === ROOT && role === ROOT) return etcdErrors.invalidAuthMgmt.id
    const user = readUser(tables, name)
    if (user === null) return etcdErrors.userNotFound.id
    if (!user.roles.includes(role)) return etcdErrors.roleNotGranted.id
    return this.#setRoles(user, user.roles.filter((held) => held !== role))
  }

  #setRoles(user: User, roles: readonly string[]): number {
    writeUser(this.#transaction.tables, { ...user, roles: roles.toSorted(byBytes) })
    return this.#commitRevision()
  }

  #addRole(name: string): number {
    const { tables } = this.#transaction
    if (name === '') return etcdErrors.roleEmpty.id
    if (readRole(tables, name) !== null) return etcdErrors.roleAlreadyExist.id
    writeRole(tables, { name: utf8(name), keyPermission: [] })
    return this.#commitRevision()
  }

  #deleteRole(name: string): number {
    const { auth, tables } = this.#transaction
    if (auth.access.enabled && name === ROOT) return etcdErrors.invalidAuthMgmt.id
    if (readRole(tables, name) === null) return etcdErrors.roleNotFound.id
    removeRole(tables, name)
    for (const user of readUsersWithRole(tables, name)) {
      writeUser(tables, { ...user, roles: user.roles.filter((held) => held !== name) })
    }
    return this.#commitRevision()
  }

  #grantPermission(request: { name: string; perm: Permission | undefined }): number {
    const { tables } = this.#transaction
    const { name, perm } = request
    if (perm === undefined) return etcdErrors.permissionNotGiven.id
    if (!isValidRange(perm)) return etcdErrors.invalidAuthMgmt.id
    const role = readRole(tables, name)
    if (role === null) return etcdErrors.roleNotFound.id
    const others = role.keyPermission.filter((held) => !isSameRange(held, perm))
    const keyPermission = [...others, perm].toSorted((a, b) => compareBytes(a.key, b.key))
    writeRole(tables, { ...role, keyPermission })
    return this.#commitRevision()
  }

  #revokePermission(request: { role: string; key: Bytes; range_end: Bytes }): number {
    const { tables } = this.#transaction
    const role = readRole(tables, request.role)
    if (role === null) return etcdErrors.roleNotFound.id
    const keyPermission = role.keyPermission.filter((held) => !isSameRange(held, request))
    if (keyPermission.length === role.keyPermission.length) return etcdErrors.permissionNotGranted.id
    writeRole(tables, { ...role, keyPermission })
    return this.#commitRevision()
  }

  #commitRevision(): number {
    const { auth, tables } = this.#transaction
    const { enabled, revision } = auth.access
    writeAuthFlags(tables, { enabled, revision: revision + 1 })
    auth.changed(tables)
    return 0
  }
}

/** What stands in for the password; null when it is not base64. Fronts never let the password itself into the log. */
function hashOf({ hashedPassword }: { hashedPassword: string }): Bytes | null {
  return BASE64.test(hashedPassword) ? Buffer.from(hashedPassword, 'base64') : null
}

function isValidRange({ key, range_end }: { key: Bytes; range_end: Bytes }): boolean {
  if (key.length === 0) return false
  if (range_end.length === 0 || (range_end.length === 1 && range_end[0] === 0)) return true
  return compareBytes(key, range_end) < 0
}

function isSameRange(a: { key: Bytes; range_end: Bytes }, b: { key: Bytes; range_end: Bytes }): boolean {
  return equalBytes(a.key, b.key) && equalBytes(a.range_end, b.range_end)
}

function byBytes(a: string, b: string): number {
  return compareBytes(utf8(a), utf8(b))
}
