/** Users, roles and the switch, as entries change them, and entries that are refused for want of rights. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAuthFlags, readRole, readUser } from '../../src/auth/auth-tables.js'
import { text, utf8 } from '../../src/base/bytes.js'
import { Word } from '../../src/messages/shared-words.js'
import { errorById } from '../../src/proto/etcd-errors.js'
import type { InternalRaftRequestInput } from '../../src/proto/generated/etcdserverpb.js'
import type { StoreView } from '../../src/store/store.js'
import type { HeardMessage } from './support/mailbox.js'
import { MvccRig, type RigOptions } from './support/mvcc-rig.js'
import { MemoryDisk } from './support/test-disk.js'

const HASH = Buffer.from('$2b$04$stands.for.a.hash').toString('base64')

/** Sends entries and tells outcomes by the names of etcd's errors. */
class AuthRig {
  readonly rig: MvccRig
  /** Facts for the first front, in the order it heard them. */
  facts: string[] = []
  as: { username: string; auth_revision: number } | undefined

  constructor(options?: RigOptions) {
    this.rig = new MvccRig(options)
  }

  ask(request: InternalRaftRequestInput): HeardMessage {
    const header = this.as === undefined ? {} : { header: this.as }
    const low = this.rig.send({ kind: 'other', request: { ...request, ...header } })
    this.rig.run()
    const heard = this.rig.node.fronts[0]?.take() ?? []
    this.facts.push(...heard.map(factText).filter((fact) => fact !== ''))
    const answer = heard.find((message) => message['requestLow'] === low)
    assert.ok(answer !== undefined, 'the front was answered')
    return answer
  }

  outcome(request: InternalRaftRequestInput): string {
    return errorById(this.ask(request)['error'] as number)?.symbol.replace('ErrGRPC', '') ?? 'ok'
  }

  done(request: InternalRaftRequestInput): void {
    assert.equal(this.outcome(request), 'ok')
  }

  /** Root, and alice who may read and write f up to g. */
  populate(): void {
    this.done({ auth_user_add: { name: 'root', hashedPassword: HASH } })
    this.done({ auth_user_grant_role: { user: 'root', role: 'root' } })
    this.done({ auth_user_add: { name: 'alice', hashedPassword: HASH } })
    this.done({ auth_role_add: { name: 'r' } })
    this.done({ auth_role_grant_permission: { name: 'r', perm: { permType: 2, ...range('f', 'g') } } })
    this.done({ auth_user_grant_role: { user: 'alice', role: 'r' } })
  }

  get revision(): number {
    return Math.floor(this.rig.words.load(Word.authStamp) / 2)
  }

  asUser(username: string, auth_revision = this.revision): void {
    this.as = { username, auth_revision }
  }

  read<T>(read: (view: StoreView) => T): T {
    const snapshot = this.rig.node.store.store.beginRead()
    try {
      return read(snapshot)
    } finally {
      snapshot.close()
    }
  }
}

function range(key: string, end = ''): { key: Uint8Array; range_end: Uint8Array } {
  return { key: utf8(key), range_end: utf8(end) }
}

function factText(message: HeardMessage): string {
  const user = text((message['user'] as Uint8Array | undefined) ?? new Uint8Array(0))
  if (message.message === 'tokenAssigned') return `token ${text(message['token'] as Uint8Array)} of ${user}`
  if (message.message !== 'authChanged') return ''
  if (message['voidsAll'] === 1) return 'all tokens are void'
  return user === '' ? `stamp ${String(message['stamp'])}` : `tokens of ${user} are void`
}

test('each change of users and roles is a revision, and the store keeps it in records of etcd', () => {
  const auth = new AuthRig()
  assert.equal(auth.revision, 1)
  auth.populate()
  assert.equal(auth.revision, 7)
  auth.read((view) => {
    assert.deepEqual(readAuthFlags(view), { enabled: false, revision: 7 })
    const alice = readUser(view, 'alice')
    assert.deepEqual([text(alice?.password ?? utf8('')), alice?.roles], ['$2b$04$stands.for.a.hash', ['r']])
    assert.deepEqual(alice?.options, { no_password: false })
    assert.equal(readRole(view, 'r')?.keyPermission.length, 1)
  })
  auth.rig.close()
})

test('what changes nothing, and switching on, is no revision; switching off is one', () => {
  const auth = new AuthRig()
  auth.populate()
  auth.done({ auth_user_grant_role: { user: 'alice', role: 'r' } })
  auth.done({ auth_disable: {} })
  auth.done({ auth_enable: {} })
  assert.deepEqual([auth.revision, auth.rig.words.load(Word.authStamp) % 2], [7, 1])
  auth.asUser('root')
  auth.done({ auth_enable: {} })
  assert.equal(auth.revision, 7)
  auth.done({ auth_disable: {} })
  assert.deepEqual([auth.revision, auth.rig.words.load(Word.authStamp) % 2], [8, 0])
  auth.rig.close()
})

