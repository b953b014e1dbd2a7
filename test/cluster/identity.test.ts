/** Member and cluster ids, bootstrap entries and member records are etcd's own. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { bootstrapEntries } from '../../src/cluster/bootstrap-entries.js'
import { identityOf } from '../../src/cluster/identity.js'
import { parseInitialCluster } from '../../src/cluster/initial-cluster.js'
import { clusterIdOf, memberIdOf, sortedIds } from '../../src/cluster/member-ids.js'
import { decodeMember, encodeMember, memberKey } from '../../src/cluster/member-record.js'
import { text } from '../../src/base/bytes.js'

interface KnownIds {
  readonly flags: { readonly name: string; readonly token: string; readonly cluster: string }
  readonly clusterId: string
  readonly members: readonly { readonly id: string; readonly peerURLs: readonly string[] }[]
}

// From etcd's `member list -w json`, started with these flags.
const fixture = new URL('../../../test/fixtures/etcd-ids.json', import.meta.url)
const known = JSON.parse(readFileSync(fixture, 'utf8')) as KnownIds[]

function optionsOf(flags: KnownIds['flags'], advertised: readonly string[]) {
  return {
    name: flags.name,
    dataDir: '/data',
    initialCluster: flags.cluster,
    initialClusterState: 'new' as const,
    initialClusterToken: flags.token,
    advertisePeerUrls: advertised,
  }
}

test("the same flags give etcd's ids", () => {
  for (const { flags, clusterId, members } of known) {
    const parsed = parseInitialCluster(flags.cluster)
    assert.ok(parsed.ok)
    const ids = parsed.members.map((member) => memberIdOf(member.peerUrls, flags.token))
    assert.deepEqual(sortedIds(ids).map(String), members.map((member) => member.id))
    assert.equal(String(clusterIdOf(ids)), clusterId)
  }
})

test('a new member starts with its own bootstrap entry', () => {
  const { flags, members, clusterId } = known[3] as KnownIds
  const result = identityOf(optionsOf(flags, ['http://127.0.0.1:22080', 'http://127.0.0.1:22081']), null)
  assert.ok(result.ok)
  assert.equal(String(result.identity.memberId), members[0]?.id)
  assert.equal(String(result.identity.clusterId), clusterId)
  assert.equal(result.identity.storeDir, '/data/member/store')
  assert.equal(result.identity.bootstrapEntries.length, 1)
})

test('every member of a new cluster starts with the same entries, one for each', () => {
  for (const { flags, clusterId, members } of known) {
    const parsed = parseInitialCluster(flags.cluster)
    assert.ok(parsed.ok)
    const identities = parsed.members.map(({ name, peerUrls }) => {
      const result = identityOf(optionsOf({ ...flags, name }, peerUrls), null)
      assert.ok(result.ok)
      return result.identity
    })
    assert.deepEqual(sortedIds(identities.map(({ memberId }) => memberId)).map(String), members.map(({ id }) => id))
    for (const identity of identities) {
      assert.equal(String(identity.clusterId), clusterId)
      assert.deepEqual(identity.bootstrapEntries, identities[0]?.bootstrapEntries)
      assert.equal(identity.bootstrapEntries.length, members.length)
    }
  }
})

test('a bootstrap entry is byte for byte what etcd writes', () => {
  // The data of entry 1 in the log of an etcd started with the flags of the fourth fixture.
  const expected = `080010001886fad7849399eefcbd0122667b226964223a3133363839313735373136363132343036353334
    2c227065657255524c73223a5b22687474703a2f2f3132372e302e302e313a3232303830222c22687474703a2f2f
    3132372e302e302e313a3232303831225d2c226e616d65223a226e31227d`.replaceAll(/\s/g, '')
  const entries = bootstrapEntries([
    {
      id: 13689175716612406534n,
      peerUrls: ['http://127.0.0.1:22080', 'http://127.0.0.1:22081'],
      isLearner: false,
      name: 'n1',
      clientUrls: [],
    },
  ])
  assert.deepEqual(entries.map((entry) => Buffer.from(entry).toString('hex')), [expected])
})

test('entries of several members come in the order of their ids', () => {
  const member = (id: bigint) => ({ id, peerUrls: [], isLearner: false, name: '', clientUrls: [] })
  const entries = bootstrapEntries([member(2n ** 63n), member(5n), member(300n)])
  const ids = entries.map((entry) => /"id":(\d+)/.exec(text(entry))?.[1])
  assert.deepEqual(ids, ['5', '300', '9223372036854775808'])
})

test('a member survives its JSON, without the fields that are empty', () => {
  const member = {
    id: 13689175716612406534n,
    peerUrls: ['http://a:1'],
    isLearner: true,
    name: 'a <b> & "c"',
    clientUrls: ['http://a:2', 'http://a:3'],
  }
  const bytes = encodeMember(member)
  assert.match(text(bytes), /"name":"a \\u003cb\\u003e \\u0026 \\"c\\""/)
  assert.deepEqual(decodeMember(member.id, bytes), member)
  assert.equal(text(encodeMember({ ...member, isLearner: false, name: '', clientUrls: [] })),
    '{"id":13689175716612406534,"peerURLs":["http://a:1"]}')
  assert.equal(text(memberKey(member.id)), 'bdf9b8c93095fd06')
})

test('a log that exists decides who the member is; equal flags still give its bootstrap entries', () => {
  const { flags } = known[2] as KnownIds
  const options = optionsOf(flags, ['http://127.0.0.1:22080'])
  const fresh = identityOf(options, null)
  assert.ok(fresh.ok)
  const { memberId, clusterId } = fresh.identity
  const again = identityOf(options, { nodeId: memberId, clusterId })
  assert.deepEqual(again, fresh)
  const moved = identityOf({ ...options, name: 'other' }, { nodeId: 7n, clusterId: 9n })
  assert.ok(moved.ok)
  assert.deepEqual([moved.identity.memberId, moved.identity.clusterId, moved.identity.bootstrapEntries], [7n, 9n, []])
})

test('flags that contradict one another are refused in one line', () => {
  const messageOf = (changes: object): string => {
    const base = optionsOf({ name: 'n1', token: 't', cluster: 'n1=http://127.0.0.1:1' }, ['http://127.0.0.1:1'])
    const result = identityOf({ ...base, ...changes }, null)
    return result.ok ? 'fine' : result.message
  }
  assert.equal(messageOf({}), 'fine')
  assert.equal(messageOf({ initialCluster: 'n1=http://localhost:1' }), 'fine')
  assert.equal(messageOf({ name: 'n2' }), 'couldn\'t find local name "n2" in the initial cluster configuration')
  assert.match(messageOf({ initialCluster: 'n1=http://127.0.0.1:2' }), /has n1=http:\/\/127\.0\.0\.1:2 but missing/)
  const advertisePeerUrls = ['http://127.0.0.1:1', 'http://127.0.0.1:9']
  assert.match(messageOf({ advertisePeerUrls }), /must include n1=http:\/\/127\.0\.0\.1:9/)
  assert.match(messageOf({ initialCluster: 'n1=http://127.0.0.1:1,n2=http://127.0.0.1:1' }), /has duplicate url/)
  assert.match(messageOf({ initialCluster: 'n1' }), /^--initial-cluster n1: URL/)
  assert.match(messageOf({ initialCluster: '' }), /initial cluster unset/)
  assert.match(messageOf({ initialClusterState: 'existing' }), /who joins is told by the members/)
})
