/**
 * Faults on real processes, with clients and checkers:
 *
 *   npm run build && node dist/test/cluster/faults/main.js [--minutes 5] [--seed N] [--only disk,partition] [--size 3]
 *
 * Members run in network namespaces of their own, on disks of their own. Needs root, iproute2, iptables, e2fsprogs,
 * util-linux and Debian's faketime; without one of them it fails.
 */

import { parseArgs } from 'node:util'
import { Episode } from './episode.js'
import { requireTools } from './machine-tools.js'

const EPISODE_MS = 60_000
const MINUTE_MS = 60_000

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string', default: '' },
    /** 3 and 5 in turn without. */
    size: { type: 'string', default: '' },
  },
})

async function main(): Promise<void> {
  requireTools()
  const untilMs = performance.now() + Number(options.minutes) * MINUTE_MS
  const only = options.only.split(',').filter((word) => word !== '')
  const totals = { episodes: 0, operations: 0, answered: 0, leases: 0, faults: new Map<string, number>() }
  for (let seed = Number(options.seed); performance.now() < untilMs; seed++) {
    const size = options.size === '' ? (totals.episodes % 3 === 2 ? 5 : 3) : Number(options.size)
    const durationMs = Math.min(EPISODE_MS, untilMs - performance.now())
    console.log(`seed ${seed}: ${size} members`)
    const report = await new Episode({ seed, size, durationMs, only }).run(console.log)
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
