/**
 * Root: makes users and roles some time into the run, switches auth on, and from then on changes who may do what, one
 * change at a time. What had no answer is asked for again, so that each change is there in the end.
 */

import { utf8 } from '../../base/bytes.js'
import type { Prng } from '../../base/prng.js'
import { PermissionType } from '../../proto/generated/authpb.js'
import {
  encodeAuthEnableRequest,
  encodeAuthRoleAddRequest,
  encodeAuthRoleGrantPermissionRequest,
  encodeAuthRoleRevokePermissionRequest,
  encodeAuthUserAddRequest,
  encodeAuthUserChangePasswordRequest,
  encodeAuthUserGrantRoleRequest,
  encodeAuthUserRevokeRoleRequest,
} from '../../proto/generated/etcdserverpb.js'
import type { SimNode } from '../world/sim-node.js'
import type { World } from '../world/world.js'
import type { CallEnd, Connections } from './sim-connection.js'

const AUTH = '/etcdserverpb.Auth/'
const START_MS = 4000
const PAUSE_MS = 1800
const RETRY_MS = 300
const PATIENCE_MS = 9000
const ROLES = ['readers', 'writers']
export const AUTH_USERS = ['u0', 'u1']
export const PASSWORD = 'secret'
/** Of users' keys: all permissions are of this range. */
export const AUTH_RANGE = Object.freeze({ key: 'u', end: 'v' })

type Change = readonly [method: string, bytes: Uint8Array]

export interface AdminContext {
  readonly world: World
  readonly nodes: readonly SimNode[]
  readonly connections: Connections
  readonly isOver: () => boolean
}

export class AuthAdmin {
  readonly #context: AdminContext
  readonly #random: Prng
  readonly #onEnabled: () => void
  isBusy = false

  constructor(context: AdminContext, random: Prng, onEnabled: () => void) {
    this.#context = context
    this.#random = random
    this.#onEnabled = onEnabled
  }

  start(): void {
    this.#later(START_MS, () => this.#all(beginning(), () => {
      this.#onEnabled()
      this.#goOn()
    }))
  }

  #goOn(): void {
    this.#later(PAUSE_MS, () => this.#change(this.#next(), () => this.#goOn()))
  }

  #all(changes: readonly Change[], onEnd: () => void): void {
    const [first, ...rest] = changes
    if (first === undefined) return onEnd()
    // Until it is there: the next one needs it.
    this.#change(first, (end) => {
      const isThere = end.kind === 'answered' || (end.kind === 'failed' && end.text.includes('already exists'))
      if (isThere) this.#all(rest, onEnd)
      else this.#later(RETRY_MS, () => this.#all(changes, onEnd))
    })
  }

  #next(): Change {
    const user = this.#random.pick(AUTH_USERS)
    const role = this.#random.pick(ROLES)
    const dice = this.#random.float()
    if (dice < 0.25) return ['UserGrantRole', encodeAuthUserGrantRoleRequest({ user, role })]
    if (dice < 0.45) return ['UserRevokeRole', encodeAuthUserRevokeRoleRequest({ name: user, role })]
    if (dice < 0.75) return grant(role, this.#random.pick([typeOf(role), typeOf(role), PermissionType.READWRITE]))
    if (dice < 0.9) {
      const range = { key: utf8(AUTH_RANGE.key), range_end: utf8(AUTH_RANGE.end) }
      return ['RoleRevokePermission', encodeAuthRoleRevokePermissionRequest({ role, ...range })]
    }
    return ['UserChangePassword', encodeAuthUserChangePasswordRequest({ name: user, password: PASSWORD })]
  }

  #change([method, bytes]: Change, onEnd: (end: CallEnd) => void): void {
    const { world, nodes, connections } = this.#context
    const node = this.#random.pick(nodes)
    this.isBusy = true
    connections.unary(node, { method: AUTH + method, user: '', bytes, patienceMs: PATIENCE_MS }, (end) => {
      this.isBusy = false
      world.say('root', () => `${node.name}: ${method} -> ${end.kind === 'failed' ? end.text : end.kind}`)
      onEnd(end)
    })
  }

  #later(meanMs: number, what: () => void): void {
    const { world, isOver } = this.#context
    world.time.after(world.around(meanMs, this.#random), () => {
      if (!isOver()) what()
    })
  }
}

function beginning(): Change[] {
  const users = ['root', ...AUTH_USERS].map((name): Change =>
    ['UserAdd', encodeAuthUserAddRequest({ name, password: PASSWORD })])
  const roles = ROLES.flatMap((name): Change[] =>
    [['RoleAdd', encodeAuthRoleAddRequest({ name })], grant(name, typeOf(name))])
  const held = [['root', 'root'], ...AUTH_USERS.flatMap((user) => ROLES.map((role) => [user, role]))]
  return [
    ...users, ...roles,
    ...held.map(([user, role]): Change => ['UserGrantRole', encodeAuthUserGrantRoleRequest({ user, role })]),
    ['AuthEnable', encodeAuthEnableRequest({})],
  ]
}

function grant(name: string, permType: number): Change {
  const perm = { permType, key: utf8(AUTH_RANGE.key), range_end: utf8(AUTH_RANGE.end) }
  return ['RoleGrantPermission', encodeAuthRoleGrantPermissionRequest({ name, perm })]
}

function typeOf(role: string): number {
  return role === 'readers' ? PermissionType.READ : PermissionType.WRITE
}
