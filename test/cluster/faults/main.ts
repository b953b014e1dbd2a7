/**
 * Faults on real processes, with clients and checkers:
 *
 *   npm run build && node dist/test/cluster/faults/main.js [--minutes 5] [--seed N] [--only disk,partition] [--size 3]
 *
 * Members run in network namespaces of their own, on disks of their own. Needs root, iproute2, iptables, e2fsprogs,
 * util-linux and Debian's faketime; without one of them it fails.
 */

import { scriptOptions } from '../../../scripts/support/script-options.js'
import { Episode } from './episode.js'
import { FAULTS } from './faults.js'
import { requireTools } from './machine-tools.js'

const EPISODE_MS = 60_000
const MINUTE_MS = 60_000

const { values: options } = scriptOptions({
  command: 'npm run faults --',
  does: 'Faults on real processes, with clients and checkers. Needs root, iproute2, iptables, e2fsprogs, ' +
    'util-linux and faketime.',
  options: {
    minutes: { type: 'number', default: 5, text: 'how long, in episodes of a minute' },
    seed: { type: 'count', default: Date.now() % 1_000_000, shown: 'new each time', text: 'repeats a run' },
    only: { type: 'list', partOf: FAULTS.map(({ name }) => name), text: 'only faults with one of these in their name' },
    size: { type: 'count', min: 1, text: 'members (3 and 5 in turn)' },
  },
})

async function main(): Promise<void> {
  requireTools()
  const untilMs = performance.now() + options.minutes * MINUTE_MS
  const totals = { episodes: 0, operations: 0, answered: 0, leases: 0, faults: new Map<string, number>() }
  for (let seed = options.seed; performance.now() < untilMs; seed++) {
    const size = options.size ?? (totals.episodes % 3 === 2 ? 5 : 3)
    const durationMs = Math.min(EPISODE_MS, untilMs - performance.now())
    console.log(`seed ${seed}: ${size} members`)
    const report = await new Episode({ seed, size, durationMs, only: options.only }).run(console.log)
    console.log(`  ${report.answered} of ${report.operations} operations answered, ${report.leases} leases, ` +
      `revision ${report.revisions}: ${report.problem ?? 'all is as it should be'}`)
    if (report.problem !== null) {
      console.log(`FAILED; the same faults, if not at the same moments: --seed ${seed} --size ${size}`)
      console.log(`${totals.episodes} passed, 1 failed`)
      process.exit(1)
    }
    totals.episodes++
    totals.operations += report.operations
    totals.answered += report.answered
    totals.leases += report.leases
    for (const name of report.faults) totals.faults.set(name, (totals.faults.get(name) ?? 0) + 1)
  }
  const faults = [...totals.faults].map(([name, count]) => `${count} ${name}`).join(', ')
  console.log(`${totals.episodes} episodes, ${totals.answered} of ${totals.operations} operations answered, ` +
    `${totals.leases} leases; ${faults}`)
  console.log(`${totals.episodes} passed, 0 failed`)
}

await main()
