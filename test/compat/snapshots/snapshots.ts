/**
 * No lock-in: what etcd 3.4.23 saved or left behind is served by raftring with everything in it, and the other way
 * round; snapshots are made while puts go on, in little memory. `node dist/test/compat/snapshots/snapshots.js`.
 */

import { scriptOptions } from '../../../scripts/support/script-options.js'
import { Report } from '../../support/report.js'
import { checkLoad } from './check-load.js'
import { checkMigration } from './check-migration.js'
import { checkRestore } from './check-restore.js'

async function main(): Promise<void> {
  scriptOptions({
    does: 'What etcd saved or left behind is served by raftring, and the other way round; SEED=N repeats a run.',
  })
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
  console.log(`random requests of SEED=${seed}`)
  const report = new Report()
  await checkRestore(report, { from: 'etcd', to: 'raftring', seed })
  await checkRestore(report, { from: 'raftring', to: 'etcd', seed })
  await checkRestore(report, { from: 'raftring', to: 'raftring', seed })
  await checkMigration(report, seed)
  await checkLoad(report)
  report.end()
}

await main()
