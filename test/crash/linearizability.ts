/**
 * Single-key registers and small transactions from many clients at once, through kill -9 and
 * restarts, judged by the linearizability checker, which knows nothing of revisions but what the
 * answers show: `node dist/test/crash/linearizability.js [--rounds N] [--seed S] [--clients C]
 * [--restarts R]`.
 */

import { Prng } from '../../src/base/prng.js'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { Report } from '../support/report.js'
import { serverKind } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { HistoryRun, judge } from './linearizability-run.js'

async function main(): Promise<void> {
  const { values } = scriptOptions({
    does: 'Registers and small transactions through kill -9 and restarts, judged for linearizability.',
    options: {
      rounds: { type: 'count', default: 10, env: 'ROUNDS', text: 'how many; registers and transactions in turn' },
      port: { type: 'count', default: 21_120, min: 1, max: 65_534, text: 'for clients; members use the next' },
      seed: { type: 'count', default: Date.now() % 1_000_000, shown: 'new each time', text: 'repeats a run' },
      clients: { type: 'count', default: 10, min: 1, text: 'how many at the same time' },
      restarts: { type: 'count', default: 2, text: 'in each round' },
    },
  })
  const { seed } = values
  const kind = serverKind()
  console.log(`linearizability of ${kind}, --rounds ${values.rounds} --seed ${seed}`)
  const report = new Report('')
  const directory = temporaryDirectory()
  const run = new HistoryRun({ kind, dataDir: directory.path('data'), clientPort: values.port })
  await run.start()
  let operations = 0
  for (let round = 0; round < values.rounds; round++) {
    // Registers in one round, transactions over a few keys in the next.
    const shape = round % 2 === 0 ? 'register' : 'txn'
    await report.check(`round ${round}: ${shape}`, async () => {
      const history = await run.round({
        prng: new Prng(seed * 7919 + round),
        round,
        shape,
        clients: values.clients,
        restarts: values.restarts,
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
