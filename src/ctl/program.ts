/** The commands of raftringctl and their flags, which are etcdutl's and, where a server is asked, etcdctl's. */

import { Command, InvalidArgumentError, Option } from 'commander'
import { loadPackage } from '../base/load-package.js'
import { parseDurationMs } from '../config/duration.js'
import { SERVER_VERSION } from '../config/versions.js'
import { ExitCode, failed, type CommandResult } from './command-result.js'
import { migrate } from './migrate.js'
import type { Print } from './output.js'
import { snapshotHashkv } from './snapshot-hashkv.js'
import { snapshotRestore } from './snapshot-restore.js'
import { snapshotSave } from './snapshot-save.js'
import { snapshotStatus } from './snapshot-status.js'
import { addViewCommands } from './view/view-commands.js'

export interface ProgramContext {
  readonly print: Print
  /** Ends the process. */
  readonly fail: (message: string, exitCode: number) => void
  readonly nowMs: () => number
  readonly random: () => number
}

const DIAL_TIMEOUT_MS = 2000

/** Flags that are there or not there, which etcd's users may also write as `--flag=true`. */
const SWITCHES = /^--(skip-hash-check|mark-compacted|insecure-skip-tls-verify)=(true|false)$/

/** What was typed, in the spelling that the program reads. */
export function normalArguments(typed: readonly string[]): string[] {
  return typed.flatMap((word) => {
    const match = SWITCHES.exec(word)
    if (match === null) return [word]
    return match[2] === 'true' ? [`--${match[1]}`] : []
  })
}

export function buildProgram(context: ProgramContext): Command {
  const program = new Command('raftringctl')
    .description('Tools for raftring: what a server does, snapshots, and directories that come from etcd.')
    .option('-w, --write-out <format>', 'simple, fields, json or table', 'simple')
    // Help that nobody asked for, because no command was given; errors are told by `fail`.
    .configureOutput({ writeErr: (text) => context.print(text.trimEnd()), outputError: () => undefined })
    .exitOverride((error) => {
      if (error.exitCode === 0 || error.code === 'commander.help') process.exit(ExitCode.ok)
      context.fail(error.message.replace(/^error: /, ''), ExitCode.failed)
    })
  const snapshot = program.command('snapshot').description('saves, restores and looks into snapshots')
  addSave(snapshot, context)
  addRestore(snapshot, context)
  addStatus(snapshot, context)
  addHashkv(snapshot, context)
  addHashkv(program, context)
  addMigrate(program, context)
  addViewCommands(program, context, (running) => report(context, running))
  program.command('version').description('says what this is').action(() => {
    context.print(`raftringctl version: ${ownVersion()}`)
    context.print(`API version: ${SERVER_VERSION.split('.').slice(0, 2).join('.')}`)
  })
  return program
}

function addSave(parent: Command, context: ProgramContext): void {
  parent.command('save <file>')
    .description('fetches a snapshot from a server')
    .option('--endpoints <urls>', 'the server to ask, exactly one', list, ['127.0.0.1:2379'])
    .option('--dial-timeout <duration>', 'how long to wait for a connection', duration, DIAL_TIMEOUT_MS)
    .option('--cacert <file>', 'certificates to trust', '')
    .option('--cert <file>', "the client's certificate", '')
    .option('--key <file>', "the client's key", '')
    .option('--insecure-skip-tls-verify', "takes any server's certificate", false)
    .option('--user <name[:password]>', 'who asks', '')
    .option('--password <password>', 'of the user', '')
    .action((file: string, flags: SaveFlags) =>
      report(context, snapshotSave({
        file,
        endpoints: flags.endpoints,
        dialTimeoutMs: flags.dialTimeout,
        caFile: flags.cacert,
        certFile: flags.cert,
        keyFile: flags.key,
        insecureSkipVerify: flags.insecureSkipTlsVerify,
        user: flags.user,
        password: flags.password,
        nowMs: context.nowMs,
      }, context.print)))
}

interface SaveFlags {
  readonly endpoints: readonly string[]
  readonly dialTimeout: number
  readonly cacert: string
  readonly cert: string
  readonly key: string
  readonly insecureSkipTlsVerify: boolean
  readonly user: string
  readonly password: string
}

