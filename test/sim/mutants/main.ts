/**
 * Puts known bugs back, one at a time, and lets the simulator look for them: it has to find each within 500 seeds.
 * `npm run sim:mutants -- [--only NAME] [--rotate N] [--seeds N] [--list]`
 */

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { scriptOptions } from '../../../scripts/support/script-options.js'
import type { Mutant } from './mutant.js'
import { MUTANTS, PROVEN_MUTANTS, mutantNamed } from './mutants.js'

const SEEDS = 500
/** Simulated: shorter than what counts as a proof, so that there are more beginnings. */
const SECONDS = '30'
const DAY_MS = 86_400_000
/** How a simulator's process ends that has found something. */
const KILLED: ReadonlyMap<number, string> = new Map([[127, 'crash'], [128, 'liveness'], [129, 'correctness']])

const SIMULATOR = fileURLToPath(new URL('../../../src/sim/main.js', import.meta.url))
const REGISTER = new URL('./register-mutant.js', import.meta.url).href

function main(): void {
  const { values } = scriptOptions({
    command: 'npm run sim:mutants --',
    does: 'Puts known bugs back, one at a time; the simulator has to find each of them.',
    options: {
      only: { type: 'list', choices: MUTANTS.map(({ name }) => name), text: 'these, by name' },
      rotate: { type: 'count', min: 1, text: 'so many of them, others every day' },
      seeds: { type: 'count', default: SEEDS, min: 1, text: 'within how many each has to be found' },
      from: { type: 'count', default: 1, text: 'the first seed' },
      list: { type: 'switch', text: 'names them and says what each breaks' },
    },
  })
  if (values.list) {
    for (const { name, story } of MUTANTS) say(`${name}: ${story}`)
    return
  }
  const { seeds, from } = values
  const chosen = choose(values.only, values.rotate)
  const survivors = chosen.filter((mutant) => !isKilled(mutant, seeds, from))
  say(`${chosen.length - survivors.length} of ${chosen.length} mutants killed`)
  for (const { name } of survivors) say(`survived ${seeds} seeds: ${name}`)
  process.exitCode = survivors.length === 0 ? 0 : 1
}

function choose(only: readonly string[], rotate: number | null): readonly Mutant[] {
  if (only.length > 0) return only.map(mutantNamed)
  const all = PROVEN_MUTANTS
  if (rotate === null) return all
  const count = Math.min(rotate, all.length)
  const first = (Math.floor(Date.now() / DAY_MS) * count) % all.length
  return Array.from({ length: count }, (_, i) => all[(first + i) % all.length] as Mutant)
}

function isKilled({ name }: Mutant, seeds: number, from: number): boolean {
  const startMs = Date.now()
  const seedsOf = ['--seeds', String(seeds), '--from', String(from)]
  const argv = ['--import', REGISTER, SIMULATOR, ...seedsOf, '--seconds', SECONDS, '--quiet']
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
    env: { ...process.env, RAFTRING_MUTANT: name },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  const seconds = ((Date.now() - startMs) / 1000).toFixed(0)
  const how = KILLED.get(status ?? 0)
  const verdict = /^seed (\d+) fails at .*$/m.exec(stdout)
  if (how !== undefined && verdict !== null) {
    say(`killed   ${name}: ${how}, ${seconds} s: ${verdict[0].slice(0, 220)}`)
    return true
  }
  const isBroken = status !== 0
  say(`${isBroken ? 'BROKEN  ' : 'SURVIVED'} ${name}: exit ${status}, ${seconds} s ${stderr.slice(0, 600)}`)
  return false
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

main()
