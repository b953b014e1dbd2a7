/** v3electionpb: who leads, with which value, and who is told of it. */

import { strict as assert } from 'node:assert'
import { CheckSuite, type CheckContext } from '../../support/check-suite.js'
import { prefixEnd } from '../../support/etcd-client.js'
import { eventTexts, expectError, present, revisionOf } from '../../support/expect.js'
import { LockClient, type LeaderResponse } from '../../support/lock-messages.js'

export const ELECTION_SUITE = new CheckSuite('election')
const suite = ELECTION_SUITE

const NO_LEADER_KEY = 'Unknown "leader" field must be provided'
let leases = 0xe1ec_0000_0000n

async function newLease({ client }: CheckContext): Promise<bigint> {
  const id = ++leases
  await client.leaseGrant({ id, ttl: 500 })
  return id
}

/** `value at revision` of what an observer is told. */
function told(response: LeaderResponse): string {
  return `${present(response.kv).value.toString()} at ${revisionOf(response)}`
}

suite.add('a lone candidate leads at once, and is found by name', async (context) => {
  const { client, prefix } = context
  const name = `${prefix}e`
  const lease = await newLease(context)
  const elections = new LockClient(client)
  const won = await elections.campaign({ name, lease, value: 'me' })
  const leader = present(won.leader)
  assert.deepEqual(
    [leader.name.toString(), leader.key.toString(), leader.lease],
    [name, `${name}/${lease.toString(16)}`, lease],
  )
  assert.equal(leader.rev, revisionOf(won))
  const found = await elections.leader(name)
  const kv = present(found.kv)
  assert.deepEqual(
    [kv.key, kv.value.toString(), kv.createRevision, kv.lease],
    [leader.key, 'me', leader.rev, lease],
  )
})

suite.add('a candidate without a lease gets one of 60 seconds', async ({ client, prefix }) => {
  const { lease } = present((await new LockClient(client).campaign({ name: `${prefix}e`, value: 'v' })).leader)
  assert.equal((await client.leaseTimeToLive(lease)).grantedTtl, 60)
})

suite.add('a campaign of the same lease changes its value and keeps its place', async (context) => {
  const { client, prefix } = context
  const name = `${prefix}e`
  const lease = await newLease(context)
  const elections = new LockClient(client)
  const first = await elections.campaign({ name, lease, value: 'one' })
  const second = await elections.campaign({ name, lease, value: 'two' })
  assert.deepEqual(second.leader, first.leader)
  // The header is of the look at the line, before the value was changed.
  assert.equal(revisionOf(second), revisionOf(first))
  const third = await elections.campaign({ name, lease, value: 'two' })
  const found = await elections.leader(name)
  assert.equal(told(found), `two at ${revisionOf(third)}`)
  assert.equal(present(found.kv).version, 2)
})

suite.add('the next candidate leads when the leader resigns, or loses its lease', async (context) => {
  const { client, prefix } = context
  const name = `${prefix}e`
  const elections = new LockClient(client)
  const first = present((await elections.campaign({ name, lease: await newLease(context), value: 'one' })).leader)
  const line = client.watch()
  const key = `${name}/`
  line.send({ createRequest: { key, rangeEnd: prefixEnd(key), startRevision: first.rev + 1 } })
  await line.next()
  const lease = await newLease(context)
  const second = elections.openCampaign({ name, lease, value: 'two' })
  const entered = revisionOf(await line.next())
  const third = elections.openCampaign({ name, lease: await newLease(context), value: 'three' })
  await line.next()
  assert.equal(await second.poll(50), undefined)
  const resigned = revisionOf(await elections.resign({ leader: first }))
  const won = await second.next()
  assert.deepEqual([present(won.leader).rev, revisionOf(won)], [entered, entered])
  assert(resigned > entered)
  assert.equal(await third.poll(50), undefined)
  await client.leaseRevoke(lease)
  await third.next()
  assert.equal(present((await elections.leader(name)).kv).value.toString(), 'three')
  line.cancel()
})

suite.add('a leader proclaims, one that leads no more cannot', async (context) => {
  const { client, prefix } = context
  const name = `${prefix}e`
  const elections = new LockClient(client)
  const leader = present((await elections.campaign({ name, lease: await newLease(context), value: 'one' })).leader)
  const proclaimed = revisionOf(await elections.proclaim({ leader, value: 'two' }))
  assert.equal(told(await elections.leader(name)), `two at ${proclaimed}`)
  const stale = { ...leader, rev: leader.rev - 1 }
  await expectError(elections.proclaim({ leader: stale, value: 'x' }), 'Unknown election: not leader')
  assert.equal(revisionOf(await elections.resign({ leader: stale })), proclaimed)
  assert.equal(revisionOf(await elections.resign({ leader })), proclaimed + 1)
  await expectError(elections.proclaim({ leader, value: 'x' }), 'Unknown election: not leader')
  assert.equal(revisionOf(await elections.resign({ leader })), proclaimed + 1)
  await expectError(elections.leader(name), 'Unknown election: no leader')
})