interface RestoreFlags {
  readonly name: string
  readonly dataDir: string
  readonly walDir: string
  readonly initialCluster: string
  readonly initialClusterToken: string
  readonly initialAdvertisePeerUrls: readonly string[]
  readonly skipHashCheck: boolean
  readonly bumpRevision?: number
  readonly markCompacted: boolean
}

function addRestore(parent: Command, context: ProgramContext): void {
  parent.command('restore <file>')
    .description('makes a data directory from a snapshot, of raftring or of etcd')
    .option('--name <name>', 'name of the member', 'default')
    .option('--data-dir <path>', 'the directory to make (NAME.etcd)', '')
    .option('--wal-dir <path>', 'where its log goes (DATA-DIR/member/wal)', '')
    .option('--initial-cluster <members>', 'all members of the new cluster', 'default=http://localhost:2380')
    .option('--initial-cluster-token <token>', 'makes the new cluster unlike any other', 'etcd-cluster')
    .option('--initial-advertise-peer-urls <urls>', "the member's own", list, ['http://localhost:2380'])
    .option('--skip-hash-check', 'takes a file without a hash, such as a copy of snap/db', false)
    .option('--bump-revision <count>', 'how far to raise the revision, so that none is used twice', count)
    .option('--mark-compacted', 'makes everything before that revision compacted; with --bump-revision', false)
    .addOption(new Option('--initial-memory-map-size <bytes>', 'accepted and not needed').argParser(count).hideHelp())
    .action((file: string, flags: RestoreFlags) => report(context, restoreWith(file, flags, context)))
}

function restoreWith(snapshot: string, flags: RestoreFlags, { print, random }: ProgramContext): CommandResult {
  if ((flags.bumpRevision !== undefined) !== flags.markCompacted) {
    const missing = flags.markCompacted ? 'bump-revision' : 'mark-compacted'
    return failed(
      `if any flags in the group [bump-revision mark-compacted] are set they must all be set; missing [${missing}]`,
    )
  }
  return snapshotRestore({ ...flags, snapshot, bumpRevision: flags.bumpRevision ?? 0, random }, print)
}

function addStatus(parent: Command, context: ProgramContext): void {
  parent.command('status <file>')
    .description('checks a snapshot and says what is in it')
    .action((file: string, _flags: object, command: Command) =>
      report(context, snapshotStatus(file, formatOf(command), context.print)))
}

function addHashkv(parent: Command, context: ProgramContext): void {
  parent.command('hashkv <file>')
    .description('the hash of all keys, as a member that serves them would answer it')
    .option('--rev <revision>', 'up to which revision; 0 is the newest', count, 0)
    .action((file: string, flags: { readonly rev: number }, command: Command) =>
      report(context, snapshotHashkv(file, flags.rev, formatOf(command), context.print)))
}

function addMigrate(parent: Command, context: ProgramContext): void {
  parent.command('migrate')
    .description('turns the data directory of a stopped etcd 3.4 to 3.7 into one of raftring; the original is kept')
    .requiredOption('--data-dir <path>', "etcd's data directory")
    .option('--wal-dir <path>', 'where its log is (DATA-DIR/member/wal)', '')
    .action((flags: { readonly dataDir: string; readonly walDir: string }) =>
      report(context, migrate({ ...flags, random: context.random }, context.print)))
}

function ownVersion(): string {
  return (loadPackage('raftring/package.json') as { readonly version: string }).version
}

async function report(context: ProgramContext, running: CommandResult | Promise<CommandResult>): Promise<void> {
  const result = await running
  if (!result.ok) context.fail(result.message, result.exitCode)
}

function formatOf(command: Command): string {
  return (command.optsWithGlobals() as { readonly writeOut: string }).writeOut
}

function list(text: string): string[] {
  return text.split(',')
}

function count(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError('not a whole number')
  return value
}

function duration(text: string): number {
  const ms = parseDurationMs(text)
  if (ms === null || ms < 0) throw new InvalidArgumentError('not a duration such as 2s')
  return ms
}
