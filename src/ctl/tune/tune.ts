/** `raftringctl tune`: tries settings on this machine with a load like the user's, and says which are worth having. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { conclude } from '../../config/config.js'
import { readFlags } from '../../config/flags.js'
import { DONE, failed, type CommandResult } from '../command-result.js'
import type { Print } from '../output.js'
import { shortBytes, shortCount, shortTime } from '../view/amounts.js'
import { TrialRunner, type MeasuredTrial, type TrialLoad } from './run-trial.js'
import {
  dimensions, search, trialCount, type Goal, type Machine, type Settings, type TuneResult,
} from './tune-plan.js'
import { flagsText, gainText, tuneHtml } from './tune-report.js'

export interface TuneOptions {
  readonly load: TrialLoad
  readonly goal: Goal
  readonly budgetMs: number
  /** Where data directories are made: on the disk that the server will have. */
  readonly parent: string
  /** The directory that the report goes into. */
  readonly out: string
  readonly isJson: boolean
  readonly nowMs: () => number
  readonly pause: (ms: number) => Promise<void>
  /** Calls back when the person wants it to end. */
  readonly onInterrupt: (end: () => void) => void
}

const REPORT_FILE = 'tune.html'
const FIGURES_FILE = 'tune.json'
const NAME_WIDTH = 30
/** Cores of other programs above which figures are not to be relied on. */
const OTHERS_MAX = 0.2

export async function tune(options: TuneOptions, print: Print): Promise<CommandResult> {
  const { load, goal, budgetMs, parent, out, nowMs, pause } = options
  const cores = availableParallelism()
  const all = dimensions(machineOf(cores), load)
  const most = trialCount(all)
  const say: Print = options.isJson ? () => undefined : print
  say(`${describeMachine(cores)}; data in ${parent}`)
  say(`${shortCount(load.clients)} clients, ${load.readPercent} % reads, values of ${shortBytes(load.valueBytes)}, ` +
    `${shortCount(load.keys)} keys, ${shortCount(load.watchers)} watchers; at most ${most} trials and ` +
    `${Math.round(budgetMs / 1000)} s`)
  const runner = new TrialRunner({ load, parent, cores, nowMs, pause })
  let isInterrupted = false
  options.onInterrupt(() => {
    isInterrupted = true
    void runner.abort()
  })
  const startedMs = nowMs()
  let trials = 0
  try {
    const result = await search<MeasuredTrial>({
      dimensions: all,
      goal,
      hasTime: () => !isInterrupted && nowMs() - startedMs < budgetMs,
      measure: async (settings, flag) => {
        const measured = await runner.run(settings)
        say(progressLine(++trials, most, settings, flag, measured))
        return measured
      },
    })
    const report = {
      takenAt: new Date(nowMs()).toISOString().replace('T', ' ').slice(0, 19),
      machine: describeMachine(cores), directory: parent, load, goal, result,
    }
    mkdirSync(out, { recursive: true })
    writeFileSync(join(out, REPORT_FILE), tuneHtml(report))
    writeFileSync(join(out, FIGURES_FILE), `${JSON.stringify(report)}\n`)
    if (options.isJson) print(JSON.stringify(summary(result)))
    else conclusion(result, goal, join(out, REPORT_FILE), print)
    return DONE
  } catch (error) {
    return failed(isInterrupted ? 'interrupted' : (error as Error).message)
  }
}

/** What the server derives from the cores when no flag is given. */
function machineOf(cores: number): Machine {
  const flags = readFlags(['--name=tune'], {})
  const concluded = flags.ok && 'raw' in flags ? conclude(flags.raw, cores) : null
  if (concluded === null || !concluded.ok) throw new Error('the defaults are a configuration')
  const { threadsMode, frontWorkers, watchWorkers } = concluded.config
  return { cores, threadsMode, frontWorkers, watchWorkers }
}

function describeMachine(cores: number): string {
  const model = cpus()[0]?.model ?? 'unknown processor'
  return `${model}, ${cores} cores, ${shortBytes(totalmem())}, Node ${process.version}`
}

function progressLine(
  number: number, most: number, settings: Settings, flag: string, measured: MeasuredTrial,
): string {
  const { perSecond, p50Us, p99Us, serverCpuUs, saturation, errors, firstError } = measured
  const name = flag === '' ? (number === 1 ? 'no flags' : 'best so far') : `--${flag}=${settings[flag]}`
  const place = `[${String(number).padStart(String(most).length)}/${most}]`
  const figures = [
    `${shortCount(perSecond)}/s`.padStart(8), `p50 ${shortTime(p50Us / 1000)}`.padEnd(12),
    `p99 ${shortTime(p99Us / 1000)}`.padEnd(12), `CPU ${serverCpuUs.toFixed(1)} us`.padEnd(13),
  ]
  const failure = errors === 0 ? '' : `  ${errors} errors: ${firstError}`
  return `${place} ${name.padEnd(NAME_WIDTH)}${figures.join(' ')} ${saturation.text}${failure}`
}

function conclusion(result: TuneResult<MeasuredTrial>, goal: Goal, file: string, print: Print): void {
  const { choices, settings, best, isComplete } = result
  print('')
  if (choices.length === 0) print('The defaults are best for this load on this machine.')
  else {
    print(`Recommended, ${gainText(result, goal)} of the defaults:`)
    print(`  raftring ${flagsText(settings)}`)
    for (const { flag, value, gain, limitBefore, limitAfter } of choices) {
      print(`  --${flag}=${value}: ${gain.toFixed(2)}x; before, ${limitBefore}; with it, ${limitAfter}`)
    }
  }
  print(`What limits it now: ${best.saturation.text}`)
  const others = Math.max(...result.trials.map(({ measured }) => measured.otherCores))
  if (others > OTHERS_MAX) {
    print(`Other programs took up to ${others.toFixed(1)} cores meanwhile: on a quiet machine the outcome may differ.`)
  }
  if (!isComplete) print('The time ran out before everything was tried; --budget gives more.')
  print(file)
}

function summary({ settings, choices, first, best, isComplete, trials }: TuneResult<MeasuredTrial>): object {
  const short = ({ perSecond, p50Us, p99Us, serverCpuUs, saturation }: MeasuredTrial): object =>
    ({ perSecond, p50Us, p99Us, serverCpuUs, saturation })
  return { settings, choices, first: short(first), best: short(best), isComplete, trials: trials.length }
}
