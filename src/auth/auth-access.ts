/**
 * Who may do what, from what a view of the store says: read when first asked for, kept until users or roles change.
 * Each member decides with it twice: in a front before a request is answered or proposed, and in mvcc when its entry
 * is applied.
 */

import type { Bytes } from '../base/bytes.js'
import { PermissionType, type Permission, type User } from '../proto/generated/authpb.js'
import { etcdErrors } from '../proto/etcd-errors.js'
import type { StoreView } from '../store/store.js'
import { readAuthFlags, readRole, readUser } from './auth-tables.js'
import { KeyCover } from './key-cover.js'
import type { RequestNeeds } from './request-needs.js'

export const ROOT = 'root'

/** Who asks. Revision 0: nobody has said who it is. */
export interface Principal {
  readonly user: string
  /** Of users and roles, when the user proved to be itself. */
  readonly revision: number
}

export const NOBODY: Principal = Object.freeze({ user: '', revision: 0 })

/** What a user may do. */
export interface UserAccess {
  readonly isRoot: boolean
  readonly roles: readonly string[]
  readonly read: KeyCover
  readonly write: KeyCover
}

/** Keys that hang on a lease, in the state that is asked about. */
export interface AttachedKeys {
  leaseKeys(leaseId: bigint, visit: (key: { copy(): Bytes }) => boolean): void
}

/** Users kept in memory; above it all are forgotten and read again. */
const USERS_MAX = 10_000

/** Revision and switch in one number, which is different for each state that users and roles were ever in. */
export function authStamp(enabled: boolean, revision: number): number {
  return revision * 2 + (enabled ? 1 : 0)
}

export class AuthAccess {
  enabled = false
  revision = 0
  readonly #users = new Map<string, UserAccess | null>()

  /** 0 before anything was read. */
  get stamp(): number {
    return authStamp(this.enabled, this.revision)
  }

  /** Takes switch and revision from the view, and forgets users when they may have changed. */
  sync(view: StoreView): void {
    const before = this.stamp
    const { enabled, revision } = readAuthFlags(view)
    this.enabled = enabled
    this.revision = revision
    if (this.stamp !== before) this.#users.clear()
  }

  /** What is known is as of another time. */
  forget(): void {
    this.enabled = false
    this.revision = 0
    this.#users.clear()
  }

  /** Undefined: not read yet. Null: there is no such user. */
  known(name: string): UserAccess | null | undefined {
    return this.#users.get(name)
  }

  user(view: StoreView, name: string): UserAccess | null {
    const known = this.#users.get(name)
    if (known !== undefined) return known
    if (this.#users.size >= USERS_MAX) this.#users.clear()
    const user = readUser(view, name)
    const access = user === null ? null : accessOf(view, user)
    this.#users.set(name, access)
    return access
  }

  /**
   * Whether the principal may have what a request needs. Returns an error id, 0 for yes. `keys` null: what hangs on
   * leases is left to who can see it.
   */
  check(user: UserAccess | null, who: Principal, needs: RequestNeeds, keys: AttachedKeys | null): number {
    if (!this.enabled || needs.from === 'anybody') return 0
    if (needs.from === 'root' || needs.from === 'user') return checkUser(user, who, needs.from === 'root')
    const isMet = (key: Bytes, rangeEnd: Bytes, write: boolean): number =>
      this.#checkKeys(user, who, key, rangeEnd, write)
    if (needs.from === 'known user') {
      const error = checkUser(user, who, false)
      if (error !== 0) return error
    }
    for (const { key, rangeEnd, write } of needs.ranges) {
      const error = isMet(key, rangeEnd, write)
      if (error !== 0) return error
    }
    if (keys === null || user?.isRoot === true) return 0
    for (const { leaseId, write } of needs.leases) {
      let error = 0
      keys.leaseKeys(leaseId, (key) => {
        error = isMet(key.copy(), NO_END, write)
        return error === 0
      })
      if (error !== 0) return error
    }
    return 0
  }

  #checkKeys(user: UserAccess | null, who: Principal, key: Bytes, rangeEnd: Bytes, write: boolean): number {
    if (who.revision === 0) return etcdErrors.userEmpty.id
    if (who.revision < this.revision) return etcdErrors.authOldRevision.id
    if (user === null) return etcdErrors.permissionDenied.id
    if (user.isRoot) return 0
    return (write ? user.write : user.read).covers(key, rangeEnd) ? 0 : etcdErrors.permissionDenied.id
  }
}

const NO_END: Bytes = new Uint8Array(0)

/** The revision does not matter here, as in etcd. */
function checkUser(user: UserAccess | null, who: Principal, asRoot: boolean): number {
  if (who.user === '') return etcdErrors.userEmpty.id
  if (user === null) return etcdErrors.userNotFound.id
  return !asRoot || user.isRoot ? 0 : etcdErrors.permissionDenied.id
}

function accessOf(view: StoreView, { roles }: User): UserAccess {
  const granted: Permission[] = []
  for (const name of roles) granted.push(...(readRole(view, name)?.keyPermission ?? []))
  return {
    isRoot: roles.includes(ROOT),
    roles,
    read: new KeyCover(granted.filter(({ permType }) => permType !== PermissionType.WRITE)),
    write: new KeyCover(granted.filter(({ permType }) => permType !== PermissionType.READ)),
  }
}
