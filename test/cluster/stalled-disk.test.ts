/** Disks that do not answer for a while: clients of the other members do not notice, and a leader makes way in time. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { rmSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { ClusterProcess, type ClusterMember } from '../support/cluster/cluster-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const HANDOVER_MS = 5000
/** Of an answer, on a machine that does other things too. */
const ANSWER_MS_MAX = 3000

const stalls = temporaryDirectory()
let cluster: ClusterProcess

before(async () => {
  const preload = new URL('./faults/stalling-disk.js', import.meta.url).href
  cluster = await ClusterProcess.start({ size: 3, spec: { preload, env: { STALL_DIRECTORY: stalls.root } } })
})

after(async () => {
  await cluster.remove()
  stalls.remove()
})

async function whileStalled(member: ClusterMember, body: () => Promise<void>): Promise<void> {
  writeFileSync(stalls.path(member.name), '')
  try {
    await body()
  } finally {
    rmSync(stalls.path(member.name))
  }
}

async function longestAnswerMs(members: readonly ClusterMember[], untilMs: number): Promise<number> {
  let longest = 0
  for (let i = 0; performance.now() < untilMs; i++) {
    for (const { client } of members) {
      const since = performance.now()
      await client.put({ key: 'k', value: String(i) })
      const { kvs } = await client.range({ key: 'k' })
      assert.equal(kvs[0]?.value.toString(), String(i))
      longest = Math.max(longest, performance.now() - since)
    }
  }
  return longest
}

async function termOf({ client }: ClusterMember): Promise<number> {
  return Number((await client.status()).raftTerm)
}

test('a leader whose disk stalls for two seconds leads on, and nobody waits for it', async () => {
  const leader = await cluster.leader()
  const term = await termOf(leader)
  await whileStalled(leader, async () => {
    const longest = await longestAnswerMs(cluster.members, performance.now() + 2000)
    assert.ok(longest < ANSWER_MS_MAX, `an answer took ${longest} ms`)
  })
  assert.equal(await cluster.leader(), leader)
  assert.equal(await termOf(leader), term)
})

test('a follower whose disk stalls serves its clients all the same', async () => {
  const [follower] = (await cluster.followers()) as [ClusterMember]
  await whileStalled(follower, async () => {
    const longest = await longestAnswerMs([follower], performance.now() + 2000)
    assert.ok(longest < ANSWER_MS_MAX, `an answer took ${longest} ms`)
  })
})

test('a leader whose disk stalls for longer hands over, and does not lead again before it answers', async () => {
  const leader = await cluster.leader()
  await whileStalled(leader, async () => {
    const since = performance.now()
    await leader.client.put({ key: 'k', value: 'begins to wait' })
    while ((await cluster.leader()) === leader) {
      assert.ok(performance.now() < since + 3 * HANDOVER_MS, 'nobody has taken over')
      await delay(50)
    }
    const tookMs = performance.now() - since
    assert.ok(tookMs >= HANDOVER_MS - 500, `handed over after ${tookMs} ms`)
    assert.match(leader.server.log, /leadership is handed over/)
    await longestAnswerMs(cluster.members, performance.now() + 1000)
  })
  await longestAnswerMs(cluster.members, performance.now() + 200)
  assert.match(leader.server.log, /the log's disk answers again/)
})
