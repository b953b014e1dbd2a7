/**
 * Two commits of this project in turn, with this checkout's driver: which is faster, and how sure that is.
 *
 *   npm run bench:compare -- A [B] [--pairs 10] [--seconds 3] [--only "put of 256 B, 256"] [--flags-a ""]
 *     [--flags-b ""]
 *
 * A and B are commits, branches or `.` for the checkout as it is, which is B by default. `. .` with --flags-a and
 * --flags-b compares settings. Each commit is checked out and built beside this one, with this one's packages where
 * both want the same. Ratios are B over A, medians of the pairs, with the range in which the median lies with 95 %
 * certainty.
 */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { machineLine, readMachine } from '../support/machine-facts.js'
import { pairedRatio, pairedText } from '../support/paired-ratios.js'
import type { Reading } from '../support/reading.js'
import { localKind, type TargetKind } from '../support/target.js'
import { runWorkload } from './run-workloads.js'
import { WORKLOADS } from './workloads/all-workloads.js'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const HERE = '.'
const USUAL = 'put of 256 B, 256 clients'

const { values: options, words: commits } = scriptOptions({
  command: 'npm run bench:compare --',
  does: 'Two commits of this project in turn, with the driver of this checkout: which is faster, how surely.',
  words: { names: 'A [B]', min: 1, max: 2, text: 'commits, or . for this checkout; B is . by default' },
  options: {
    pairs: { type: 'count', default: 10, min: 1, text: 'so many pairs of runs of each workload' },
    seconds: { type: 'number', default: 3, min: 0.1, text: 'measured of each run' },
    only: { type: 'text', default: USUAL, partOf: WORKLOADS.map(({ name }) => name), text: 'in whose name this is' },
    'flags-a': { type: 'flags', text: 'for the server of A' },
    'flags-b': { type: 'flags', text: 'for the server of B' },
    json: { type: 'switch', text: 'prints ratios as JSON' },
  },
})

interface Build {
  readonly label: string
  readonly program: string
  readonly remove: () => void
}

async function main(): Promise<void> {
  const [first = HERE, second = HERE] = commits
  const builds: Build[] = []
  try {
    builds.push(build(first, 'A'), build(second, 'B'))
    await compare(builds)
  } finally {
    for (const { remove } of builds) remove()
  }
}

async function compare(builds: readonly Build[]): Promise<void> {
  const flags = [options['flags-a'], options['flags-b']]
  const kinds = builds.map(({ label, program }, i): TargetKind => localKind({
    label, program, kind: 'raftring', cores: null, flags: flags[i] ?? [],
  }))
  console.log(machineLine(readMachine()))
  console.log(kinds.map(({ label }, i) => `${label} ${flags[i]?.join(' ') ?? ''}`.trim()).join('; '))
  for (const workload of WORKLOADS.filter(({ name }) => name.includes(options.only))) {
    const { servers } = await runWorkload(workload, {
      kinds, rounds: options.pairs, say: console.log, tellsThreads: false,
      timing: { warmupMs: 2000, durationMs: options.seconds * 1000, isQuick: false, rate: null },
    })
    const problem = servers.find((server) => server.problem !== '')
    if (problem !== undefined) {
      console.log(`${workload.name}: ${problem.label}: ${problem.problem}`)
      continue
    }
    tell(workload.name, servers[0]?.rounds ?? [], servers[1]?.rounds ?? [])
  }
}

function tell(workload: string, first: readonly Reading[], second: readonly Reading[]): void {
  const ratio = (of: (reading: Reading) => number) => pairedRatio(first.map(of), second.map(of))
  const ratios = {
    throughput: ratio((r) => r.perSecond), p50: ratio((r) => r.p50Us), p99: ratio((r) => r.p99Us),
    serverCpu: ratio((r) => r.serverCpuUs),
  }
  if (options.json) return console.log(JSON.stringify({ workload, pairs: first.length, ratios }))
  console.log(`\n${workload}, ${first.length} pairs, B over A`)
  for (const [name, found] of Object.entries(ratios)) console.log(`  ${name.padEnd(12)} ${pairedText(found)}`)
}

function build(commit: string, name: string): Build {
  if (commit === HERE) {
    return { label: `${name}: this checkout`, program: serverOf(ROOT), remove: () => undefined }
  }
  const parent = mkdtempSync(join(tmpdir(), 'raftring-compare-'))
  const tree = join(parent, 'tree')
  const git = (...words: string[]): string => execFileSync('git', words, { cwd: ROOT, encoding: 'utf8' }).trim()
  git('worktree', 'add', '--detach', tree, commit)
  const remove = (): void => {
    git('worktree', 'remove', '--force', tree)
    rmSync(parent, { recursive: true, force: true })
  }
  try {
    const wanted = readFileSync(join(tree, 'package-lock.json'), 'utf8')
    const isSame = wanted === readFileSync(join(ROOT, 'package-lock.json'), 'utf8')
    if (isSame) symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'))
    else execFileSync('npm', ['ci', '--ignore-scripts', '--silent'], { cwd: tree, stdio: 'inherit' })
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: tree, stdio: 'inherit' })
  } catch (error) {
    remove()
    throw error
  }
  const label = `${name}: ${git('rev-parse', '--short', commit)}`
  return { label, program: serverOf(tree), remove }
}

/** What `npm start` runs there. */
function serverOf(tree: string): string {
  const { bin } = JSON.parse(readFileSync(join(tree, 'package.json'), 'utf8')) as { bin: { raftring: string } }
  return join(tree, bin.raftring)
}

await main()
