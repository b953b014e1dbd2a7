/** What users were allowed and refused, beside what the log says of their rights. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../../src/base/bytes.js'
import { PermissionType } from '../../../src/proto/generated/authpb.js'
import {
  encodeAuthEnableRequest,
  encodeAuthRoleAddRequest,
  encodeAuthRoleGrantPermissionRequest,
  encodeAuthRoleRevokePermissionRequest,
  encodeAuthUserAddRequest,
  encodeAuthUserGrantRoleRequest,
  encodeAuthUserRevokeRoleRequest,
} from '../../../src/proto/generated/etcdserverpb.js'
import {
  NO_EXTRAS,
  RaftBody,
  RaftRequestView,
  raftRequestSize,
  writeRaftRequest,
  type RaftBodyField,
} from '../../../src/proto/hot/raft-request.js'
import { checkAuth, type AuthCall, type LoginCall } from '../../../src/sim/checkers/auth-checker.js'
import { AuthTruth } from '../../../src/sim/checkers/auth-truth.js'
import { Truth } from '../../../src/sim/checkers/truth.js'

const READ = { read: true, write: false }
const WRITE = { read: false, write: true }
const BOTH = { read: true, write: true }
const ROLE = 'r'

/** An entry that root asks for, unless somebody else is named. */
function enter(auth: AuthTruth, atMs: number, field: RaftBodyField, body: Uint8Array, by = 'root'): void {
  const extras = { ...NO_EXTRAS, username: utf8(by), authRevision: 1 }
  const bytes = new Uint8Array(raftRequestSize(1, 1, field, body.length, extras))
  writeRaftRequest(bytes, 0, 1, 1, field, body, 0, body.length, extras)
  const view = new RaftRequestView()
  assert.ok(view.decode(bytes, 0, bytes.length))
  auth.onEntry(view, atMs)
}

function permit(auth: AuthTruth, atMs: number, permType: number, by = 'root'): void {
  const perm = { permType, key: utf8('u'), range_end: utf8('v') }
  enter(auth, atMs, RaftBody.authRoleGrantPermission, encodeAuthRoleGrantPermissionRequest({ name: ROLE, perm }), by)
}

/** Auth is on from 100 on, and `u` has one role, without any right. */
function users(): AuthTruth {
  const auth = new AuthTruth()
  for (const name of ['root', 'u']) enter(auth, 10, RaftBody.authUserAdd, encodeAuthUserAddRequest({ name }))
  enter(auth, 20, RaftBody.authRoleAdd, encodeAuthRoleAddRequest({ name: ROLE }))
  for (const [user, role] of [['root', 'root'], ['u', ROLE]]) {
    enter(auth, 30, RaftBody.authUserGrantRole, encodeAuthUserGrantRoleRequest({ user, role }))
  }
  enter(auth, 100, RaftBody.authEnable, encodeAuthEnableRequest({}))
  return auth
}

function call(needs: AuthCall['needs'], outcome: AuthCall['outcome'], times: readonly [number, number]): AuthCall {
  const [from, until] = times
  return { user: 'u', needs, written: null, invokedAt: from, returnedAt: until, outcome }
}

function verdict(auth: AuthTruth, calls: AuthCall[], logins: LoginCall[] = [], truth = new Truth()): string {
  return checkAuth({ calls, logins }, auth, truth) ?? 'all is well'
}

test('before auth is on everybody may do everything, and nobody is denied', () => {
  assert.equal(verdict(users(), [call(BOTH, 'done', [50, 99])]), 'all is well')
  assert.match(verdict(users(), [call(BOTH, 'denied', [50, 99])]), /had the right all the while/)
})

test('a read without the right at any time is found, and one with it for a part of its time is right', () => {
  const auth = users()
  permit(auth, 300, PermissionType.READ)
  assert.equal(verdict(auth, [call(READ, 'done', [310, 320])]), 'all is well')
  assert.equal(verdict(auth, [call(READ, 'done', [290, 300])]), 'all is well')
  const early = verdict(auth, [call(READ, 'done', [200, 290])])
  assert.match(early, /u \[200.0, 290.0\] reads -> done: it never had the right/)
  assert.match(verdict(auth, [call(WRITE, 'done', [310, 320])]), /writes -> done: it never had the right/)
  assert.match(verdict(auth, [call(BOTH, 'done', [310, 320])]), /reads and writes -> done: it never had the right/)
})

test('a denial in spite of the right is found, unless the right came or went meanwhile', () => {
  const auth = users()
  permit(auth, 300, PermissionType.READWRITE)
  assert.match(verdict(auth, [call(BOTH, 'denied', [310, 320])]), /had the right all the while/)
  assert.equal(verdict(auth, [call(BOTH, 'denied', [290, 320])]), 'all is well')
  const none = { role: ROLE, key: utf8('u'), range_end: utf8('v') }
  enter(auth, 400, RaftBody.authRoleRevokePermission, encodeAuthRoleRevokePermissionRequest(none))
  assert.equal(verdict(auth, [call(BOTH, 'denied', [390, 410])]), 'all is well')
  assert.match(verdict(auth, [call(BOTH, 'done', [401, 410])]), /never had the right/)
})

test('who loses a role loses its rights, and somebody else than root changes nothing', () => {
  const auth = users()
  permit(auth, 200, PermissionType.READWRITE, 'u')
  assert.match(verdict(auth, [call(READ, 'done', [210, 220])]), /never had the right/)
  permit(auth, 300, PermissionType.READWRITE)
  assert.equal(verdict(auth, [call(READ, 'done', [310, 320])]), 'all is well')
  enter(auth, 400, RaftBody.authUserRevokeRole, encodeAuthUserRevokeRoleRequest({ name: 'u', role: ROLE }))
  assert.match(verdict(auth, [call(READ, 'done', [410, 420])]), /never had the right/)
})

test('a write counts when it was applied, whether its client heard of it or not', () => {
  const auth = users()
  permit(auth, 300, PermissionType.WRITE)
  const truth = new Truth()
  const change = { key: 'u-a', value: 'v1', modRevision: 2, createRevision: 2, version: 1, leaseId: 0n }
  assert.equal(truth.onRevision('m1', 2, [change], 250), null)
  const written = { key: 'u-a', value: 'v1' }
  for (const outcome of ['done', 'open'] as const) {
    const early = [{ ...call(WRITE, outcome, [200, 350]), written }]
    assert.match(verdict(auth, early, [], truth), /it was done at 250.0 without the right/)
  }
  const other = { ...call(WRITE, 'open', [200, 350]), written: { ...written, value: 'v2' } }
  assert.equal(verdict(auth, [other], [], truth), 'all is well')
})

test('a log-in with the right password that is refused is found', () => {
  const login = (refusal: LoginCall['refusal'], at: number): LoginCall =>
    ({ user: 'u', invokedAt: at, returnedAt: at + 5, refusal })
  assert.equal(verdict(users(), [], [login(null, 200), login('auth is off', 90)]), 'all is well')
  assert.match(verdict(users(), [], [login('auth is off', 200)]), /u logs in at 200.0 and is told that auth is off/)
  assert.match(verdict(users(), [], [login('its password is wrong', 200)]), /is told that its password is wrong/)
})