suite.add('requests without a leader key, a key or a known lease are refused', async (context) => {
  const { client, prefix } = context
  const elections = new LockClient(client)
  const lease = await newLease(context)
  await expectError(elections.proclaim({ value: 'x' }), NO_LEADER_KEY)
  await expectError(elections.resign({}), NO_LEADER_KEY)
  const keyless = { name: `${prefix}e`, rev: 1, lease }
  await expectError(elections.proclaim({ leader: keyless, value: 'x' }), 'Unknown etcdserver: key is not provided')
  await expectError(elections.resign({ leader: keyless }), 'Unknown etcdserver: key is not provided')
  await expectError(
    elections.campaign({ name: `${prefix}e`, lease: 0x5555_0000n, value: 'v' }),
    'Unknown etcdserver: requested lease not found',
  )
  await expectError(elections.leader(`${prefix}e`), 'Unknown election: no leader')
})

suite.add('a cancelled campaign leaves the line', async (context) => {
  const { client, prefix } = context
  const name = `${prefix}e`
  const elections = new LockClient(client)
  const { rev } = present((await elections.campaign({ name, lease: await newLease(context), value: 'one' })).leader)
  const line = client.watch()
  const key = `${name}/`
  line.send({ createRequest: { key, rangeEnd: prefixEnd(key), startRevision: rev + 1 } })
  await line.next()
  const lease = await newLease(context)
  const cancelled = elections.openCampaign({ name, lease, value: 'two' })
  assert.deepEqual(eventTexts(await line.next()), [`PUT ${lease.toString(16)}=two`])
  assert.equal(await cancelled.poll(50), undefined)
  cancelled.cancel()
  assert.deepEqual(eventTexts(await line.next()), [`DELETE ${lease.toString(16)}`])
  line.cancel()
})

suite.add('an observer is told who leads, what they proclaim, and who comes next', async (context) => {
  const { client, prefix } = context
  const name = `${prefix}e`
  const elections = new LockClient(client)
  const observer = elections.observe(name)
  const first = present((await elections.campaign({ name, lease: await newLease(context), value: 'one' })).leader)
  const seen = await observer.next()
  assert.equal(present(seen.kv).value.toString(), 'one')
  const proclaimed = revisionOf(await elections.proclaim({ leader: first, value: 'two' }))
  assert.equal(told(await observer.next()), `two at ${proclaimed}`)
  await elections.resign({ leader: first })
  const won = await elections.campaign({ name, lease: await newLease(context), value: 'three' })
  const next = await observer.next()
  assert.equal(present(next.kv).value.toString(), 'three')
  assert(revisionOf(next) >= revisionOf(won))
  observer.cancel()
  const late = elections.observe(name)
  assert.equal(present((await late.next()).kv).value.toString(), 'three')
  late.cancel()
})

suite.add('an observer is not told of candidates that do not lead', async (context) => {
  const { client, prefix } = context
  const name = `${prefix}e`
  const elections = new LockClient(client)
  const first = present((await elections.campaign({ name, lease: await newLease(context), value: 'one' })).leader)
  const observer = elections.observe(name)
  assert.equal(present((await observer.next()).kv).value.toString(), 'one')
  const line = client.watch()
  const key = `${name}/`
  line.send({ createRequest: { key, rangeEnd: prefixEnd(key), startRevision: first.rev + 1 } })
  await line.next()
  const second = elections.openCampaign({ name, lease: await newLease(context), value: 'two' })
  await line.next()
  assert.equal(await observer.poll(50), undefined)
  await elections.resign({ leader: first })
  await second.next()
  assert.equal(present((await observer.next()).kv).value.toString(), 'two')
  for (const stream of [observer, line]) stream.cancel()
})

suite.add('an observer that reads late misses nothing that its leader proclaimed', async (context) => {
  const { client, prefix } = context
  const name = `${prefix}e`
  const elections = new LockClient(client)
  const filler = 'x'.repeat(20_000)
  const campaign = { name, lease: await newLease(context), value: `0 ${filler}` }
  const leader = present((await elections.campaign(campaign)).leader)
  const observer = elections.observe(name)
  await observer.next()
  observer.pause()
  for (let i = 1; i <= 200; i++) await elections.proclaim({ leader, value: `${i} ${filler}` })
  observer.resume()
  for (let i = 1; i <= 200; i++) {
    const value = present((await observer.next()).kv).value.toString()
    assert.equal(value.slice(0, value.indexOf(' ')), String(i))
  }
  observer.cancel()
})
