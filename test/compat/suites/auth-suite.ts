/** The Auth service over gRPC: users, roles, passwords, and who may change them. */

import { strict as assert } from 'node:assert'
import { ALICE_PASSWORD, AuthClient, ROOT_PASSWORD, afterPrefix, withUsers } from '../../auth/auth-client.js'
import { CheckSuite } from '../../support/check-suite.js'
import { expectError } from '../../support/expect.js'

export const AUTH_SUITE = new CheckSuite('auth')
const suite = AUTH_SUITE

const DENIED = 'PermissionDenied etcdserver: permission denied'
const NO_USER = 'InvalidArgument etcdserver: user name is empty'
const FAILED = 'InvalidArgument etcdserver: authentication failed, invalid user ID or password'
const INVALID = 'InvalidArgument etcdserver: invalid auth management'

/** Runs with auth off; what was added is deleted. */
async function withService(auth: AuthClient, body: () => Promise<void>): Promise<void> {
  try {
    await body()
  } finally {
    for (const user of await auth.listUsers()) await auth.deleteUser(user)
    for (const role of await auth.listRoles()) await auth.deleteRole(role)
  }
}

suite.add('users are added, listed in byte order, given and taken roles, and deleted', async ({ client }) => {
  const auth = new AuthClient(client)
  await withService(auth, async () => {
    for (const name of ['carol', 'Bob', 'álice']) await auth.addUser({ name, password: 'p' })
    assert.deepEqual(await auth.listUsers(), ['Bob', 'carol', 'álice'])
    for (const name of ['z', 'a']) await auth.addRole(name)
    await auth.grantRole('Bob', 'z')
    await auth.grantRole('Bob', 'a')
    await auth.grantRole('Bob', 'a')
    assert.deepEqual(await auth.getUser('Bob'), ['a', 'z'])
    await auth.revokeRole('Bob', 'a')
    await auth.deleteRole('z')
    assert.deepEqual(await auth.getUser('Bob'), [])
    await auth.deleteUser('carol')
    assert.deepEqual(await auth.listUsers(), ['Bob', 'álice'])
  })
})

suite.add('roles hold permissions by key, range, prefix and open end', async ({ client }) => {
  const auth = new AuthClient(client)
  await withService(auth, async () => {
    await auth.addRole('r')
    await auth.grant('r', 'WRITE', 'k')
    await auth.grant('r', 'READ', 'b', 'd')
    await auth.grant('r', 'READ', 'x', '\0')
    await auth.grant('r', 'READWRITE', 'b', 'd')
    const held = (await auth.getRole('r')).map((perm) => [
      perm.permType, Buffer.from(perm.key).toString(), Buffer.from(perm.range_end).toString(),
    ])
    assert.deepEqual(held, [[2, 'b', 'd'], [1, 'k', ''], [0, 'x', '\0']])
    await auth.revoke('r', 'x', '\0')
    assert.equal((await auth.getRole('r')).length, 2)
    assert.deepEqual(await auth.listRoles(), ['r'])
  })
})

suite.add('whatever is granted to the role root, it may do everything', async ({ client }) => {
  const auth = new AuthClient(client)
  await withService(auth, async () => {
    await auth.addRole('root')
    await auth.grant('root', 'READ', 'q')
    const [root, ...more] = await auth.getRole('root')
    assert.deepEqual([root?.permType, root?.key.length, root?.range_end[0], more.length], [2, 0, 0, 0])
  })
}, { since: '3.5' })

suite.add('wrong requests have their errors while auth is off', async ({ client }) => {
  const auth = new AuthClient(client)
  await withService(auth, async () => {
    await auth.addUser({ name: 'u', password: 'p' })
    await auth.addRole('r')
    const precondition = (text: string): string => `FailedPrecondition etcdserver: ${text}`
    const argument = (text: string): string => `InvalidArgument etcdserver: ${text}`
    const cases: readonly (readonly [() => Promise<unknown>, string])[] = [
      [() => auth.enable(), precondition('root user does not exist')],
      [() => auth.authenticate('u', 'p'), precondition('authentication is not enabled')],
      [() => auth.addUser({ name: '', password: 'p' }), argument('user name is empty')],
      [() => auth.addUser({ name: 'u', password: 'p' }), precondition('user name already exists')],
      [() => auth.getUser('x'), precondition('user name not found')],
      [() => auth.deleteUser('x'), precondition('user name not found')],
      [() => auth.changePassword('x', 'p'), precondition('user name not found')],
      [() => auth.grantRole('x', 'r'), precondition('user name not found')],
      [() => auth.grantRole('u', 'x'), precondition('role name not found')],
      [() => auth.revokeRole('x', 'r'), precondition('user name not found')],
      [() => auth.revokeRole('u', 'r'), precondition('role is not granted to the user')],
      [() => auth.addRole('r'), precondition('role name already exists')],
      [() => auth.getRole('x'), precondition('role name not found')],
      [() => auth.getRole('root'), precondition('role name not found')],
      [() => auth.deleteRole('x'), precondition('role name not found')],
      [() => auth.grant('x', 'READ', 'k'), precondition('role name not found')],
      [() => auth.revoke('x', 'k'), precondition('role name not found')],
      [() => auth.revoke('r', 'k'), precondition('permission is not granted to the role')],
    ]
    for (const [call, error] of cases) await expectError(call(), error)
    await auth.addUser({ name: 'root', password: 'p' })
    await expectError(auth.enable(), precondition('root user does not have root role'))
  })
})

