/**
 * Raw options from the command line, the environment or a config file, with etcd's rules of which counts: a config file
 * stands alone; a flag beside its own environment variable is an error.
 */

import { distance } from 'fastest-levenshtein'
import { experimentalNames, meaningOf } from './experimental.js'
import { readGoArguments, type GoFlagKind } from './go-arguments.js'
import { OptionCollector } from './option-collector.js'
import type { RawOptions } from './option-values.js'
import { OPTIONS } from './options/options.js'
import { readFileOptions } from './yaml-config.js'

export type FlagsResult =
  | { readonly ok: true; readonly raw: RawOptions }
  | { readonly ok: true; readonly print: 'help' | 'version' }
  | { readonly ok: false; readonly message: string; readonly exitCode: number }

/** The text of a config file, or why it cannot be read. */
export type FileReader = (
  path: string,
) => { readonly ok: true; readonly text: string } | { readonly ok: false; readonly message: string }

type Environment = Readonly<Record<string, string | undefined>>

const ENV_PREFIX = 'ETCD_'
/** Environment names that are no options but belong to etcd's own tools. */
const ENV_KNOWN = new Set(['ETCD_UNSUPPORTED_ARCH', 'ETCD_VERIFY', 'ETCD_CLIENT_DEBUG'])
/** Other programs that etcd's first argument can name. */
const OTHER_PROGRAMS: ReadonlyMap<string, string> = new Map([
  ['gateway', 'the TCP gateway'],
  ['grpc-proxy', 'the gRPC proxy'],
])

const EXIT_USAGE = 2
const EXIT_FAILED = 1

export function environmentName(option: string): string {
  return ENV_PREFIX + option.toUpperCase().replaceAll('-', '_')
}

export function readFlags(argv: readonly string[], environment: Environment, readFile?: FileReader): FlagsResult {
  const program = OTHER_PROGRAMS.get(argv[0] ?? '')
  if (program !== undefined) {
    return failed(`${argv[0]}: ${program} is out of scope of raftring; use etcd's own`, EXIT_FAILED)
  }
  const options = new OptionCollector()
  const refused = readArguments(argv, options)
  if (refused !== null) return refused
  const path = options.given('config-file') ? options.text('config-file') : (environment['ETCD_CONFIG_FILE'] ?? '')
  if (path !== '') return readConfigFile(path, readFile)
  const problem = readEnvironment(environment, options)
  return problem === null ? finish(options) : failed(problem, EXIT_FAILED)
}

/** Null when all arguments were taken. */
function readArguments(argv: readonly string[], options: OptionCollector): FlagsResult | null {
  const read = readGoArguments(argv, flagKind)
  if (!read.ok) return failed(read.message, EXIT_USAGE)
  for (const { name, value } of read.flags) {
    if (name === 'help' || name === 'h') return { ok: true, print: 'help' }
    const meaning = meaningOf(name)
    if (meaning === null) return unknownFlag(name)
    const isBool = meaning.kind === 'gate' || meaning.spec.kind === 'bool'
    const text = value ?? (isBool ? 'true' : '')
    const set = options.set(name, meaning, text)
    if (!set.ok) return failed(`invalid value "${text}" for flag --${name}: ${set.problem}`, EXIT_USAGE)
  }
  if (read.rest[0] !== undefined) return failed(`'${read.rest[0]}' is not a valid flag`, EXIT_FAILED)
  return /^(true|1|t)$/i.test(options.text('version')) ? { ok: true, print: 'version' } : null
}

function flagKind(name: string): GoFlagKind {
  if (name === 'help' || name === 'h') return 'bare'
  const meaning = meaningOf(name)
  if (meaning === null) return 'unknown'
  if (meaning.kind === 'gate') return 'bare'
  return meaning.spec.kind === 'bool' || meaning.spec.kind === 'ignored' ? 'bare' : 'value'
}

/** Null when all variables were taken. */
function readEnvironment(environment: Environment, options: OptionCollector): string | null {
  const variables = Object.entries(environment).filter(([name]) => name.startsWith(ENV_PREFIX))
  const fromFlags = new Set(OPTIONS.filter(({ name }) => options.given(name)).map(({ name }) => name))
  for (const [variable, value] of variables) {
    if (value === undefined || value === '' || ENV_KNOWN.has(variable)) continue
    if (variable === 'ETCD_VERSION') {
      options.warn('ETCD_VERSION in the environment is ignored')
      continue
    }
    const name = variable.slice(ENV_PREFIX.length).toLowerCase().replaceAll('_', '-')
    const meaning = meaningOf(name)
    if (meaning === null) {
      options.warn(`unrecognized environment variable ${variable}=${value}`)
      continue
    }
    if (meaning.kind === 'option' && fromFlags.has(meaning.spec.name)) {
      return (
        `conflicting environment variable "${variable}" is shadowed by corresponding command-line flag ` +
        `"--${meaning.spec.name}" (either unset environment variable or disable flag)`
      )
    }
    const set = options.set(name, meaning, value)
    if (!set.ok) return `invalid value "${value}" for ${variable}: ${set.problem}`
  }
  return null
}

function readConfigFile(path: string, readFile: FileReader | undefined): FlagsResult {
  if (readFile === undefined) return failed('a config file cannot be read here', EXIT_FAILED)
  const read = readFile(path)
  if (!read.ok) return failed(`config file ${path}: ${read.message}`, EXIT_FAILED)
  // Nothing of the flags stays.
  const options = new OptionCollector()
  options.warn(`the configuration is that of ${path}; all other flags and environment variables are ignored`)
  const problem = readFileOptions(read.text, options)
  return problem === null ? finish(options) : failed(`config file ${path}: ${problem}`, EXIT_FAILED)
}

function finish(options: OptionCollector): FlagsResult {
  const finished = options.finish()
  return finished.ok ? { ok: true, raw: finished.raw } : failed(finished.problem, EXIT_FAILED)
}

function unknownFlag(name: string): FlagsResult {
  const known = [...OPTIONS.map((spec) => spec.name), ...(name.startsWith('exp') ? experimentalNames() : [])]
  const nearest = known.map((it) => ({ name: it, far: distance(it, name) })).sort((a, b) => a.far - b.far)[0]
  const hint =
    nearest !== undefined && nearest.far <= Math.max(3, name.length / 3)
      ? `; did you mean --${nearest.name}?`
      : '; --help lists all flags'
  return failed(`flag provided but not defined: --${name}${hint}`, EXIT_USAGE)
}

function failed(message: string, exitCode: number): FlagsResult {
  return { ok: false, message, exitCode }
}
