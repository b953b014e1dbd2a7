/** The simulator's entry: seeds in, exit code out. See docs/TESTING.md. */

import { systemClock } from '../base/system-clock.js'
import { simulate, type RunResult } from './run.js'
import { USAGE, readSimOptions, repeatLine, runOptions, type SimOptions } from './sim-options.js'
import { EXIT_CODES } from './world/failure.js'

const EXIT_USAGE = 2
const EXIT_NO_PROOF = 3
const LINES_SHOWN = 150
const PROGRESS_MS = 10_000
const MINUTE_MS = 60_000

interface Sum {
  runs: number
  counted: number
  simMs: number
  operations: number
  faults: number
  onLmdb: number
}

async function main(): Promise<void> {
  const read = readSimOptions(process.argv.slice(2), Math.floor(systemClock.wallMs() / 1000) * 1000)
  switch (read.kind) {
    case 'help':
      print([USAGE])
      return
    case 'refused':
      tell([`sim: cannot take ${read.message}`, '', USAGE])
      process.exitCode = EXIT_USAGE
      return
    case 'options':
      process.exitCode = await runAll(read.options)
  }
}

async function runAll(options: SimOptions): Promise<number> {
  const startMs = systemClock.nowMs()
  const sum: Sum = { runs: 0, counted: 0, simMs: 0, operations: 0, faults: 0, onLmdb: 0 }
  let saidMs = startMs
  const isOver = (): boolean => (options.minutes === null
    ? sum.runs >= options.seeds
    : systemClock.nowMs() - startMs >= options.minutes * MINUTE_MS)
  while (!isOver()) {
    const result = await simulate(runOptions(options, options.firstSeed + sum.runs))
    if (options.prints) print(result.lines)
    if (result.failure !== null) return report(result)
    add(sum, result)
    if (options.seeds === 1 && options.minutes === null) print([describe(result)])
    const nowMs = systemClock.nowMs()
    if (options.isQuiet || nowMs - saidMs < PROGRESS_MS) continue
    saidMs = nowMs
    tell([`${sum.runs} seeds from ${options.firstSeed}, ${rate(sum, nowMs - startMs)}`])
  }
  tell([summary(options, sum, systemClock.nowMs() - startMs)])
  const isShort = options.seconds < 60 || options.isCalm || options.members === 1
  return sum.counted === sum.runs || isShort ? 0 : EXIT_NO_PROOF
}

function add(sum: Sum, result: RunResult): void {
  sum.runs++
  if (result.counts) sum.counted++
  if (result.options.onLmdb) sum.onLmdb++
  sum.simMs += result.simMs
  sum.operations += result.operations
  sum.faults += result.faults
}

/** A failure is run once more for its trace, which must be the same run. */
async function report({ failure, options, hash, lines }: RunResult): Promise<number> {
  const again = options.keepsTrace ? null : await simulate({ ...options, keepsTrace: true })
  const shown = again === null ? lines : again.lines
  if (again !== null) print(shown.slice(-LINES_SHOWN))
  if (again !== null && again.hash !== hash) print([`the run was not the same again: ${hash}, then ${again.hash}`])
  if (failure === null) return 0
  print([
    '',
    `seed ${options.seed} fails at ${(failure.atMs / 1000).toFixed(6)} s: ${failure.kind}: ${failure.message}`,
    `again, with all ${shown.length} lines: ${repeatLine(options)}`,
  ])
  return EXIT_CODES[failure.kind]
}

function describe(result: RunResult): string {
  const { options, hash, simMs, operations, faults, revisions, watched, leases, events, counts } = result
  const store = options.onLmdb ? 'lmdb' : 'memory'
  return `seed ${options.seed}: ${options.members} members on ${store}, ${(simMs / 1000).toFixed(1)} s, ` +
    `${operations} operations, ${faults} faults, ${revisions} revisions, ${watched} events watched, ` +
    `${leases} leases, ${events} steps, hash ${hash}${counts ? '' : '; too little to count'}`
}

function summary(options: SimOptions, sum: Sum, wallMs: number): string {
  const last = options.firstSeed + sum.runs - 1
  return `seeds ${options.firstSeed} to ${last}: no violation in ${sum.runs} runs, ${sum.counted} of which count, ` +
    `${sum.onLmdb} on lmdb; ${sum.operations} operations, ${sum.faults} faults, ${rate(sum, wallMs)}`
}

function rate({ simMs }: Sum, wallMs: number): string {
  return `${(simMs / 3_600_000).toFixed(1)} h simulated, ${(simMs / wallMs).toFixed(0)} times real time`
}

/** What depends on the machine is not among what a seed prints. */
function tell(lines: readonly string[]): void {
  process.stderr.write(`${lines.join('\n')}\n`)
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

await main()
