/** Compaction, status, members and health over gRPC, and what every answer's header says. */

import { strict as assert } from 'node:assert'
import { CheckSuite } from '../../support/check-suite.js'
import { prefixEnd } from '../../support/etcd-client.js'
import { HealthCheckRequest, HealthCheckResponse } from '../../support/etcd-messages.js'
import { expectError, pairs, present, revisionOf } from '../../support/expect.js'
import { MessageStream } from '../../support/message-stream.js'

export const SERVER_SUITE = new CheckSuite('server')
const suite = SERVER_SUITE

const COMPACTED = 'OutOfRange etcdserver: mvcc: required revision has been compacted'
const FUTURE = 'OutOfRange etcdserver: mvcc: required revision is a future revision'

suite.add('every header names cluster, member and term alike', async ({ client, prefix }) => {
  const status = await client.status()
  const own = present(status.header)
  assert(own.clusterId !== 0n && own.memberId !== 0n && own.raftTerm > 0n && own.revision > 0)
  const lease = await client.leaseGrant({ ttl: 100 })
  const answers = [
    await client.put({ key: `${prefix}k`, value: 'v' }),
    await client.range({ key: `${prefix}k` }),
    await client.range({ key: `${prefix}k`, serializable: true }),
    await client.txn({}),
    await client.deleteRange({ key: `${prefix}k` }),
    lease,
    await client.leaseTimeToLive(lease.id),
    await client.leaseLeases(),
    await client.leaseRevoke(lease.id),
  ]
  for (const { header } of answers) {
    assert.deepEqual(
      [header?.clusterId, header?.memberId, header?.raftTerm],
      [own.clusterId, own.memberId, own.raftTerm],
    )
    assert(present(header).revision >= own.revision)
  }
})

suite.add('status tells of the member', async ({ client, kind }) => {
  const status = await client.status()
  assert.match(status.version, kind === 'etcd' ? /^3\.4\./u : /^3\.7\.\d+$/u)
  assert.equal(status.leader, present(status.header).memberId)
  assert(status.dbSize > 0 && status.dbSizeInUse > 0 && status.dbSizeInUse <= status.dbSize)
  assert(status.raftIndex > 0 && status.raftAppliedIndex > 0 && status.raftTerm > 0)
  assert.deepEqual([status.isLearner, status.errors], [false, []])
})

suite.add(
  'status tells the storage version and the quota',
  async ({ client }) => {
    const status = await client.status()
    assert.equal(status.storageVersion, '3.7.0')
    assert(status.dbSizeQuota > 0)
  },
  { since: '3.6' },
)

suite.add('the member list shows this one, without a revision', async ({ client, endpoint }) => {
  for (const linearizable of [true, false]) {
    const list = await client.memberList(linearizable)
    assert.equal(list.members.length, 1)
    const member = present(list.members[0])
    assert.equal(member.id, present(list.header).memberId)
    assert.equal(member.name, 'n1')
    assert.deepEqual(member.clientUrls, [`http://${endpoint}`])
    assert.equal(member.peerUrls.length, 1)
    assert.equal(member.isLearner, false)
    assert.equal(revisionOf(list), 0)
  }
})

suite.add('health is serving, for the whole server only', async ({ client }) => {
  assert.equal((await client.health()).status, 1)
  await expectError(client.health('nobody'), 'NotFound unknown service')
})

suite.add('a watch of the health says what is, and stays open', async ({ client }) => {
  for (const [service, status] of [['', 1], ['nobody', 3]] as const) {
    const call = client.duplex('/grpc.health.v1.Health/Watch', HealthCheckRequest, HealthCheckResponse)
    const stream = new MessageStream(call)
    stream.send({ service })
    stream.halfClose()
    assert.equal((await stream.next()).status, status)
    assert.equal(await stream.poll(50), undefined)
    stream.cancel()
    assert.equal((await stream.ended).code, 1)
  }
})

suite.add('the list of healths has the server under the empty name', async ({ client }) => {
  const bytes = await client.raw('/grpc.health.v1.Health/List', Buffer.alloc(0))
  // statuses { key: '' value { status: SERVING } }; an empty key may be left out.
  assert.ok(['0a0412020801', '0a060a0012020801'].includes(bytes.toString('hex')), bytes.toString('hex'))
}, { since: '3.6' })

suite.add('compaction hides what is older and keeps what is current', async (context) => {
  const { client, prefix } = context
  const key = `${prefix}k`
  const first = revisionOf(await client.put({ key, value: '1' }))
  await client.put({ key: `${prefix}gone`, value: 'g' })
  await client.deleteRange({ key: `${prefix}gone` })
  const second = revisionOf(await client.put({ key, value: '2' }))
  const third = revisionOf(await client.put({ key, value: '3' }))
  assert.equal(revisionOf(await client.compact({ revision: second })), third)
  await expectError(client.range({ key, revision: second - 1 }), COMPACTED)
  await expectError(client.range({ key, revision: first }), COMPACTED)
  const all = { key: prefix, rangeEnd: prefixEnd(prefix) }
  assert.deepEqual(pairs((await client.range({ ...all, revision: second })).kvs), [`${key}=2`])
  assert.deepEqual(pairs((await client.range(all)).kvs), [`${key}=3`])
})

suite.add('compaction is refused behind itself and ahead of the store', async (context) => {
  const { client, prefix } = context
  const revision = revisionOf(await client.put({ key: `${prefix}k`, value: 'v' }))
  await client.compact({ revision })
  await expectError(client.compact({ revision }), COMPACTED)
  await expectError(client.compact({ revision: revision - 1 }), COMPACTED)
  await expectError(client.compact({ revision: 0 }), COMPACTED)
  await expectError(client.compact({ revision: -1 }), COMPACTED)
  await expectError(client.compact({ revision: revision + 1 }), FUTURE)
  await expectError(client.range({ key: `${prefix}k`, revision: revision + 1 }), FUTURE)
  assert.deepEqual(pairs((await client.range({ key: `${prefix}k`, revision })).kvs), [
    `${prefix}k=v`,
  ])
})

suite.add('a physical compaction answers when all is gone', async ({ client, prefix }) => {
  for (let i = 0; i < 3000; i += 100) {
    await Promise.all(
      Array.from({ length: 100 }, (_, j) =>
        client.put({ key: `${prefix}${j}`, value: `${i + j}` }),
      ),
    )
  }
  const revision = revisionOf(await client.range({ key: prefix }))
  await client.compact({ revision, physical: true }, { deadlineMs: 30_000 })
  await expectError(client.range({ key: prefix, revision: revision - 1 }), COMPACTED)
  const { kvs } = await client.range({ key: prefix, rangeEnd: prefixEnd(prefix), revision })
  assert.equal(kvs.length, 100)
  assert(kvs.every((kv) => kv.version === 30))
})

suite.add('many clients write and read at once, each seeing its own', async (context) => {
  const { client, prefix } = context
  const one = async (name: string): Promise<void> => {
    let last = 0
    for (let i = 1; i <= 40; i++) {
      const revision = revisionOf(await client.put({ key: prefix + name, value: `${i}` }))
      assert(revision > last)
      last = revision
      const kv = present((await client.range({ key: prefix + name })).kvs[0])
      assert.deepEqual([kv.value.toString(), kv.version, kv.modRevision], [`${i}`, i, revision])
    }
  }
  await Promise.all(Array.from({ length: 25 }, (_, i) => one(`client-${i}`)))
})
