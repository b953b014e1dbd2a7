/** The Auth service for tests, and a cluster with users that is taken down again. */

import * as pb from '../../src/proto/generated/etcdserverpb.js'
import { PermissionType } from '../../src/proto/generated/authpb.js'
import { EtcdError, type CallOptions, type EtcdClient } from '../support/etcd-client.js'

const AUTH = '/etcdserverpb.Auth/'

export const ROOT_PASSWORD = 'root secret'
export const ALICE_PASSWORD = 'alice secret'

export class AuthClient {
  readonly #client: EtcdClient
  /** What calls are made with. */
  readonly options: CallOptions

  constructor(client: EtcdClient, options: CallOptions = {}) {
    this.#client = client
    this.options = options
  }

  /** The same client with a user's token. */
  async logIn(name: string, password: string): Promise<AuthClient> {
    return new AuthClient(this.#client, withToken(await this.authenticate(name, password)))
  }

  async authenticate(name: string, password: string): Promise<string> {
    const bytes = await this.#ask('Authenticate', pb.encodeAuthenticateRequest({ name, password }))
    return pb.decodeAuthenticateResponse(bytes).token
  }

  enable(): Promise<Uint8Array> {
    return this.#ask('AuthEnable', pb.encodeAuthEnableRequest({}))
  }

  disable(): Promise<Uint8Array> {
    return this.#ask('AuthDisable', pb.encodeAuthDisableRequest({}))
  }

  async status(): Promise<pb.AuthStatusResponse> {
    return pb.decodeAuthStatusResponse(await this.#ask('AuthStatus', pb.encodeAuthStatusRequest({})))
  }

  addUser(request: pb.AuthUserAddRequestInput): Promise<Uint8Array> {
    return this.#ask('UserAdd', pb.encodeAuthUserAddRequest(request))
  }

  async getUser(name: string): Promise<readonly string[]> {
    const bytes = await this.#ask('UserGet', pb.encodeAuthUserGetRequest({ name }))
    return pb.decodeAuthUserGetResponse(bytes).roles
  }

  async listUsers(): Promise<readonly string[]> {
    return pb.decodeAuthUserListResponse(await this.#ask('UserList', pb.encodeAuthUserListRequest({}))).users
  }

  deleteUser(name: string): Promise<Uint8Array> {
    return this.#ask('UserDelete', pb.encodeAuthUserDeleteRequest({ name }))
  }

  changePassword(name: string, password: string): Promise<Uint8Array> {
    return this.#ask('UserChangePassword', pb.encodeAuthUserChangePasswordRequest({ name, password }))
  }

  grantRole(user: string, role: string): Promise<Uint8Array> {
    return this.#ask('UserGrantRole', pb.encodeAuthUserGrantRoleRequest({ user, role }))
  }

  revokeRole(name: string, role: string): Promise<Uint8Array> {
    return this.#ask('UserRevokeRole', pb.encodeAuthUserRevokeRoleRequest({ name, role }))
  }

  addRole(name: string): Promise<Uint8Array> {
    return this.#ask('RoleAdd', pb.encodeAuthRoleAddRequest({ name }))
  }

  async getRole(role: string): Promise<pb.AuthRoleGetResponse['perm']> {
    return pb.decodeAuthRoleGetResponse(await this.#ask('RoleGet', pb.encodeAuthRoleGetRequest({ role }))).perm
  }

  async listRoles(): Promise<readonly string[]> {
    return pb.decodeAuthRoleListResponse(await this.#ask('RoleList', pb.encodeAuthRoleListRequest({}))).roles
  }

  deleteRole(role: string): Promise<Uint8Array> {
    return this.#ask('RoleDelete', pb.encodeAuthRoleDeleteRequest({ role }))
  }

  /** `type` as in authpb: READ, WRITE or READWRITE. */
  grant(name: string, type: keyof typeof PermissionType, key: string, end = ''): Promise<Uint8Array> {
    const perm = { permType: PermissionType[type], key: Buffer.from(key), range_end: Buffer.from(end) }
    return this.#ask('RoleGrantPermission', pb.encodeAuthRoleGrantPermissionRequest({ name, perm }))
  }

  /** A grant without a permission. */
  grantNothing(name: string): Promise<Uint8Array> {
    return this.#ask('RoleGrantPermission', pb.encodeAuthRoleGrantPermissionRequest({ name }))
  }

  revoke(role: string, key: string, end = ''): Promise<Uint8Array> {
    const request = { role, key: Buffer.from(key), range_end: Buffer.from(end) }
    return this.#ask('RoleRevokePermission', pb.encodeAuthRoleRevokePermissionRequest(request))
  }

  #ask(method: string, request: Uint8Array): Promise<Uint8Array> {
    return this.#client.raw(AUTH + method, Buffer.from(request), this.options)
  }
}

export function withToken(token: string): CallOptions {
  return { metadata: { token } }
}

export interface WithUsers {
  readonly nobody: AuthClient
  readonly root: AuthClient
  /** May read and write everything under the prefix. */
  readonly alice: AuthClient
}

/** Auth on, with root and alice, for as long as `body` runs; then no user and no role is left. */
export async function withUsers(
  client: EtcdClient,
  prefix: string,
  body: (users: WithUsers) => Promise<void>,
): Promise<void> {
  const nobody = new AuthClient(client)
  await nobody.addUser({ name: 'root', password: ROOT_PASSWORD })
  await nobody.grantRole('root', 'root')
  await nobody.addRole('keys')
  await nobody.grant('keys', 'READWRITE', prefix, afterPrefix(prefix))
  await nobody.addUser({ name: 'alice', password: ALICE_PASSWORD })
  await nobody.grantRole('alice', 'keys')
  await nobody.enable()
  const root = await nobody.logIn('root', ROOT_PASSWORD)
  try {
    await body({ nobody, root, alice: await nobody.logIn('alice', ALICE_PASSWORD) })
  } finally {
    await disable(nobody, root)
    for (const user of await nobody.listUsers()) await nobody.deleteUser(user)
    for (const role of await nobody.listRoles()) await nobody.deleteRole(role)
  }
}

/** The check may have switched auth off, or off and on again, which makes all tokens void. */
async function disable(nobody: AuthClient, root: AuthClient): Promise<void> {
  const isOff = (error: unknown): boolean => error instanceof EtcdError && error.message.includes('not enabled')
  try {
    await root.disable()
  } catch {
    const login = nobody.logIn('root', ROOT_PASSWORD)
    await login.then(
      (again) => again.disable(),
      (error: unknown) => {
        if (!isOff(error)) throw error
      },
    )
  }
}

export function afterPrefix(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
}
