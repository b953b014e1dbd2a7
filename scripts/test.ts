/**
 * Runs the tests: `node dist/scripts/test.js` all of them but the slow ones, `node dist/scripts/test.js threads
 * raft/solo` only those whose path under test/ starts so, `node dist/scripts/test.js --slow` only the slow ones. Paths
 * are given to node one by one, because on Node 20 `node --test` takes every script of a folder named test for a test.
 */

import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { scriptOptions } from './support/script-options.js'

/** The compiled script lies in dist/scripts. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const COMPILED = join(ROOT, 'dist', 'test')

/** Test files running at the same time. Many of them start threads or processes of their own. */
const CONCURRENCY = 2
/**
 * Clusters of real processes, which wait for elections, and shares of measured times, which want the machine for
 * themselves: they run when they are asked for, one at a time, `npm run test:cluster`.
 */
const SLOW = [
  'cluster/follower-suites',
  'cluster/force-new-cluster',
  'cluster/hashes/',
  'cluster/leaders/leader-loss',
  'cluster/leaders/linearizability',
  'cluster/leaders/minority',
  'cluster/leaders/pre-vote',
  'cluster/membership.',
  'cluster/snapshots/',
  'cluster/stalled-disk',
  'cluster/versions',
  'cluster/without-leader',
  'stages/',
]
/** A test that takes longer hangs. */
const TEST_MS_MAX = 180_000

/** Compiled tests whose source still exists; a renamed source leaves its old output behind. */
function findTests(prefixes: readonly string[], isSlow: boolean): string[] {
  return readdirSync(COMPILED, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.js'))
    .filter((path) => existsSync(join(ROOT, 'test', path.replace(/\.js$/, '.ts'))))
    .filter((path) => isChosen(path, prefixes, isSlow))
    .toSorted()
    .map((path) => relative(ROOT, join(COMPILED, path)))
}

function isChosen(path: string, prefixes: readonly string[], wantsSlow: boolean): boolean {
  const isSlow = SLOW.some((prefix) => path.startsWith(prefix))
  if (wantsSlow) return isSlow
  return prefixes.length === 0 ? !isSlow : prefixes.some((prefix) => path.startsWith(prefix))
}

function main(): void {
  const { values, words } = scriptOptions({
    does: 'Runs the compiled tests, all but the slow ones.',
    words: { names: '[PATH...]', text: 'only those whose path below test/ starts so, slow or not' },
    options: { slow: { type: 'switch', text: 'all slow ones, one at a time' } },
  })
  const prefixes = words.map((word) => word.replace(/^test\//, ''))
  const files = findTests(prefixes, values.slow)
  if (files.length === 0) {
    process.stderr.write(`no tests match ${prefixes.join(' ')}\n`)
    process.exitCode = 1
    return
  }
  const reporter = new URL('./test-reporter.js', import.meta.url).href
  const child = spawn(
    process.execPath,
    [
      '--enable-source-maps',
      '--test',
      `--test-concurrency=${values.slow ? 1 : CONCURRENCY}`,
      `--test-timeout=${TEST_MS_MAX}`,
      `--test-reporter=${reporter}`,
      '--test-reporter-destination=stdout',
      ...files,
    ],
    { cwd: ROOT, stdio: 'inherit' },
  )
  child.on('exit', (code, signal) => {
    if (signal !== null) process.stderr.write(`node --test ended by ${signal}\n`)
    process.exitCode = code ?? 1
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
