/** Alarms, hashes, defragmentation, and what one member answers to a move of its leader or a downgrade. */

import { strict as assert } from 'node:assert'
import { CheckSuite } from '../support/check-suite.js'
import { prefixEnd } from '../support/etcd-client.js'
import { expectError, present, revisionOf } from '../support/expect.js'
import { ALARM, ALARM_ACTION, DOWNGRADE, MaintenanceClient } from './maintenance-client.js'

export const MAINTENANCE_SUITE = new CheckSuite('maintenance')
const suite = MAINTENANCE_SUITE

const NO_SPACE = 'ResourceExhausted etcdserver: mvcc: database space exceeded'
const CORRUPT = 'DataLoss etcdserver: corrupt cluster'
const COMPACTED = 'OutOfRange etcdserver: mvcc: required revision has been compacted'
const FUTURE = 'OutOfRange etcdserver: mvcc: required revision is a future revision'
const { GET, ACTIVATE, DEACTIVATE } = ALARM_ACTION

suite.add('an alarm is activated once, listed, and deactivated once', async ({ client }) => {
  const maintenance = new MaintenanceClient(client)
  const memberId = present((await client.status()).header).memberId
  const alarm = { memberId, alarm: ALARM.NOSPACE }
  assert.deepEqual((await maintenance.alarm(GET, ALARM.NONE)).alarms, [])
  for (let i = 0; i < 2; i++) {
    assert.deepEqual((await maintenance.alarm(ACTIVATE, ALARM.NOSPACE, memberId)).alarms, [alarm])
  }
  assert.deepEqual((await maintenance.alarm(GET, ALARM.NONE)).alarms, [alarm])
  assert.deepEqual((await maintenance.alarm(GET, ALARM.NOSPACE, 77n)).alarms, [alarm])
  assert.deepEqual((await maintenance.alarm(GET, ALARM.CORRUPT)).alarms, [])
  const { errors } = await client.status()
  assert.match(errors.join(), new RegExp(`^memberID:${memberId} alarm:NOSPACE ?$`, 'u'))
  assert.deepEqual((await maintenance.alarm(DEACTIVATE, ALARM.NOSPACE, memberId)).alarms, [alarm])
  assert.deepEqual((await maintenance.alarm(DEACTIVATE, ALARM.NOSPACE, memberId)).alarms, [])
  assert.deepEqual((await maintenance.alarm(GET, ALARM.NONE)).alarms, [])
  assert.deepEqual((await client.status()).errors, [])
})

suite.add('activating no kind of alarm does nothing, and the header tells the revision', async ({ client, prefix }) => {
  const maintenance = new MaintenanceClient(client)
  const revision = revisionOf(await client.put({ key: prefix, value: 'v' }))
  const answer = await maintenance.alarm(ACTIVATE, ALARM.NONE, 5n)
  assert.deepEqual([answer.alarms, answer.header?.revision], [[], revision])
}, { since: '3.6' })

suite.add('with an alarm for space what grows is refused, and what shrinks or reads is not', async (context) => {
  const { client, prefix } = context
  const maintenance = new MaintenanceClient(client)
  const key = `${prefix}k`
  const lease = await client.leaseGrant({ ttl: 100 })
  await client.put({ key, value: 'v', lease: lease.id })
  await maintenance.alarm(ACTIVATE, ALARM.NOSPACE, 99n)
  try {
    await expectError(client.put({ key, value: 'v' }), NO_SPACE)
    await expectError(client.put({ key, ignoreValue: true }), NO_SPACE)
    await expectError(client.leaseGrant({ ttl: 100 }), NO_SPACE)
    const put = { requestPut: { key, value: 'v' } }
    await expectError(client.txn({ success: [put] }), NO_SPACE)
    await expectError(client.txn({ failure: [put] }), NO_SPACE)
    assert.equal((await client.range({ key })).count, 1)
    assert.equal((await client.txn({ success: [{ requestRange: { key } }] })).succeeded, true)
    await client.txn({ success: [{ requestDeleteRange: { key: `${prefix}none` } }] })
    const { revision } = present((await client.leaseRevoke(lease.id)).header)
    assert.equal((await client.range({ key })).count, 0)
    await client.deleteRange({ key })
    await client.compact({ revision })
  } finally {
    await maintenance.alarm(DEACTIVATE, ALARM.NOSPACE, 99n)
  }
  await client.put({ key, value: 'v' })
})