test('each refusal has its error and is no revision', () => {
  const auth = new AuthRig()
  const refused = (request: InternalRaftRequestInput, error: string): void =>
    assert.equal(auth.outcome(request), error, JSON.stringify(request))
  refused({ auth_enable: {} }, 'RootUserNotExist')
  auth.populate()
  auth.done({ auth_user_revoke_role: { name: 'root', role: 'root' } })
  refused({ auth_enable: {} }, 'RootRoleNotExist')
  auth.done({ auth_user_grant_role: { user: 'root', role: 'root' } })
  const before = auth.revision
  refused({ authenticate: { name: 'alice' } }, 'AuthNotEnabled')
  refused({ auth_user_add: { name: '' } }, 'UserEmpty')
  refused({ auth_user_add: { name: 'alice' } }, 'UserAlreadyExist')
  refused({ auth_user_add: { name: 'x', hashedPassword: 'not base64!' } }, 'ErrNoPasswordUser')
  refused({ auth_user_change_password: { name: 'x' } }, 'UserNotFound')
  refused({ auth_user_delete: { name: 'x' } }, 'UserNotFound')
  refused({ auth_user_grant_role: { user: 'x', role: 'r' } }, 'UserNotFound')
  refused({ auth_user_grant_role: { user: 'alice', role: 'x' } }, 'RoleNotFound')
  refused({ auth_user_revoke_role: { name: 'x', role: 'r' } }, 'UserNotFound')
  refused({ auth_user_revoke_role: { name: 'alice', role: 'x' } }, 'RoleNotGranted')
  refused({ auth_role_add: { name: '' } }, 'RoleEmpty')
  refused({ auth_role_add: { name: 'r' } }, 'RoleAlreadyExist')
  refused({ auth_role_delete: { role: 'x' } }, 'RoleNotFound')
  refused({ auth_role_grant_permission: { name: 'r' } }, 'PermissionNotGiven')
  refused({ auth_role_grant_permission: { name: 'x', perm: range('a') } }, 'RoleNotFound')
  refused({ auth_role_grant_permission: { name: 'r', perm: range('', 'b') } }, 'InvalidAuthMgmt')
  refused({ auth_role_grant_permission: { name: 'r', perm: range('b', 'b') } }, 'InvalidAuthMgmt')
  refused({ auth_role_revoke_permission: { role: 'x', ...range('a') } }, 'RoleNotFound')
  refused({ auth_role_revoke_permission: { role: 'r', ...range('f') } }, 'PermissionNotGranted')
  auth.done({ auth_enable: {} })
  auth.asUser('root')
  refused({ auth_user_delete: { name: 'root' } }, 'InvalidAuthMgmt')
  refused({ auth_user_revoke_role: { name: 'root', role: 'root' } }, 'InvalidAuthMgmt')
  refused({ auth_role_delete: { role: 'root' } }, 'InvalidAuthMgmt')
  refused({ authenticate: { name: 'x' } }, 'AuthFailed')
  assert.equal(auth.revision, before)
  auth.rig.close()
})

test('permissions are kept by key, one for each range, and a role that goes leaves its holders', () => {
  const auth = new AuthRig()
  auth.populate()
  const grant = (permType: number, key: string, end: string): void =>
    auth.done({ auth_role_grant_permission: { name: 'r', perm: { permType, ...range(key, end) } } })
  grant(0, 'z', '\0')
  grant(1, 'a', '')
  grant(0, 'f', 'g')
  const held = (): unknown =>
    auth.read((view) => readRole(view, 'r')?.keyPermission.map((perm) => [text(perm.key), perm.permType]))
  assert.deepEqual(held(), [['a', 1], ['f', 0], ['z', 0]])
  auth.done({ auth_role_revoke_permission: { role: 'r', ...range('f', 'g') } })
  assert.deepEqual(held(), [['a', 1], ['z', 0]])
  auth.done({ auth_role_delete: { role: 'r' } })
  assert.deepEqual(auth.read((view) => readUser(view, 'alice')?.roles), [])
  auth.rig.close()
})

