/**
 * The command line of a script that a person runs: typed values, `--help` on stdout, and refusals that name what is
 * wrong. A script asks for its options before it does anything else.
 */

import { relative } from 'node:path'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'

interface Described {
  /** Only a script with a usage of its own goes without. */
  readonly text?: string
  /** What stands for the value in the usage. */
  readonly value?: string
  /** Stands for the default in the usage, where that is another one each time. */
  readonly shown?: string
  /** The variable of the environment that is looked at when the option is not given. */
  readonly env?: string
}

/** `count` is a whole number; both are at least `min`, which is 0 unless said otherwise. */
export interface NumberOption extends Described {
  readonly type: 'count' | 'number'
  readonly default?: number
  readonly min?: number
  readonly max?: number
}

export interface TextOption extends Described {
  readonly type: 'text'
  readonly default?: string
  readonly choices?: readonly string[]
  /** One of these has to contain it. */
  readonly partOf?: readonly string[]
}

/** `list` is separated by commas; `flags`, separated by spaces, are handed on to a server and may begin with dashes. */
export interface ListOption extends Described {
  readonly type: 'list' | 'flags'
  readonly choices?: readonly string[]
  readonly partOf?: readonly string[]
}

export interface SwitchOption extends Described {
  readonly type: 'switch'
}

export type OptionSpec = NumberOption | TextOption | ListOption | SwitchOption

export type OptionSpecs = Readonly<Record<string, OptionSpec>>

export interface WordsSpec {
  readonly names: string
  readonly text?: string
  /** How many, at least and at most. */
  readonly min?: number
  readonly max?: number
  /** Each must be a number above 0. */
  readonly kind?: 'numbers'
}

export interface ScriptSpec<O extends OptionSpecs> {
  /** What the script does, in a line or two. */
  readonly does: string
  /** How it is run, where that is not `node dist/...`. */
  readonly command?: string
  readonly options?: O
  /** What may stand beside the options, as the usage has it; without it nothing may. */
  readonly words?: WordsSpec
  /** Instead of the usage that is made of all this. */
  readonly usage?: string
}

type OrNull<S> = S extends { readonly default: string | number } ? never : null

type ValueOf<S> = S extends { readonly type: 'switch' }
  ? boolean
  : S extends { readonly type: 'list' | 'flags' }
    ? readonly string[]
    : S extends { readonly type: 'count' | 'number' }
      ? number | OrNull<S>
      : S extends { readonly choices: readonly (infer C)[] }
        ? C | OrNull<S>
        : string | OrNull<S>

export type ScriptValues<O extends OptionSpecs> = { readonly [K in keyof O]: ValueOf<O[K]> }

export interface ScriptLine<O extends OptionSpecs> {
  readonly values: ScriptValues<O>
  readonly words: readonly string[]
}

export type ScriptResult<O extends OptionSpecs> =
  | ({ readonly kind: 'line' } & ScriptLine<O>)
  | { readonly kind: 'help'; readonly usage: string }
  | { readonly kind: 'refused'; readonly message: string }

type Value = string | number | boolean | readonly string[] | null

const EXIT_USAGE = 2
const PLACEHOLDERS = { count: 'N', number: 'N', text: 'TEXT', list: 'A,B', flags: '"..."' } as const

/** What this process was started with. It ends here when that is a question, or nothing that the script can take. */
export function scriptOptions<const O extends OptionSpecs = {}>(spec: ScriptSpec<O>): ScriptLine<O> {
  const command = spec.command ?? `node ${relative(process.cwd(), process.argv[1] ?? '')}`
  const result = readScriptLine({ ...spec, command }, process.argv.slice(2), process.env)
  if (result.kind === 'line') return result
  if (result.kind === 'help') process.stdout.write(`${result.usage.trimEnd()}\n`)
  else process.stderr.write(`${result.message}\n--help tells what can be given\n`)
  process.exit(result.kind === 'help' ? 0 : EXIT_USAGE)
}

export function readScriptLine<const O extends OptionSpecs>(
  spec: ScriptSpec<O>, argv: readonly string[], env: Readonly<Record<string, string | undefined>>,
): ScriptResult<O> {
  let usage = ''
  try {
    const { program, options } = programOf(spec)
    program.configureOutput({ writeOut: (text) => void (usage += text), outputError: () => undefined }).exitOverride()
    program.parse(argv, { from: 'user' })
    const values = options.map(({ name, attribute, spec: option }) => {
      const isGiven = program.getOptionValueSource(attribute) !== 'default'
      return [name, (isGiven ? null : fromEnvironment(option, env)) ?? (program.getOptionValue(attribute) as Value)]
    })
    const words = program.args
    const problem = problemOfWords(spec.words, words)
    if (problem !== null) return { kind: 'refused', message: problem }
    return { kind: 'line', values: Object.fromEntries(values) as ScriptValues<O>, words }
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code === 'commander.helpDisplayed') return { kind: 'help', usage: spec.usage ?? usage }
    return { kind: 'refused', message: error.message.replace(/^error: /, '') }
  }
}