suite.add('with an alarm for space a put in a nested transaction is refused as well', async ({ client, prefix }) => {
  const maintenance = new MaintenanceClient(client)
  await maintenance.alarm(ACTIVATE, ALARM.NOSPACE, 99n)
  try {
    const inner = { failure: [{ requestPut: { key: prefix, value: 'v' } }] }
    await expectError(client.txn({ success: [{ requestTxn: inner }] }), NO_SPACE)
  } finally {
    await maintenance.alarm(DEACTIVATE, ALARM.NOSPACE, 99n)
  }
}, { since: '3.6' })

suite.add('with a corrupt alarm only plain reads are answered', async ({ client, prefix }) => {
  const maintenance = new MaintenanceClient(client)
  const key = `${prefix}k`
  const lease = await client.leaseGrant({ ttl: 100 })
  const revision = revisionOf(await client.put({ key, value: 'v' }))
  await maintenance.alarm(ACTIVATE, ALARM.CORRUPT, 7n)
  try {
    await expectError(client.put({ key, value: 'w' }), CORRUPT)
    await expectError(client.deleteRange({ key }), CORRUPT)
    await expectError(client.txn({ success: [{ requestDeleteRange: { key } }] }), CORRUPT)
    await expectError(client.compact({ revision }), CORRUPT)
    await expectError(client.leaseGrant({ ttl: 5 }), CORRUPT)
    await expectError(client.leaseRevoke(lease.id), CORRUPT)
    assert.equal((await client.range({ key })).count, 1)
    assert.equal((await client.txn({ success: [{ requestRange: { key } }] })).succeeded, true)
  } finally {
    await maintenance.alarm(DEACTIVATE, ALARM.CORRUPT, 7n)
  }
  await client.leaseRevoke(lease.id)
})

suite.add('a hash of the keys is the same for the same revision, and differs from that of others', async (context) => {
  const { client, prefix } = context
  const maintenance = new MaintenanceClient(client)
  const first = revisionOf(await client.put({ key: prefix, value: 'a' }))
  const before = await maintenance.hashKv(0)
  assert.equal(before.header?.revision, first)
  await client.put({ key: prefix, value: 'b' })
  const after = await maintenance.hashKv(0)
  assert.notEqual(after.hash, before.hash)
  assert.equal((await maintenance.hashKv(first)).hash, before.hash)
  assert.equal((await maintenance.hashKv(first)).header?.revision, first + 1)
  await expectError(maintenance.hashKv(first + 2), FUTURE)
})

suite.add('a hash below the compact revision is refused, one above is not changed by compaction', async (context) => {
  const { client, prefix } = context
  const maintenance = new MaintenanceClient(client)
  for (let i = 0; i < 20; i++) await client.put({ key: `${prefix}${i % 3}`, value: String(i) })
  await client.deleteRange({ key: `${prefix}0` })
  const revision = revisionOf(await client.put({ key: prefix, value: 'x' }))
  await client.compact({ revision: revision - 3 })
  const { hash, compactRevision } = await maintenance.hashKv(revision)
  assert.equal(compactRevision, revision - 3)
  await expectError(maintenance.hashKv(revision - 4), COMPACTED)
  await client.put({ key: prefix, value: 'y' })
  assert.equal((await maintenance.hashKv(revision)).hash, hash)
})

suite.add('at the revision of a compaction the hash stays the one of before it', async (context) => {
  const { client, prefix } = context
  const maintenance = new MaintenanceClient(client)
  for (let i = 0; i < 20; i++) await client.put({ key: `${prefix}${i % 3}`, value: String(i) })
  const revision = revisionOf(await client.deleteRange({ key: `${prefix}0` }))
  await client.put({ key: prefix, value: 'x' })
  const before = await maintenance.hashKv(revision)
  await client.compact({ revision, physical: true })
  const stored = await maintenance.hashKv(revision)
  assert.deepEqual(
    [stored.hash, stored.compactRevision, stored.hashRevision],
    [before.hash, before.compactRevision, revision],
  )
  assert.equal((await maintenance.hashKv(revision + 1)).compactRevision, revision)
  await client.compact({ revision: revision + 1, physical: true })
  assert.equal((await maintenance.hashKv(revision)).hash, before.hash)
  await expectError(maintenance.hashKv(revision - 1), COMPACTED)
}, { since: '3.6' })

