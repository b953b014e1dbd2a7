/**
 * Who may do what after each entry of the log that changes it, worked out from the entries alone: the rules are etcd's,
 * and none of the product's code about users is asked.
 */

import { text } from '../../base/bytes.js'
import { PermissionType } from '../../proto/generated/authpb.js'
import {
  decodeAuthRoleAddRequest,
  decodeAuthRoleGrantPermissionRequest,
  decodeAuthRoleRevokePermissionRequest,
  decodeAuthUserAddRequest,
  decodeAuthUserGrantRoleRequest,
  decodeAuthUserRevokeRoleRequest,
} from '../../proto/generated/etcdserverpb.js'
import { RaftBody, type RaftBodyField, type RaftRequestView } from '../../proto/hot/raft-request.js'

const ROOT = 'root'

export interface Rights {
  readonly read: boolean
  readonly write: boolean
}

export interface AuthState {
  /** When the first member applied what made it so. */
  readonly fromMs: number
  readonly isOn: boolean
  /** Everybody else has no rights. */
  readonly rights: ReadonlyMap<string, Rights>
}

/** All permissions of the simulator's users are of one range. */
export class AuthTruth {
  readonly states: AuthState[] = [{ fromMs: 0, isOn: false, rights: new Map() }]
  readonly #users = new Map<string, Set<string>>()
  readonly #roles = new Map<string, number | null>()
  #isOn = false

  /** The first member applies this entry. */
  onEntry({ bytes, bodyField, bodyStart, bodyEnd, usernameStart, usernameEnd }: RaftRequestView, nowMs: number): void {
    // What only root may ask for: a user who was not told of yet is none.
    if (this.#isOn && text(bytes.subarray(usernameStart, usernameEnd)) !== ROOT) return
    if (!this.#changes(bodyField, bytes.subarray(bodyStart, bodyEnd))) return
    const rights = new Map([...this.#users].map(([user, roles]) => [user, this.#rightsOf(roles)]))
    this.states.push({ fromMs: nowMs, isOn: this.#isOn, rights })
  }

  /** Those that held at any time of an interval, its ends included. */
  during(fromMs: number, untilMs: number): readonly AuthState[] {
    return this.states.filter((state, i) => {
      return state.fromMs <= untilMs && (this.states[i + 1]?.fromMs ?? Infinity) >= fromMs
    })
  }

  #changes(field: RaftBodyField, body: Uint8Array): boolean {
    switch (field) {
      case RaftBody.authEnable:
        if (this.#users.get(ROOT)?.has(ROOT) !== true) return false
        this.#isOn = true
        return true
      case RaftBody.authUserAdd: {
        const { name } = decodeAuthUserAddRequest(body)
        if (!this.#users.has(name)) this.#users.set(name, new Set())
        return true
      }
      case RaftBody.authUserGrantRole: {
        const { user, role } = decodeAuthUserGrantRoleRequest(body)
        if (role === ROOT || this.#roles.has(role)) this.#users.get(user)?.add(role)
        return true
      }
      case RaftBody.authUserRevokeRole: {
        const { name, role } = decodeAuthUserRevokeRoleRequest(body)
        return this.#users.get(name)?.delete(role) === true
      }
      case RaftBody.authRoleAdd: {
        const { name } = decodeAuthRoleAddRequest(body)
        if (!this.#roles.has(name)) this.#roles.set(name, null)
        return true
      }
      case RaftBody.authRoleGrantPermission: {
        const { name, perm } = decodeAuthRoleGrantPermissionRequest(body)
        if (this.#roles.has(name)) this.#roles.set(name, perm?.permType ?? PermissionType.READ)
        return true
      }
      case RaftBody.authRoleRevokePermission: {
        const { role } = decodeAuthRoleRevokePermissionRequest(body)
        if (this.#roles.has(role)) this.#roles.set(role, null)
        return true
      }
      default:
        return false
    }
  }

  #rightsOf(roles: ReadonlySet<string>): Rights {
    const held = [...roles].map((role) => this.#roles.get(role) ?? null).filter((type) => type !== null)
    const isRoot = roles.has(ROOT)
    return {
      read: isRoot || held.some((type) => type !== PermissionType.WRITE),
      write: isRoot || held.some((type) => type !== PermissionType.READ),
    }
  }
}
