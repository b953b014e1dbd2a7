/** The short form of the crash rounds: each kind of schedule once, but for the long one. */

import { after, before, test } from 'node:test'
import { serverKind } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { CrashRun } from './crash-run.js'

const directory = temporaryDirectory()
const run = new CrashRun({
  kind: serverKind(),
  dataDir: directory.path('data'),
  clientPort: 21_110,
  seed: 20_261,
  clients: 6,
  flags: ['--snapshot-count', '500'],
})

before(() => run.start())

after(async () => {
  await run.end()
  directory.remove()
})

const ROUNDS = ['plain', 'replay', 'early', 'clean', 'plain'] as const

for (const [number, schedule] of ROUNDS.entries()) {
  test(`round ${number}: nothing acknowledged is lost, schedule ${schedule}`, () =>
    run.round(number, schedule))
}