suite.add('a hash that is asked for while history is compacted is one of before or after', async (context) => {
  const { client, prefix } = context
  const maintenance = new MaintenanceClient(client)
  for (let i = 0; i < 3000; i += 100) {
    const puts = Array.from({ length: 100 }, (_, j) => client.put({ key: `${prefix}${j % 50}`, value: String(i + j) }))
    await Promise.all(puts)
  }
  const revision = revisionOf(await client.range({ key: prefix }))
  const before = await maintenance.hashKv(revision)
  const [during] = await Promise.all([maintenance.hashKv(revision), client.compact({ revision: revision - 5 })])
  const after = await maintenance.hashKv(revision)
  assert.equal(after.compactRevision, revision - 5)
  const known = during.compactRevision === after.compactRevision ? after : before
  assert.deepEqual([during.hash, during.compactRevision], [known.hash, known.compactRevision])
})

suite.add('the hash revision is told', async ({ client, prefix }) => {
  const maintenance = new MaintenanceClient(client)
  const revision = revisionOf(await client.put({ key: prefix, value: 'a' }))
  assert.equal((await maintenance.hashKv(0)).hashRevision, revision)
  await client.put({ key: prefix, value: 'b' })
  assert.equal((await maintenance.hashKv(revision)).hashRevision, revision)
}, { since: '3.6' })

suite.add('a hash of everything changes with every write', async ({ client, prefix }) => {
  const maintenance = new MaintenanceClient(client)
  const revision = revisionOf(await client.put({ key: prefix, value: 'a' }))
  const first = await maintenance.hash()
  assert.equal(first.header?.revision, revision)
  await client.put({ key: prefix, value: 'b' })
  assert.notEqual((await maintenance.hash()).hash, first.hash)
})

suite.add('defragmenting answers without a header and keeps everything', async ({ client, prefix }) => {
  const maintenance = new MaintenanceClient(client)
  for (let i = 0; i < 50; i++) await client.put({ key: `${prefix}${i}`, value: 'v'.repeat(i * 100) })
  const all = { key: prefix, rangeEnd: prefixEnd(prefix) }
  const before = await client.range(all)
  assert.equal((await maintenance.defragment()).length, 0)
  assert.deepEqual((await client.range(all)).kvs, before.kvs)
  const written = revisionOf(await client.put({ key: prefix, value: 'after' }))
  assert.equal((await client.range({ key: prefix })).kvs[0]?.modRevision, written)
})

suite.add('several ask to defragment at once, and all are answered', async ({ client }) => {
  const maintenance = new MaintenanceClient(client)
  for (const answer of await Promise.all([1, 2, 3].map(() => maintenance.defragment()))) assert.equal(answer.length, 0)
})

suite.add('a leader moves to itself, and to nobody else', async ({ client }) => {
  const maintenance = new MaintenanceClient(client)
  const { leader } = await client.status()
  await maintenance.moveLeader(leader)
  await expectError(maintenance.moveLeader(leader + 1n), 'FailedPrecondition etcdserver: bad leader transferee')
})

suite.add('a downgrade is validated, enabled once, and cancelled', async ({ client }) => {
  const maintenance = new MaintenanceClient(client)
  const { VALIDATE, ENABLE, CANCEL } = DOWNGRADE
  const format = 'InvalidArgument etcdserver: wrong downgrade target version format'
  const target = 'InvalidArgument etcdserver: invalid downgrade target version'
  await expectError(maintenance.downgrade(VALIDATE, 'three'), format)
  for (const version of ['3.5.0', '3.7.0', '4.6']) await expectError(maintenance.downgrade(VALIDATE, version), target)
  for (const version of ['3.6', '3.6.4']) assert.equal((await maintenance.downgrade(VALIDATE, version)).version, '3.7')
  await expectError(maintenance.downgrade(7), 'Unknown etcdserver: unknown method')
  assert.equal((await maintenance.downgrade(CANCEL)).version, '3.7')
  assert.equal((await maintenance.downgrade(ENABLE, '3.6.0')).version, '3.7')
  const during = await maintenance.downgradeStatus()
  assert.deepEqual(during.downgradeInfo, { enabled: true, targetVersion: '3.6.0' })
  assert.equal(during.storageVersion, '3.6.0')
  await maintenance.downgrade(CANCEL)
  const after = await maintenance.downgradeStatus()
  assert.deepEqual([after.downgradeInfo?.enabled, after.storageVersion], [false, '3.7.0'])
}, { since: '3.6' })
