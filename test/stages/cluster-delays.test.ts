/** Stages of a member among several: what its followers take is charged to replication and to nothing else. */

import { strict as assert } from 'node:assert'
import { renameSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { StagePage } from '../../src/front/pages/stage-page.js'
import { WRITE_STAGES } from '../../src/metrics/stage-histogram.js'
import { ClusterProcess, type ClusterMember } from '../support/cluster/cluster-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const DELAY_MS = 50
const PUTS = 15
/** Others may use the machine as well: the quietest round counts. */
const ROUNDS_MAX = 8
const directory = temporaryDirectory()
const told = directory.path('stage')
let cluster: ClusterProcess

before(async () => {
  cluster = await ClusterProcess.start({
    size: 3,
    spec: { preload: new URL('./delayed-stage.js', import.meta.url).href, env: { DELAYED_STAGE: told } },
  })
})

after(async () => {
  await cluster.remove()
  directory.remove()
})

/** Medians by stage of puts through a member, while some stages of some members are slow. */
async function puts(member: ClusterMember, slow: readonly string[]): Promise<Readonly<Record<string, number>>> {
  tell(slow.join(' '))
  // A few at a time, so that newer writes reach the disk while others are on their way to the followers.
  for (let i = 0; i < PUTS; i += 3) {
    const keys = [0, 1, 2].map((k) => Buffer.from(`k${i + k}`))
    await Promise.all(keys.map((key) => member.client.put({ key, value: Buffer.from('v') })))
  }
  tell('')
  const answer = await fetch(`http://127.0.0.1:${member.spec.clientPort}/debug/stages?recent=${PUTS}`)
  const recent = ((await answer.json()) as StagePage).fronts[0]?.recent ?? []
  assert.equal(recent.length, PUTS)
  return Object.fromEntries(WRITE_STAGES.map((stage, at) => {
    const times = recent.map(({ stagesMs }) => stagesMs[at] as number).sort((a, b) => a - b)
    return [stage, times[Math.floor(times.length / 2)] as number]
  }))
}

function tell(words: string): void {
  writeFileSync(`${told}.new`, words)
  renameSync(`${told}.new`, told)
}

test('what the followers take is replication on the leader', async () => {
  const leader = await cluster.leader()
  const followers = cluster.members.filter((member) => member !== leader)
  let elsewhereMs = Infinity
  let slow: Readonly<Record<string, number>> = {}
  for (let round = 0; round < ROUNDS_MAX && elsewhereMs >= DELAY_MS / 2; round++) {
    const usual = await puts(leader, [])
    slow = await puts(leader, followers.map(({ name }) => `fsync@${name}`))
    assert.ok((slow['replicate'] ?? 0) >= 0.95 * DELAY_MS, JSON.stringify(slow))
    const others = WRITE_STAGES.filter((name) => name !== 'replicate')
    elsewhereMs = Math.max(...others.map((stage) => (slow[stage] ?? 0) - (usual[stage] ?? 0)))
  }
  assert.ok(elsewhereMs < DELAY_MS / 2, JSON.stringify(slow))
})

test('a put through a follower has stages that add up, too', async () => {
  const leader = await cluster.leader()
  const follower = cluster.members.find((member) => member !== leader) as ClusterMember
  const usual = await puts(follower, [])
  assert.ok(Object.values(usual).every((ms) => ms >= 0))
  const slow = await puts(follower, [`propose@${leader.name}`])
  // To its own member the way to the leader and back is the way to the log.
  assert.ok((slow['queue_raft'] ?? 0) >= 0.95 * DELAY_MS, JSON.stringify(slow))
})
