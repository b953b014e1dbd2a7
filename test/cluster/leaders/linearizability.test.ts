/** Clients of every member, while members are killed, frozen and told to lead; each fault once. */

import { after, before, test } from 'node:test'
import { Prng } from '../../../src/base/prng.js'
import { judge } from '../../crash/linearizability-run.js'
import { ClusterProcess } from '../../support/cluster/cluster-process.js'
import { FAULTS, recordRound } from './cluster-history.js'

let cluster: ClusterProcess

before(async () => {
  cluster = await ClusterProcess.start({
    size: 3, flags: ['--snapshot-count', '500'], spec: { readyTimeoutMs: 120_000 },
  })
})

after(() => cluster.remove())

for (const [round, shape] of (['register', 'txn'] as const).entries()) {
  test(`clients of all members see one order of events through every fault: ${shape}`, async () => {
    const faults = round === 0 ? FAULTS.slice(0, 3) : FAULTS.slice(3)
    judge(await recordRound(cluster, { prng: new Prng(2026 + round), round, shape, clients: 5, faults }), shape)
  })
}
