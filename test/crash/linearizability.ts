/**
 * Single-key registers and small transactions from many clients at once, through kill -9 and
 * restarts, judged by the linearizability checker, which knows nothing of revisions but what the
 * answers show: `node dist/test/crash/linearizability.js [--rounds N] [--seed S] [--clients C]
 * [--restarts R]`.
 */

import { parseArgs } from 'node:util'
import { Prng } from '../../src/base/prng.js'
import { Report } from '../support/report.js'
import { serverKind } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { HistoryRun, judge } from './linearizability-run.js'

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: process.env['ROUNDS'] ?? '10' },
      port: { type: 'string', default: '21120' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      clients: { type: 'string', default: '10' },
      restarts: { type: 'string', default: '2' },
    },
  })
  const seed = Number(values.seed)
  const kind = serverKind()
  console.log(`linearizability of ${kind}, --rounds ${values.rounds} --seed ${seed}`)
  const report = new Report('')
  const directory = temporaryDirectory()
  const run = new HistoryRun({ kind, dataDir: directory.path('data'), clientPort: Number(values.port) })
  await run.start()
  let operations = 0
  for (let round = 0; round < Number(values.rounds); round++) {
    // Registers in one round, transactions over a few keys in the next.
    const shape = round % 2 === 0 ? 'register' : 'txn'
    await report.check(`round ${round}: ${shape}`, async () => {
      const history = await run.round({
        prng: new Prng(seed * 7919 + round),
        round,
        shape,
        clients: Number(values.clients),
        restarts: Number(values.restarts),
      })
      operations += history.length
      judge(history, shape)
    })
  }
  await run.end()
  directory.remove()
  console.log(`${operations} operations judged; repeat with --seed ${seed}`)
  report.end()
}

await main()
