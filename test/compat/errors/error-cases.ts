/**
 * How each error of the catalogue is provoked on one member: by a request here, by a test elsewhere that holds the
 * exact text, or not at all, with the reason.
 */

import { AuthClient, ROOT_PASSWORD, withToken, withUsers } from '../../auth/auth-client.js'
import type { etcdErrors } from '../../../src/proto/etcd-errors.js'
import type { CheckContext, CheckOptions } from '../../support/check-suite.js'
import { revisionOf } from '../../support/expect.js'
import { DOWNGRADE, MaintenanceClient } from '../../space/maintenance-client.js'
import { LockClient } from '../../support/lock-messages.js'

export type ErrorName = keyof typeof etcdErrors

export interface Provoked extends CheckOptions {
  /** The request that fails with the error. What must be there before is made before. */
  readonly by: (context: CheckContext) => Promise<unknown>
}
/** A test file that holds the error's text. */
export interface Elsewhere {
  readonly in: string
}
export interface Unprovoked {
  readonly why: string
}
export type ErrorCase = Provoked | Elsewhere | Unprovoked

const LEASE_UNKNOWN = 0x0dd_1ea5en
const OPS_TOO_MANY = 129
const REQUEST_BYTES = 1_700_000
const PASSWORD_TOO_LONG = 'p'.repeat(73)

const ofMembers: Unprovoked = { why: 'means something with more than one member' }
const ofMaintenance: Elsewhere = { in: 'test/space/maintenance-suite.ts' }

const get = (key: string): object => ({ requestRange: { key } })
const put = (key: string): object => ({ requestPut: { key, value: 'v' } })

/** What the Auth service refuses, on a server without users. */
const AUTH_CASES = {
  rootUserNotExist: { by: ({ client }) => new AuthClient(client).enable() },
  rootRoleNotExist: { by: (context) => withUser(context, 'root', (auth) => auth.enable()) },
  userAlreadyExist: {
    by: (context) => withUser(context, 'u', (auth) => auth.addUser({ name: 'u', password: 'p' })),
  },
  userEmpty: { by: ({ client }) => new AuthClient(client).addUser({ name: '', password: 'p' }) },
  userNotFound: { by: ({ client }) => new AuthClient(client).getUser('nobody') },
  roleAlreadyExist: { by: (context) => withRole(context, (auth, role) => auth.addRole(role)) },
  roleNotFound: { by: ({ client }) => new AuthClient(client).getRole('none') },
  roleEmpty: { by: ({ client }) => new AuthClient(client).addRole(''), since: '3.5' },
  authFailed: {
    by: ({ client, prefix }) => withUsers(client, prefix, async ({ nobody }) => void (await nobody.logIn('root', 'x'))),
  },
  permissionNotGiven: { by: (context) => withRole(context, (auth, role) => auth.grantNothing(role)), since: '3.5' },
  permissionDenied: {
    by: ({ client, prefix }) =>
      withUsers(client, prefix, async ({ alice }) => {
        await client.range({ key: `not-${prefix}` }, alice.options)
      }),
  },
  roleNotGranted: { by: (context) => withUser(context, 'u', (auth) => auth.revokeRole('u', 'r')) },
  permissionNotGranted: { by: (context) => withRole(context, (auth, role) => auth.revoke(role, 'k')) },
  authNotEnabled: { by: ({ client }) => new AuthClient(client).authenticate('root', ROOT_PASSWORD) },
  invalidAuthToken: {
    by: ({ client, prefix }) =>
      withUsers(client, prefix, async () => void (await client.range({ key: prefix }, withToken('none.1')))),
  },
  invalidAuthMgmt: {
    by: ({ client, prefix }) => withUsers(client, prefix, async ({ root }) => void (await root.deleteUser('root'))),
  },
  authOldRevision: { in: 'test/auth/jwt-server.test.ts' },
  noPasswordUser: {
    by: ({ client, prefix }) =>
      withUsers(client, prefix, async ({ root, nobody }) => {
        await root.addUser({ name: 'u', options: { no_password: true } })
        await nobody.authenticate('u', 'p')
      }),
  },
  passwordTooLong: {
    by: ({ client }) => new AuthClient(client).addUser({ name: 'u', password: PASSWORD_TOO_LONG }),
    since: '3.6',
  },
  authVerifyOnly: { in: 'test/auth/jwt-server.test.ts' },
} satisfies Partial<Record<ErrorName, ErrorCase>>