test('an entry is refused when its user may not, has an old proof, or is nobody', () => {
  const auth = new AuthRig()
  auth.populate()
  auth.done({ put: { key: utf8('x'), value: utf8('1') } })
  auth.done({ auth_enable: {} })
  const put = (key: string, more = {}): string => auth.outcome({ put: { key: utf8(key), value: utf8('2'), ...more } })
  assert.equal(put('f'), 'UserEmpty')
  auth.asUser('alice')
  assert.deepEqual([put('f'), put('x'), put('f', { prev_kv: true })], ['ok', 'PermissionDenied', 'ok'])
  auth.asUser('alice', auth.revision - 1)
  assert.equal(put('f'), 'AuthOldRevision')
  auth.asUser('nobody')
  assert.deepEqual([put('f'), auth.outcome({ auth_user_add: { name: 'n' } })], ['PermissionDenied', 'UserNotFound'])
  auth.asUser('alice')
  const nested = { txn: { success: [{ request_txn: { failure: [{ request_put: { key: utf8('x') } }] } }] } }
  assert.equal(auth.outcome(nested), 'PermissionDenied')
  assert.equal(auth.outcome({ compaction: { revision: 2 } }), 'PermissionDenied')
  assert.equal(auth.outcome({ auth_disable: {} }), 'PermissionDenied')
  auth.asUser('root')
  assert.deepEqual([put('x'), auth.outcome(nested), auth.outcome({ compaction: { revision: 2 } })], ['ok', 'ok', 'ok'])
  auth.rig.close()
})

test('who may not write what hangs on a lease can neither attach to it nor revoke it', () => {
  const auth = new AuthRig()
  auth.populate()
  auth.done({ lease_grant: { ID: 5n, TTL: 60 } })
  auth.done({ put: { key: utf8('x'), lease: 5n } })
  auth.done({ auth_enable: {} })
  assert.equal(auth.outcome({ lease_grant: { ID: 6n, TTL: 60 } }), 'UserEmpty')
  assert.equal(auth.outcome({ lease_revoke: { ID: 5n } }), 'UserEmpty')
  auth.asUser('alice')
  auth.done({ lease_grant: { ID: 6n, TTL: 60 } })
  assert.equal(auth.outcome({ lease_revoke: { ID: 5n } }), 'PermissionDenied')
  assert.equal(auth.outcome({ put: { key: utf8('f'), lease: 5n } }), 'PermissionDenied')
  assert.equal(auth.outcome({ put: { key: utf8('f'), lease: 77n } }), 'LeaseNotFound')
  auth.done({ put: { key: utf8('f'), lease: 6n } })
  auth.done({ lease_revoke: { ID: 6n } })
  auth.asUser('root', 1)
  auth.done({ lease_revoke: { ID: 5n } })
  auth.rig.close()
})

test('fronts hear of tokens and of what voids them before the answer, but not of tokens that a start replays', () => {
  const auth = new AuthRig()
  auth.populate()
  auth.facts = []
  auth.done({ auth_enable: {} })
  const answer = auth.ask({ authenticate: { name: 'alice', simple_token: 'abc' } })
  assert.deepEqual([answer['count'], answer['error']], [7, 0])
  auth.asUser('root')
  auth.done({ auth_user_change_password: { name: 'alice', hashedPassword: HASH } })
  auth.done({ auth_role_add: { name: 's' } })
  auth.done({ auth_user_delete: { name: 'alice' } })
  auth.done({ auth_disable: {} })
  assert.deepEqual(auth.facts, [
    'stamp 15',
    `token abc.${answer['index'] as number} of alice`,
    'tokens of alice are void', 'stamp 17',
    'stamp 19',
    'tokens of alice are void', 'stamp 21',
    'all tokens are void', 'stamp 22',
  ])
  auth.rig.crash()
  const heard = (auth.rig.node.fronts[0]?.take() ?? []).map(factText)
  assert.deepEqual(heard.filter((fact) => fact.startsWith('token ')), [])
  assert.equal(auth.rig.words.load(Word.authStamp), 22)
  auth.rig.close()
})

test('a batch that finds no space leaves users as they were until it fits', () => {
  const disk = new MemoryDisk()
  const auth = new AuthRig({ disk })
  auth.populate()
  const before = auth.rig.words.load(Word.authStamp)
  disk.isFull = true
  const low = auth.rig.send({ kind: 'other', request: { auth_role_add: { name: 'late' } } })
  auth.rig.run()
  assert.equal(auth.rig.words.load(Word.authStamp), before)
  disk.isFull = false
  auth.rig.pass(1000)
  const heard = auth.rig.node.fronts[0]?.take() ?? []
  assert.equal(heard.find((message) => message['requestLow'] === low)?.['error'], 0)
  assert.deepEqual(heard.map(factText).filter((fact) => fact !== ''), [`stamp ${before + 2}`])
  assert.equal(auth.rig.words.load(Word.authStamp), before + 2)
  auth.rig.close()
})
