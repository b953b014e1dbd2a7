/**
 * Hashes of the keys between random writes, deletions and compactions, of etcd and of raftring, over gRPC and on the
 * port for members: every answer must be the same. `ETCD_COMMAND=... node dist/test/compat/hashes/compare-hashes.js
 * [--rounds N] [--seed S]`, with an etcd of 3.6 or later, which remembers what compactions had come to.
 */

import { strict as assert } from 'node:assert'
import { Prng } from '../../../src/base/prng.js'
import { scriptOptions } from '../../../scripts/support/script-options.js'
import { MaintenanceClient } from '../../space/maintenance-client.js'
import { EtcdClient } from '../../support/etcd-client.js'
import { revisionOf } from '../../support/expect.js'
import { askPeerHash, type PeerHashQuestion } from '../../support/cluster/peer-hash.js'
import { Report } from '../../support/report.js'
import { withServer, type ServerProcess } from '../../support/server-process.js'

const ETCD_PORT = 21_060
const OUR_PORT = 21_064
const KEYS = 4
/** Revisions behind the current one that are asked for, and one that is to come. */
const DEPTH = 40

class Side {
  readonly client: EtcdClient
  readonly maintenance: MaintenanceClient
  readonly peerUrl: string

  constructor(server: ServerProcess) {
    this.client = new EtcdClient(server.endpoint)
    this.maintenance = new MaintenanceClient(this.client)
    this.peerUrl = `http://127.0.0.1:${server.spec.peerPort}`
  }

  async hashKv(revision: number): Promise<unknown> {
    try {
      const { hash, compactRevision, hashRevision, header } = await this.maintenance.hashKv(revision)
      return { hash, compactRevision, hashRevision, revision: header?.revision }
    } catch (error) {
      return String(error)
    }
  }
}

type Sides = readonly [Side, Side]

async function same<T>(sides: Sides, ask: (side: Side) => Promise<T>, what: string): Promise<T> {
  const [expected, found] = (await Promise.all(sides.map(ask))) as [T, T]
  assert.deepEqual(found, expected, what)
  return expected
}

async function write(sides: Sides, random: Prng): Promise<void> {
  const key = `k${random.between(1, KEYS)}`
  const kind = random.between(0, 11)
  const value = `v${random.between(0, 999)}`
  await Promise.all(sides.map(({ client }): Promise<unknown> => {
    if (kind === 0) return client.deleteRange({ key: 'k', rangeEnd: 'l' })
    return kind <= 3 ? client.deleteRange({ key }) : client.put({ key, value })
  }))
}

/** To anywhere between the last one and now; etcd has the hash when the physical part is done. */
async function compact(sides: Sides, random: Prng, revision: number): Promise<void> {
  const { compactRevision } = await sides[0].maintenance.hashKv(0)
  const span = revision - Math.max(0, compactRevision)
  if (span <= 0) return
  const target = Math.max(0, compactRevision) + 1 + random.between(0, span - 1)
  await Promise.all(sides.map(({ client }) => client.compact({ revision: target, physical: true })))
}

async function compareRounds(sides: Sides, random: Prng, rounds: number): Promise<number> {
  let asked = 0
  for (let round = 0; round < rounds; round++) {
    for (let i = random.between(0, 11); i >= 0; i--) await write(sides, random)
    const revision = revisionOf(await sides[0].client.range({ key: 'none' }))
    if (random.chance(0.5)) await compact(sides, random, revision)
    for (let at = Math.max(0, revision - DEPTH); at <= revision + 1; at++) {
      const what = `round ${round}: revision ${at} of ${revision}`
      await same(sides, (side) => side.hashKv(at), what)
      await same(sides, ({ peerUrl }) => askPeerHash(peerUrl, { body: `{"revision":${at}}` }), `${what}, peers`)
      asked += 2
    }
  }
  return asked
}

const ODD: readonly PeerHashQuestion[] = [
  { body: '' }, { body: 'null' }, { body: '[]' }, { body: '{"revision":"1"}' }, { body: '{}', method: 'POST' },
  { body: '{}', headers: { 'X-Etcd-Cluster-ID': 'abc' } },
]

async function main(): Promise<void> {
  const { values } = scriptOptions({
    does: 'Hashes of the keys between random writes and compactions, of raftring and of an etcd of 3.6 or ' +
      'later, which ETCD_COMMAND names: every one must be the same.',
    options: {
      rounds: { type: 'count', default: 60, min: 1, text: 'how many' },
      seed: { type: 'count', default: Date.now() % 1_000_000, shown: 'new each time', text: 'repeats a run' },
    },
  })
  const { seed } = values
  console.log(`${values.rounds} rounds, --seed ${seed}`)
  const report = new Report('')
  await withServer({ kind: 'etcd', clientPort: ETCD_PORT }, (etcd) =>
    withServer({ kind: 'raftring', clientPort: OUR_PORT }, async (other) => {
      const sides: Sides = [new Side(etcd), new Side(other)]
      await report.check('every hash is the same', async () => {
        console.log(`${await compareRounds(sides, new Prng(seed), values.rounds)} hashes`)
      })
      await report.check('so is what is said of other requests', async () => {
        for (const question of ODD) {
          await same(sides, ({ peerUrl }) => askPeerHash(peerUrl, question), JSON.stringify(question))
        }
      })
      for (const { client } of sides) client.close()
    }),
  )
  report.end()
}

await main()
