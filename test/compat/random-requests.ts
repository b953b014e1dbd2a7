/**
 * The same random requests, one after the other, to etcd 3.4.23 and to raftring: every answer must
 * be the same, and at the end both must tell the same history: `node
 * dist/test/compat/random-requests.js [--count N] [--seed S]`. `--self` compares etcd with etcd.
 */

import { strict as assert } from 'node:assert'
import { Prng } from '../../src/base/prng.js'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { EtcdClient } from '../support/etcd-client.js'
import { Report } from '../support/report.js'
import { withServer, type ServerKind } from '../support/server-process.js'
import { history } from './random/history.js'
import { outcomeOf, toText, type Outcome } from './random/request-outcome.js'
import { compareHashes } from './random/hashes.js'
import { RequestSource } from './request-source.js'

const PORTS = [21_050, 21_052] as const

async function main(): Promise<void> {
  const { values } = scriptOptions({
    does: 'The same random requests to etcd and to raftring: every answer and the history at the end must be the same.',
    options: {
      count: { type: 'count', default: 3000, min: 1, text: 'how many requests' },
      seed: { type: 'count', default: Date.now() % 1_000_000, shown: 'new each time', text: 'repeats a run' },
      self: { type: 'switch', text: 'compares etcd with etcd' },
    },
  })
  const { count, seed } = values
  const ours: ServerKind = values.self ? 'etcd' : 'raftring'
  console.log(`${count} random requests to etcd and ${ours}, --seed ${seed}`)
  const report = new Report('')
  await withServer({ kind: 'etcd', clientPort: PORTS[0] }, (etcd) =>
    withServer({ kind: ours, clientPort: PORTS[1] }, async (other) => {
      const clients = [new EtcdClient(etcd.endpoint), new EtcdClient(other.endpoint)] as const
      await report.check('every answer is the same', () => compareAnswers(clients, count, seed))
      await report.check('the history is the same', () => compareHistories(clients))
      await report.check('so are the hashes of every revision', () => compareHashes(clients))
      for (const client of clients) client.close()
    }),
  )
  report.end()
}

type Pair = readonly [EtcdClient, EtcdClient]

async function compareAnswers(clients: Pair, count: number, seed: number): Promise<void> {
  const source = new RequestSource(new Prng(seed))
  for (let i = 0; i < count; i++) {
    const request = source.next()
    const [expected, found] = (await Promise.all(
      clients.map((client) => outcomeOf(client, request)),
    )) as [Outcome, Outcome]
    assert.deepEqual(found, expected, `request ${i}: ${toText(request)}`)
    source.learn(expected.revision, request)
  }
}

async function compareHistories(clients: Pair): Promise<void> {
  const [expected, found] = await Promise.all(clients.map(history))
  assert.deepEqual(found, expected)
}

await main()
