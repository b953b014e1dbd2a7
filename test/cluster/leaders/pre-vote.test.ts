/** What a member that is cut off does to its term while it looks for a majority in vain. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClusterProcess } from '../../support/cluster/cluster-process.js'
import { errorOf } from '../../support/expect.js'

const ELECTION_MS = 500
/** A put without a leader is given up after 5 s and two election timeouts; its client waits for that. */
const DEADLINE_MS = 20_000

/** By how much the term of a member grows until a put that nobody can commit has failed. */
async function termsAlone(preVote: boolean): Promise<number> {
  const flags = [`--pre-vote=${preVote}`, '--heartbeat-interval=50', `--election-timeout=${ELECTION_MS}`]
  let grown = 0
  await ClusterProcess.with({ size: 3, flags }, async (cluster) => {
    const [left, ...others] = await cluster.followers()
    assert.ok(left !== undefined)
    const before = (await left.client.status()).raftTerm
    await Promise.all([...others, await cluster.leader()].map((member) => member.kill()))
    const put = { key: Buffer.from('k'), value: Buffer.from('v') }
    assert.notEqual(await errorOf(left.client.put(put, { deadlineMs: DEADLINE_MS })), 'no error')
    const { leader, raftTerm } = await left.client.status()
    assert.equal(leader, 0n)
    grown = Number(raftTerm) - Number(before)
  })
  return grown
}

test('with --pre-vote a member that is alone asks first, and its term stays', async () => {
  assert.equal(await termsAlone(true), 0)
})

test('without --pre-vote every election of a member that is alone is another term', async () => {
  const grown = await termsAlone(false)
  assert.ok(grown >= 3, `${grown} terms in more than ten election timeouts`)
})