const KEY_CASES = {
  emptyKey: { by: ({ client }) => client.range({ key: '' }) },
  keyNotFound: { by: ({ client, prefix }) => client.put({ key: `${prefix}none`, ignoreValue: true }) },
  valueProvided: { by: ({ client, prefix }) => client.put({ key: prefix, value: 'v', ignoreValue: true }) },
  leaseProvided: { by: ({ client, prefix }) => client.put({ key: prefix, lease: 1n, ignoreLease: true }) },
  tooManyOps: {
    by: ({ client, prefix }) => client.txn({ success: Array.from({ length: OPS_TOO_MANY }, () => get(prefix)) }),
  },
  duplicateKey: { by: ({ client, prefix }) => client.txn({ success: [put(prefix), put(prefix)] }) },
  invalidClientAPIVersion: { in: 'test/compat/suites/transport-suite.ts' },
  invalidSortOption: {
    by: ({ client, prefix }) => client.range({ key: prefix, rangeEnd: '\0', sortOrder: 9 }),
    since: '3.5',
  },
  compacted: {
    by: async ({ client, prefix }) => {
      const revision = revisionOf(await client.put({ key: prefix, value: 'v' }))
      await client.compact({ revision })
      return client.compact({ revision })
    },
  },
  futureRev: { by: ({ client, prefix }) => client.range({ key: prefix, revision: 1_000_000_000 }) },
  noSpace: ofMaintenance,
  leaseNotFound: { by: ({ client }) => client.leaseRevoke(LEASE_UNKNOWN) },
  leaseExist: {
    by: async ({ client }) => {
      const { id } = await client.leaseGrant({ ttl: 60 })
      return client.leaseGrant({ ttl: 60, id })
    },
  },
  leaseTTLTooLarge: { by: ({ client }) => client.leaseGrant({ ttl: 9_000_000_001 }) },
  requestTooLarge: { by: ({ client, prefix }) => client.put({ key: prefix, value: 'v'.repeat(REQUEST_BYTES) }) },
  rangeStreamSort: {
    by: ({ client, prefix }) => client.rangeStream({ key: prefix, rangeEnd: '\0', sortOrder: 2 }),
    since: '3.7',
  },
  rangeStreamFilter: {
    by: ({ client, prefix }) => client.rangeStream({ key: prefix, rangeEnd: '\0', minModRevision: 1 }),
    since: '3.7',
  },
  missingLeaderKey: { by: ({ client }) => new LockClient(client).resign({}) },
  electionNoLeader: { by: ({ client, prefix }) => new LockClient(client).leader(prefix) },
  electionNotLeader: {
    by: ({ client, prefix }) => {
      const leader = { name: prefix, key: `${prefix}/1`, rev: 1, lease: 1n }
      return new LockClient(client).proclaim({ leader, value: 'v' })
    },
  },
  sessionExpired: { in: 'test/compat/suites/lock-suite.ts' },
} satisfies Partial<Record<ErrorName, ErrorCase>>

const SERVER_CASES = {
  watchCanceled: { why: 'whoever cancelled a watch does not read its status' },
  memberExist: ofMembers,
  peerURLExist: ofMembers,
  memberNotEnoughStarted: ofMembers,
  memberBadURLs: ofMembers,
  memberNotFound: ofMembers,
  memberNotLearner: ofMembers,
  learnerNotReady: ofMembers,
  tooManyLearners: ofMembers,
  clusterIDMismatch: ofMembers,
  requestTooManyRequests: { in: 'test/front/locks/open-askers.test.ts' },
  noLeader: { in: 'test/cluster/leaders/minority.test.ts' },
  notLeader: { in: 'test/cluster/leaders/leader-loss.test.ts' },
  leaderChanged: { in: 'test/cluster/leaders/leader-loss.test.ts' },
  notCapable: { why: 'the version of a cluster is known before it serves' },
  stopped: { in: 'test/front/locks/locks.test.ts' },
  timeout: { in: 'test/bad-input/disk-full-scenario.ts' },
  timeoutDueToLeaderFail: { in: 'test/front/leader-watch.test.ts' },
  timeoutDueToConnectionLost: { in: 'test/front/leader-watch.test.ts' },
  timeoutWaitAppliedIndex: { why: 'the lease actor waits for nothing that may come late' },
  unhealthy: ofMembers,
  corrupt: ofMaintenance,
  notSupportedForLearner: ofMembers,
  badLeaderTransferee: ofMaintenance,
  wrongDowngradeVersionFormat: ofMaintenance,
  invalidDowngradeTargetVersion: ofMaintenance,
  clusterVersionUnavailable: { why: 'the version of a cluster is known before it serves' },
  downgradeInProcess: {
    by: async ({ client, prefix }) => {
      const maintenance = new MaintenanceClient(client)
      await maintenance.downgrade(DOWNGRADE.ENABLE, '3.6.0')
      try {
        // Ordered behind the new version of the cluster, below which the next one would be.
        await client.put({ key: prefix, value: 'v' })
        return await maintenance.downgrade(DOWNGRADE.VALIDATE, '3.5.0')
      } finally {
        await maintenance.downgrade(DOWNGRADE.CANCEL)
      }
    },
    since: '3.6',
  },
  noInflightDowngrade: { why: 'etcd never sends it' },
  canceled: { why: 'whoever cancelled a call does not read its status' },
  deadlineExceeded: { why: 'etcd sends the text without its prefix' },
  timeoutLeaderTransfer: { in: 'test/cluster/leaders/leader-loss.test.ts' },
  proposalDropped: { in: 'test/cluster/leaders/leader-loss.test.ts' },
  unknownMethod: ofMaintenance,
  notPrimary: ofMembers,
  contextDeadlineExceeded: { in: 'test/front/grpc/grpc-calls.test.ts' },
  contextCanceled: { why: 'whoever cancelled a call does not read its status' },
  transportClosing: { why: "a text of Go's client: servers say GOAWAY" },
} satisfies Partial<Record<ErrorName, ErrorCase>>

/** Complete by its type: an error of the catalogue without a case does not compile. */
export const ERROR_CASES: Readonly<Record<ErrorName, ErrorCase>> = { ...KEY_CASES, ...AUTH_CASES, ...SERVER_CASES }

/** The call, with a user who is gone afterwards. */
async function withUser(
  { client }: CheckContext, name: string, call: (auth: AuthClient) => Promise<unknown>,
): Promise<unknown> {
  const auth = new AuthClient(client)
  await auth.addUser({ name, password: 'p' })
  try {
    return await call(auth)
  } finally {
    await auth.deleteUser(name)
  }
}

async function withRole(
  { client }: CheckContext, call: (auth: AuthClient, role: string) => Promise<unknown>,
): Promise<unknown> {
  const auth = new AuthClient(client)
  await auth.addRole('r')
  try {
    return await call(auth, 'r')
  } finally {
    await auth.deleteRole('r')
  }
}
