/**
 * Rounds of a mixed workload with kill -9 at a random moment, restart and a full check: `node
 * dist/test/crash/crash-rounds.js [--rounds N] [--seed S] [--clients C]`. Prints the seed that
 * repeats it; the data directory of a failure is kept.
 */

import { scriptOptions } from '../../scripts/support/script-options.js'
import { Report } from '../support/report.js'
import { serverKind } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { CrashRun, scheduleOf } from './crash-run.js'

async function main(): Promise<void> {
  const { values } = scriptOptions({
    does: 'Rounds of a mixed workload with kill -9 at a random moment, a restart and a check of everything.',
    options: {
      rounds: { type: 'count', default: 20, env: 'ROUNDS', text: 'how many' },
      port: { type: 'count', default: 21_100, min: 1, max: 65_534, text: 'for clients; members use the next' },
      seed: { type: 'count', default: Date.now() % 1_000_000, shown: 'new each time', text: 'repeats a run' },
      clients: { type: 'count', default: 8, min: 1, text: 'how many at the same time' },
    },
  })
  const { seed } = values
  const kind = serverKind()
  console.log(`crash rounds against ${kind}, --rounds ${values.rounds} --seed ${seed}`)
  const report = new Report('')
  const directory = temporaryDirectory()
  const run = new CrashRun({
    kind,
    dataDir: directory.path('data'),
    clientPort: values.port,
    seed,
    clients: values.clients,
    flags: ['--snapshot-count', '2000'],
  })
  await run.start()
  const startedAt = performance.now()
  for (let round = 0; round < values.rounds && report.failed === 0; round++) {
    const schedule = scheduleOf(seed, round)
    await report.check(`round ${round} (${schedule})`, () => run.round(round, schedule))
  }
  if (report.failed === 0)
    await report.check('leases keep what is left of their time', () => run.leasesOverRestart())
  if (report.failed > 0) console.log(run.server.log.slice(-3000))
  await run.end()
  const { ledger } = run
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
  console.log(
    `${run.restarts} restarts in ${seconds} s; revision ${ledger.model.revision}; ` +
      `${ledger.settledWrites} acknowledged writes and ${ledger.settledReads} reads placed; ` +
      `${ledger.survivedCutOff} cut-off writes took effect; ${ledger.leases.checked} lease checks`,
  )
  if (report.failed === 0) directory.remove()
  else console.log(`kept ${directory.root}; repeat with --seed ${seed}`)
  report.end()
  if (report.failed > 0) directory.keep()
}

await main()