interface ProgramOption {
  readonly name: string
  /** Under which the program has its value. */
  readonly attribute: string
  readonly spec: OptionSpec
}

function programOf(
  spec: ScriptSpec<OptionSpecs>,
): { readonly program: Command; readonly options: readonly ProgramOption[] } {
  const { words } = spec
  const program = new Command(spec.command ?? '')
    .usage(words === undefined ? '[options]' : `[options] ${words.names}`)
    .description(words === undefined ? spec.does : `${spec.does}\n\n${words.names}: ${words.text ?? ''}`)
    .helpOption('-h, --help', 'this text')
    .allowExcessArguments(words !== undefined)
  const options = Object.entries(spec.options ?? {}).map(([name, one]) => {
    const option = optionOf(name, one)
    program.addOption(option)
    return { name, attribute: option.attributeName(), spec: one }
  })
  return { program, options }
}

function optionOf(name: string, spec: OptionSpec): Option {
  const { text = '', shown, env } = spec
  if (spec.type === 'switch') return new Option(`--${name}`, text).default(false, 'off')
  const note = env === undefined ? text : `${text} (or ${env} of the environment)`
  const option = new Option(`--${name} <${spec.value ?? PLACEHOLDERS[spec.type]}>`, note)
  if (spec.type === 'text' && spec.choices !== undefined) option.choices(spec.choices)
  else option.argParser((given) => readValue(spec, given))
  const value = defaultOf(spec)
  return option.default(value, shown ?? (value === null || value === '' ? 'none' : undefined))
}

/** Null when the environment says nothing. */
function fromEnvironment(spec: OptionSpec, env: Readonly<Record<string, string | undefined>>): Value {
  const variable = spec.env ?? ''
  const given = env[variable] ?? ''
  if (given === '' || spec.type === 'switch') return null
  try {
    return readValue(spec, given)
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw new InvalidArgumentError(`${variable} of the environment: ${error.message}`)
  }
}

function defaultOf(spec: Exclude<OptionSpec, SwitchOption>): Value {
  switch (spec.type) {
    case 'list':
    case 'flags': return []
    case 'count':
    case 'number':
    case 'text': return spec.default ?? null
  }
}

function readValue(spec: Exclude<OptionSpec, SwitchOption>, text: string): Value {
  switch (spec.type) {
    case 'count':
    case 'number': return readNumber(spec, text)
    case 'text': return checkItems(spec, [text])[0] as string
    case 'list': return checkItems(spec, text.split(',').filter((item) => item !== ''))
    case 'flags': return checkItems(spec, text.split(' ').filter((item) => item !== ''))
  }
}

function readNumber({ type, min = 0, max = Infinity }: NumberOption, text: string): number {
  const value = text.trim() === '' ? NaN : Number(text)
  if (!Number.isFinite(value)) throw new InvalidArgumentError('It is no number.')
  if (type === 'count' && !Number.isSafeInteger(value)) throw new InvalidArgumentError('It is no whole number.')
  if (value < min) throw new InvalidArgumentError(`It is less than ${min}.`)
  if (value > max) throw new InvalidArgumentError(`It is more than ${max}.`)
  return value
}

function checkItems({ choices, partOf }: TextOption | ListOption, items: readonly string[]): readonly string[] {
  for (const item of items) {
    if (choices?.includes(item) === false) {
      throw new InvalidArgumentError(`${quoted(item)} is none of ${choices.join(', ')}.`)
    }
    if (partOf?.some((name) => name.includes(item)) === false) {
      throw new InvalidArgumentError(`${quoted(item)} is part of none of ${partOf.map(quoted).join(', ')}.`)
    }
  }
  return items
}

function problemOfWords(wanted: WordsSpec | undefined, words: readonly string[]): string | null {
  if (wanted === undefined) return null
  const max = wanted.max ?? Infinity
  if (words.length > max) return `unexpected ${quoted(words[max] ?? '')}`
  if (words.length < (wanted.min ?? 0)) return `missing: ${wanted.names}`
  if (wanted.kind !== 'numbers') return null
  const strange = words.find((word) => !(Number(word) > 0 && Number(word) < Infinity))
  return strange === undefined ? null : `${wanted.names}: ${quoted(strange)} is no number above 0`
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
