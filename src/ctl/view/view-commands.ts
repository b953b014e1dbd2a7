/** Commands that look at a running server, and their flags. */

import { tmpdir } from 'node:os'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { parseDurationMs } from '../../config/duration.js'
import type { CommandResult } from '../command-result.js'
import type { Print } from '../output.js'
import type { PageServer } from './page-client.js'
import { profile } from '../report/profile.js'
import { tune } from '../tune/tune.js'
import type { Goal } from '../tune/tune-plan.js'
import { top } from './top.js'
import { openTerminal } from './top-terminal.js'

export interface ViewContext {
  readonly print: Print
  readonly nowMs: () => number
}

export type Report = (running: CommandResult | Promise<CommandResult>) => Promise<void>

interface ServerFlags {
  readonly endpoints: string
  readonly dialTimeout: number
  readonly cacert: string
  readonly cert: string
  readonly key: string
  readonly insecureSkipTlsVerify: boolean
}

const TIMEOUT_MS = 5000
const SECONDS_MAX = 600
const BUDGET_MS = 300_000

export function addViewCommands(program: Command, context: ViewContext, report: Report): void {
  addTop(program, context, report)
  addProfile(program, context, report)
  addTune(program, context, report)
}

interface TuneFlags {
  readonly reads: number
  readonly valueSize: number
  readonly keys: number
  readonly clients: number
  readonly watchers: number
  readonly seconds: number
  readonly goal: Goal
  readonly budget: number
  readonly dir: string
  readonly out: string
  readonly json: boolean
}

function addTune(program: Command, { print, nowMs }: ViewContext, report: Report): void {
  program.command('tune')
    .description('tries settings on this machine with a load of your choice and recommends some, with the reason')
    .option('--reads <percent>', 'linearizable reads among the requests; the others are puts', percentage, 20)
    .option('--value-size <bytes>', 'of each value', count, 256)
    .option('--keys <count>', 'keys that are read and written', count, 10_000)
    .option('--clients <count>', 'each with one request under way', count, 64)
    .option('--watchers <count>', 'watches that hear of every put', whole, 0)
    .option('--seconds <count>', 'measured time of each trial', seconds, 3)
    .addOption(new Option('--goal <goal>', 'what is to become better').choices(['throughput', 'latency'])
      .default('throughput'))
    .option('--budget <duration>', 'no trial begins after this', duration, BUDGET_MS)
    .option('--dir <directory>', 'where data directories are made: on the disk that the server will have', tmpdir())
    .option('--out <directory>', 'where the report goes', '')
    .option('--json', 'print the outcome as a line of JSON and nothing else', false)
    .action((flags: TuneFlags) =>
      report(tune({
        load: {
          readPercent: flags.reads, valueBytes: flags.valueSize, keys: flags.keys, clients: flags.clients,
          watchers: flags.watchers, seconds: flags.seconds,
        },
        goal: flags.goal,
        budgetMs: flags.budget,
        parent: flags.dir,
        out: flags.out === '' ? `raftring-tune-${stamp(nowMs())}` : flags.out,
        isJson: flags.json,
        nowMs,
        pause,
        onInterrupt: (end) => {
          process.once('SIGINT', end)
          process.once('SIGTERM', end)
        },
      }, print)))
}

function addProfile(program: Command, { print, nowMs }: ViewContext, report: Report): void {
  withServer(program.command('profile'))
    .description('writes where the time of a server goes: CPU profiles of its threads and a report to look at')
    .option('--seconds <count>', 'how long to look', seconds, 10)
    .option('--out <directory>', 'where the files go', '')
    .action((flags: ServerFlags & { seconds: number; out: string }) =>
      report(profile({
        ...serverOf(flags),
        seconds: flags.seconds,
        out: flags.out === '' ? `raftring-profile-${stamp(nowMs())}` : flags.out,
        nowMs,
        pause,
      }, print)))
}

function addTop(program: Command, { print, nowMs }: ViewContext, report: Report): void {
  withServer(program.command('top'))
    .description('shows what a server does: rates, stages of requests, batches, threads, rings')
    .option('--interval <duration>', 'time between two views', duration, 2000)
    .option('--once', 'one view, after one interval', false)
    .option('--json', 'a line of JSON for each view', false)
    .option('--all', 'rings without traffic, too', false)
    .action((flags: ServerFlags & { interval: number; once: boolean; json: boolean; all: boolean }) =>
      report(top({
        ...serverOf(flags),
        intervalMs: flags.interval,
        isOnce: flags.once,
        isJson: flags.json,
        isWhole: flags.all,
        nowMs,
      }, openTerminal(print))))
}

export function withServer(command: Command): Command {
  return command
    .addOption(new Option('--endpoints <url>', 'the server to look at').default('127.0.0.1:2379'))
    .option('--dial-timeout <duration>', 'how long to wait for an answer', duration, TIMEOUT_MS)
    .option('--cacert <file>', 'certificates to trust', '')
    .option('--cert <file>', "the client's certificate", '')
    .option('--key <file>', "the client's key", '')
    .option('--insecure-skip-tls-verify', "takes any server's certificate", false)
}

export function serverOf(flags: ServerFlags): PageServer {
  return {
    endpoint: flags.endpoints,
    timeoutMs: flags.dialTimeout,
    caFile: flags.cacert,
    certFile: flags.cert,
    keyFile: flags.key,
    insecureSkipVerify: flags.insecureSkipTlsVerify,
  }
}

function whole(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError('not a whole number')
  return value
}

function count(text: string): number {
  const value = whole(text)
  if (value === 0) throw new InvalidArgumentError('at least 1')
  return value
}

function percentage(text: string): number {
  const value = whole(text)
  if (value > 100) throw new InvalidArgumentError('at most 100')
  return value
}

function seconds(text: string): number {
  const value = Number(text)
  if (!(value >= 1 && value <= SECONDS_MAX)) throw new InvalidArgumentError(`not a number from 1 to ${SECONDS_MAX}`)
  return value
}

/** 20260131-235959 */
function stamp(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

export function duration(text: string): number {
  const ms = parseDurationMs(text)
  if (ms === null || ms <= 0) throw new InvalidArgumentError('not a duration such as 2s')
  return ms
}
