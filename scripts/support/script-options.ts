/**
 * The command line of a script that a person runs: typed values, `--help` on stdout, and refusals that name what is
 * wrong. A script asks for its options before it does anything else.
 */

import { relative } from 'node:path'
import { optionDefault, usageText } from './script-usage.js'

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
  | { readonly kind: 'help' }
  | { readonly kind: 'refused'; readonly message: string }

type Value = string | number | boolean | readonly string[] | null
type Read = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly message: string }

const EXIT_USAGE = 2

/** What this process was started with. It ends here when that is a question, or nothing that the script can take. */
export function scriptOptions<const O extends OptionSpecs = {}>(spec: ScriptSpec<O>): ScriptLine<O> {
  const result = readScriptLine(spec, process.argv.slice(2), process.env)
  if (result.kind === 'line') return result
  const command = spec.command ?? `node ${relative(process.cwd(), process.argv[1] ?? '')}`
  const usage = spec.usage ?? usageText({ ...spec, command })
  if (result.kind === 'help') process.stdout.write(`${usage.trimEnd()}\n`)
  else process.stderr.write(`${result.message}\n\n${usage.trimEnd()}\n`)
  process.exit(result.kind === 'help' ? 0 : EXIT_USAGE)
}

export function readScriptLine<const O extends OptionSpecs>(
  spec: ScriptSpec<O>, argv: readonly string[], env: Readonly<Record<string, string | undefined>>,
): ScriptResult<O> {
  const specs: ReadonlyMap<string, OptionSpec> = new Map(Object.entries(spec.options ?? {}))
  const values = new Map<string, Value>()
  const words: string[] = []
  const refused = (message: string): ScriptResult<O> => ({ kind: 'refused', message })
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? ''
    if (word === '--') {
      words.push(...argv.slice(at + 1))
      break
    }
    if (word === '--help' || word === '-h') return { kind: 'help' }
    if (!word.startsWith('-') || word === '-') {
      words.push(word)
      continue
    }
    const [name, inline] = splitAtEquals(word)
    const option = name.startsWith('--') ? specs.get(name.slice(2)) : undefined
    if (option === undefined) return refused(`unknown option ${name}`)
    if (option.type === 'switch') {
      if (inline !== null) return refused(`${name} takes no value`)
      values.set(name.slice(2), true)
      continue
    }
    const given = inline ?? valueAfter(argv[at + 1], option)
    if (given === null) return refused(`${name} needs a value`)
    if (inline === null) at++
    const read = readValue(option, given)
    if (!read.ok) return refused(`${name}: ${read.message}`)
    values.set(name.slice(2), read.value)
  }
  for (const [name, option] of specs) {
    if (values.has(name)) continue
    const variable = option.env === undefined ? undefined : env[option.env]
    const isGiven = variable !== undefined && variable !== ''
    const read: Read = isGiven ? readValue(option, variable) : { ok: true, value: optionDefault(option) }
    if (!read.ok) return refused(`${option.env} of the environment: ${read.message}`)
    values.set(name, read.value)
  }
  const problem = problemOfWords(spec.words, words)
  if (problem !== null) return refused(problem)
  return { kind: 'line', values: Object.fromEntries(values) as ScriptValues<O>, words }
}

function splitAtEquals(word: string): readonly [string, string | null] {
  const at = word.indexOf('=')
  return at < 0 ? [word, null] : [word.slice(0, at), word.slice(at + 1)]
}

/** The word after an option, unless that is the next option. */
function valueAfter(word: string | undefined, option: OptionSpec): string | null {
  if (word === undefined) return null
  return word.startsWith('--') && option.type !== 'flags' ? null : word
}

function readValue(option: OptionSpec, text: string): Read {
  switch (option.type) {
    case 'switch': return { ok: true, value: text !== '' }
    case 'count':
    case 'number': return readNumber(option, text)
    case 'text': return readItems(option, [text], text)
    case 'list':
    case 'flags': {
      const items = text.split(option.type === 'list' ? ',' : ' ').filter((item) => item !== '')
      return readItems(option, items, items)
    }
  }
}

function readNumber({ type, min = 0, max = Infinity }: NumberOption, text: string): Read {
  const value = text.trim() === '' ? NaN : Number(text)
  if (!Number.isFinite(value)) return { ok: false, message: `${quoted(text)} is no number` }
  if (type === 'count' && !Number.isSafeInteger(value)) return { ok: false, message: `${text} is no whole number` }
  if (value < min) return { ok: false, message: `${text} is less than ${min}` }
  if (value > max) return { ok: false, message: `${text} is more than ${max}` }
  return { ok: true, value }
}

function readItems({ choices, partOf }: TextOption | ListOption, items: readonly string[], value: Value): Read {
  for (const item of items) {
    if (choices?.includes(item) === false) {
      return { ok: false, message: `${quoted(item)} is none of ${choices.join(', ')}` }
    }
    if (partOf?.some((name) => name.includes(item)) === false) {
      return { ok: false, message: `${quoted(item)} is part of none of ${partOf.map(quoted).join(', ')}` }
    }
  }
  return { ok: true, value }
}

function problemOfWords(wanted: WordsSpec | undefined, words: readonly string[]): string | null {
  const max = wanted === undefined ? 0 : (wanted.max ?? Infinity)
  if (words.length > max) return `unexpected ${quoted(words[max] ?? '')}`
  if (wanted === undefined) return null
  if (words.length < (wanted.min ?? 0)) return `missing: ${wanted.names}`
  if (wanted.kind !== 'numbers') return null
  const strange = words.find((word) => !(Number(word) > 0 && Number(word) < Infinity))
  return strange === undefined ? null : `${wanted.names}: ${quoted(strange)} is no number above 0`
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