suite.add('wrong grants, empty role names and long passwords have the errors of later releases', async ({ client }) => {
  const auth = new AuthClient(client)
  await withService(auth, async () => {
    await auth.addRole('r')
    await expectError(auth.addRole(''), 'InvalidArgument etcdserver: role name is empty')
    await expectError(auth.grantNothing('r'), 'InvalidArgument etcdserver: permission not given')
    await expectError(auth.grant('r', 'READ', ''), INVALID)
    await expectError(auth.grant('r', 'READ', 'b', 'b'), INVALID)
    await expectError(auth.grant('r', 'READ', 'b', 'a'), INVALID)
    const long = auth.addUser({ name: 'u', password: 'x'.repeat(73) })
    await expectError(long, 'Unknown bcrypt: password length exceeds 72 bytes')
    await auth.addUser({ name: 'u', password: 'x'.repeat(72) })
  })
}, { since: '3.5' })

suite.add('the switch and the revision of auth can be asked for by everybody', async ({ client, prefix }) => {
  const auth = new AuthClient(client)
  const before = await auth.status()
  assert.equal(before.enabled, false)
  await withUsers(client, prefix, async ({ nobody }) => {
    const { enabled, authRevision } = await nobody.status()
    assert.deepEqual([enabled, authRevision], [true, before.authRevision + 6])
  })
  // Auth was switched off, and two users and one role deleted.
  assert.equal((await auth.status()).authRevision, before.authRevision + 10)
}, { since: '3.7' })

suite.add('only right passwords log in', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ nobody, root }) => {
    assert.match(await nobody.authenticate('alice', ALICE_PASSWORD), /^[A-Za-z]{16}\.\d+$/u)
    await expectError(nobody.authenticate('alice', ROOT_PASSWORD), FAILED)
    await expectError(nobody.authenticate('alice', ''), FAILED)
    await expectError(nobody.authenticate('nobody', 'x'), FAILED)
    await root.addUser({ name: 'empty', password: '' })
    assert.notEqual(await nobody.authenticate('empty', ''), '')
    await root.addUser({ name: 'certain', options: { no_password: true } })
    await expectError(
      nobody.authenticate('certain', ''),
      'Unknown auth: authentication failed, password was given for no password user',
    )
  })
}, { since: '3.5' })

suite.add('administration is for root alone', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ nobody, alice, root }) => {
    for (const [who, error] of [[alice, DENIED], [nobody, NO_USER]] as const) {
      await expectError(who.addUser({ name: 'x', password: 'p' }), error)
      await expectError(who.listUsers(), error)
      await expectError(who.deleteUser('alice'), error)
      await expectError(who.changePassword('alice', 'x'), error)
      await expectError(who.grantRole('alice', 'root'), error)
      await expectError(who.revokeRole('alice', 'keys'), error)
      await expectError(who.addRole('x'), error)
      await expectError(who.listRoles(), error)
      await expectError(who.deleteRole('keys'), error)
      await expectError(who.grant('keys', 'READ', 'x'), error)
      await expectError(who.revoke('keys', prefix, afterPrefix(prefix)), error)
      await expectError(who.disable(), error)
    }
    assert.deepEqual(await root.listUsers(), ['alice', 'root'])
  })
})

suite.add('users see themselves and the roles that they hold', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ alice, nobody, root }) => {
    assert.deepEqual(await alice.getUser('alice'), ['keys'])
    await expectError(alice.getUser('root'), DENIED)
    await expectError(nobody.getUser('alice'), NO_USER)
    assert.equal((await alice.getRole('keys')).length, 1)
    await root.addRole('unseen')
    await expectError(alice.getRole('unseen'), DENIED)
    await expectError(nobody.getRole('keys'), NO_USER)
    assert.deepEqual(await root.getUser('alice'), ['keys'])
  })
})

suite.add('root itself stays while auth is on', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ root }) => {
    await root.addRole('root')
    await expectError(root.deleteUser('root'), INVALID)
    await expectError(root.deleteRole('root'), INVALID)
    await expectError(root.revokeRole('root', 'root'), INVALID)
    await root.enable()
  })
})
