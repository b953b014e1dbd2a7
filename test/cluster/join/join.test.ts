/** Who a member is that joins: learnt from the existing members' lists, refused where they do not fit. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joinExisting, type JoinOptions } from '../../../src/cluster/join/existing-cluster.js'
import { areEqualUrls } from '../../../src/cluster/join/equal-urls.js'
import { firstStartProblem } from '../../../src/cluster/join/first-start-check.js'
import { parseMembersJson } from '../../../src/cluster/join/members-json.js'
import type { AskPeer, PeerAnswer } from '../../../src/cluster/peer-request-socket.js'

const MEMBERS =
  '[{"id":9372538179322589801,"peerURLs":["http://10.0.0.1:2380"],"name":"a","clientURLs":["http://10.0.0.1:2379"]},' +
  '{"id":18446744073709551615,"peerURLs":["http://b.test:2380"],"isLearner":true}]\n'

function answer(status: number, body: string, headers: Record<string, string> = {}): PeerAnswer {
  return { ok: true, status, headers, body: Buffer.from(body) }
}

/** Peers by URL and path; whoever is not there does not answer. */
function asking(pages: Readonly<Record<string, PeerAnswer>>): AskPeer {
  return (url, { path }) => Promise.resolve(pages[`${url}${path}`] ?? { ok: false, message: `${url} is down` })
}

const A = 'http://10.0.0.1:2380'
const GOOD = {
  [`${A}/members`]: answer(200, MEMBERS, { 'x-etcd-cluster-id': 'cdf818194e3a8c32' }),
  [`${A}/version`]: answer(200, '{"etcdserver":"3.7.1","etcdcluster":"3.7.0"}'),
}

function options(changes: Partial<JoinOptions>): JoinOptions {
  return {
    name: 'b',
    members: [{ name: 'a', peerUrls: [A] }, { name: 'b', peerUrls: ['http://b.test:2380'] }],
    learnersMax: 1,
    ask: asking(GOOD),
    resolve: () => Promise.resolve(null),
    clusterVersion: '3.7.0',
    ...changes,
  }
}

async function refusal(changes: Partial<JoinOptions>): Promise<string> {
  const joined = await joinExisting(options(changes))
  return joined.ok ? 'joined' : joined.message
}

test('ids come from those who are there', async () => {
  const joined = await joinExisting(options({}))
  assert.ok(joined.ok)
  assert.deepEqual([joined.clusterId, joined.memberId], [0xcdf818194e3a8c32n, 2n ** 64n - 1n])
  assert.equal(joined.members.length, 2)
})

test('a member that does not answer, or not with a list, is passed over', async () => {
  const members = [
    { name: 'a', peerUrls: [A] },
    { name: 'b', peerUrls: ['http://b.test:2380'] },
    { name: '0', peerUrls: ['http://0:1'] },
  ]
  assert.match(await refusal({ members }), /^error validating peerURLs .*: member count is unequal$/)
  assert.match(
    await refusal({ ask: asking({ [`${A}/members`]: answer(404, 'no') }) }),
    /^cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs; .*404/,
  )
  assert.match(await refusal({ ask: asking({}) }), /is down/)
})

test('every member has its match', async () => {
  const moved = [{ name: 'a', peerUrls: [A] }, { name: 'b', peerUrls: ['http://c.test:2380'] }]
  assert.match(await refusal({ members: moved }), /no match found for existing member \(ffffffffffffffff, \[http:\/\/b/)
  assert.match(await refusal({ name: 'z' }), /^couldn't find local name "z" in the initial cluster configuration$/)
  assert.match(await refusal({ learnersMax: 0 }), /too many learner members/)
})

test('a cluster of a later version is none to join', async () => {
  const ask = asking({ ...GOOD, [`${A}/version`]: answer(200, '{"etcdserver":"3.8.0","etcdcluster":"3.8.0"}') })
  assert.match(await refusal({ ask }), /^incompatible with current running cluster: its version is 3.8.0/)
  const silent = asking({ [`${A}/members`]: GOOD[`${A}/members`] as PeerAnswer })
  assert.equal(await refusal({ ask: silent }), 'joined')
})

test('names stand for their addresses', async () => {
  const resolve = (host: string) => Promise.resolve(host === 'b.test' ? '10.0.0.2' : null)
  assert.ok(await areEqualUrls(['http://b.test:2380'], ['http://10.0.0.2:2380'], resolve))
  assert.ok(await areEqualUrls(['http://x:1', 'http://y:1'], ['http://y:1', 'http://x:1'], resolve))
  assert.ok(!(await areEqualUrls(['http://b.test:2380'], ['https://10.0.0.2:2380'], resolve)))
  assert.ok(!(await areEqualUrls(['http://b.test:2380'], ['http://10.0.0.2:2381'], resolve)))
  assert.ok(!(await areEqualUrls(['http://x:1'], ['http://x:1', 'http://y:1'], resolve)))
})

test('lists that are none are told apart from lists', () => {
  assert.equal(parseMembersJson('{}'), null)
  assert.equal(parseMembersJson('[{"id":"x"}]'), null)
  assert.equal(parseMembersJson('[nonsense'), null)
  assert.deepEqual(parseMembersJson('[]'), [])
  const odd = parseMembersJson('[{"id":1,"peerURLs":[],"name":"a\\"id\\":5"}]')
  assert.equal(odd?.[0]?.name, 'a"id":5')
})

test('a member that has served clients does not start anew, nor one whose peers are of another cluster', async () => {
  const problem = (memberId: bigint, clusterId: bigint, ask = asking(GOOD)): Promise<string | null> => {
    return firstStartProblem({ memberId, clusterId, urls: [A, 'http://b.test:2380'], ask })
  }
  const cluster = 0xcdf818194e3a8c32n
  const known = await problem(9372538179322589801n, cluster)
  assert.match(known ?? '', /^member 8211f1d0f64f3269 has already been bootstrapped/)
  // Known to the others, but it has never said where it serves clients: it was interrupted.
  assert.equal(await problem(2n ** 64n - 1n, cluster), null)
  assert.equal(await problem(7n, cluster), null)
  assert.equal(await problem(7n, cluster, asking({})), null)
  const mismatch = /^cluster ID mismatch: http:\/\/10.0.0.1:2380 belongs to cluster cdf818194/
  assert.match(await problem(7n, 1n) ?? '', mismatch)
})
