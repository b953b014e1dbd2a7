/** The quota of a running server: what crosses it, what is refused, and how it ends. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { EtcdClient, prefixEnd } from '../support/etcd-client.js'
import { expectError, present, revisionOf } from '../support/expect.js'
import { withServer, type ServerProcess } from '../support/server-process.js'
import { ALARM, ALARM_ACTION, MaintenanceClient } from './maintenance-client.js'

const NO_SPACE = 'ResourceExhausted etcdserver: mvcc: database space exceeded'
const QUOTA_BYTES = 2 * 1024 * 1024
const VALUE = Buffer.alloc(50_000, 'v')
/** The alarm goes after ten seconds; the sizes are up to a second old. */
const RELEASE_MS_MAX = 14_000
const all = { key: 'fill/', rangeEnd: prefixEnd('fill/') }

/** Puts until one is refused; returns how many were taken without an error. */
async function fill(client: EtcdClient): Promise<number> {
  for (let i = 0; i < 200; i++) {
    try {
      await client.put({ key: `fill/${i}`, value: VALUE })
    } catch (error) {
      assert.equal(String((error as Error).message), 'etcdserver: mvcc: database space exceeded')
      return i
    }
  }
  return assert.fail('the quota was never reached')
}

async function empty(client: EtcdClient): Promise<void> {
  const { header } = await client.deleteRange(all)
  await client.compact({ revision: present(header).revision, physical: true })
}

async function foreignAlarmsGo(server: ServerProcess): Promise<void> {
  const client = new EtcdClient(server.endpoint)
  const maintenance = new MaintenanceClient(client)
  for (const memberId of [77n, 78n]) await maintenance.alarm(ALARM_ACTION.ACTIVATE, ALARM.NOSPACE, memberId)
  await expectError(client.put({ key: 'small', value: '1' }), NO_SPACE)
  await server.logged(/disarming the alarm for space/, RELEASE_MS_MAX)
  while ((await client.status()).errors.length > 0) await delay(10)
  assert.deepEqual((await maintenance.alarm(ALARM_ACTION.GET, ALARM.NONE)).alarms, [])
  await client.put({ key: 'small', value: '1' })
  client.close()
}

describe('space', { concurrency: true }, () => {
  test('over the quota only what shrinks is taken, until the alarm goes by itself', async () => {
    const flags = ['--quota-backend-bytes', String(QUOTA_BYTES)]
    await withServer({ kind: 'raftring', clientPort: 21_190, flags }, async (server) => {
      const client = new EtcdClient(server.endpoint)
      const maintenance = new MaintenanceClient(client)
      const taken = await fill(client)
      const status = await client.status()
      assert.equal(status.dbSizeQuota, QUOTA_BYTES)
      assert.ok(taken > 20, `${taken} puts of 50 kB fit`)
      assert.match(status.errors.join(), /alarm:NOSPACE/)
      const { alarms } = await maintenance.alarm(ALARM_ACTION.GET, ALARM.NONE)
      assert.deepEqual(alarms, [{ memberId: present(status.header).memberId, alarm: ALARM.NOSPACE }])
      await expectError(client.put({ key: 'small', value: '1' }), NO_SPACE)
      await expectError(client.leaseGrant({ ttl: 60 }), NO_SPACE)
      assert.ok((await client.range({ ...all, countOnly: true })).count >= taken)
      const startedMs = performance.now()
      await empty(client)
      await expectError(client.put({ key: 'small', value: '1' }), NO_SPACE)
      await server.logged(/disarming the alarm for space/, RELEASE_MS_MAX)
      assert.ok(performance.now() - startedMs > 9000, 'not before ten seconds')
      while ((await client.status()).errors.length > 0) await delay(10)
      await client.put({ key: 'small', value: '1' })
      client.close()
    })
  })

  test('with --quota-auto-disarm=false an operator has to disarm', async () => {
    const flags = ['--quota-backend-bytes', String(QUOTA_BYTES), '--quota-auto-disarm=false']
    await withServer({ kind: 'raftring', clientPort: 21_194, flags }, async (server) => {
      const client = new EtcdClient(server.endpoint)
      const maintenance = new MaintenanceClient(client)
      await fill(client)
      await empty(client)
      await maintenance.defragment()
      await expectError(client.put({ key: 'small', value: '1' }), NO_SPACE)
      const { memberId } = present((await client.status()).header)
      await maintenance.alarm(ALARM_ACTION.DEACTIVATE, ALARM.NOSPACE, memberId)
      assert.ok(revisionOf(await client.put({ key: 'small', value: '1' })) > 0)
      client.close()
    })
  })

  test('alarms that a former cluster left go by themselves', () =>
    withServer({ kind: 'raftring', clientPort: 21_206 }, foreignAlarmsGo))

  test('a negative quota is none', async () => {
    await withServer({ kind: 'raftring', clientPort: 21_198, flags: ['--quota-backend-bytes=-1'] }, async (server) => {
      const client = new EtcdClient(server.endpoint)
      for (let i = 0; i < 60; i++) await client.put({ key: `fill/${i}`, value: VALUE })
      assert.equal((await client.status()).dbSizeQuota, -1)
      client.close()
    })
  })

  test('history is compacted by the clock', async () => {
    const flags = ['--auto-compaction-mode', 'periodic', '--auto-compaction-retention', '1s']
    await withServer({ kind: 'raftring', clientPort: 21_202, flags }, async (server) => {
      const client = new EtcdClient(server.endpoint)
      const first = revisionOf(await client.put({ key: 'k', value: '1' }))
      await client.put({ key: 'k', value: '2' })
      await server.logged(new RegExp(`completed auto compaction","revision":${first + 1}`), 6000)
      await expectError(
        client.range({ key: 'k', revision: first }),
        'OutOfRange etcdserver: mvcc: required revision has been compacted',
      )
      client.close()
    })
  })
})
