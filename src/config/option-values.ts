/** Texts of options: what is wrong with one on its own, and how sections of the configuration read them. */

import { parseDurationMs } from './duration.js'
import type { OptionSpec } from './options/option-spec.js'
import { OPTIONS } from './options/options.js'
import { parseGates } from './sections/feature-gates.js'
import { parseUrls, type ListenUrl } from './urls.js'

/** Options from flags, environment or file, before they are checked against one another. */
export interface RawOptions {
  /** Text of every option, default included. */
  readonly values: ReadonlyMap<string, string>
  /** Options that were given. */
  readonly given: ReadonlySet<string>
  readonly warnings: readonly string[]
}

export function defaultValues(): Map<string, string> {
  return new Map(OPTIONS.map((spec) => [spec.name, spec.default]))
}

/** What is wrong with a value on its own, or null. */
export function valueProblem(spec: OptionSpec, value: string): string | null {
  switch (spec.kind) {
    case 'bool':
      return /^(true|false|1|0|t|f|T|F|TRUE|FALSE|True|False)$/.test(value) ? null : 'not true or false'
    case 'integer':
      return numberProblem(spec, value, /^[+-]?\d+$/)
    case 'count':
    case 'size':
      return numberProblem(spec, value, /^\d+$/)
    case 'duration':
      return parseDurationMs(value) === null ? 'not a duration such as 300ms or 1h30m' : null
    case 'choice':
      return spec.choices?.includes(value) === true ? null : `not one of ${spec.choices?.join(', ')}`
    case 'urls': {
      // An empty list is for the options that may have none; conclude() knows which.
      const parsed = value === '' ? null : parseUrls(value)
      return parsed === null || parsed.ok ? null : parsed.message
    }
    case 'gates': {
      const parsed = parseGates(value)
      return parsed.ok ? null : parsed.message
    }
    case 'string':
    case 'list':
    case 'ignored':
      return null
  }
}

function numberProblem(spec: OptionSpec, value: string, form: RegExp): string | null {
  if (!form.test(value)) return 'not a whole number'
  const number = Number(value)
  if (!Number.isSafeInteger(number)) return 'value out of range'
  if (spec.min !== undefined && number < spec.min) return `less than ${spec.min}`
  if (spec.max !== undefined && number > spec.max) return `more than ${spec.max}`
  return null
}

export function isTrue(value: string): boolean {
  return /^(true|1|t)$/i.test(value)
}

/** Typed reading of texts that `valueProblem` has found nothing wrong with. */
export class OptionReader {
  readonly #raw: RawOptions

  constructor(raw: RawOptions) {
    this.#raw = raw
  }

  given(name: string): boolean {
    return this.#raw.given.has(name)
  }

  text(name: string): string {
    const value = this.#raw.values.get(name)
    if (value === undefined) throw new Error(`there is no option --${name}`)
    return value
  }

  number(name: string): number {
    return Number(this.text(name))
  }

  /** Of an option whose 0 stands for `fallback`. */
  numberOr(name: string, fallback: number): number {
    return this.number(name) || fallback
  }

  durationMs(name: string): number {
    return parseDurationMs(this.text(name)) ?? 0
  }

  /** Of an option whose 0 stands for `fallbackMs`. */
  durationMsOr(name: string, fallbackMs: number): number {
    return this.durationMs(name) || fallbackMs
  }

  isTrue(name: string): boolean {
    return isTrue(this.text(name))
  }

  /** Comma-separated words; none for an empty text. */
  list(name: string): readonly string[] {
    const text = this.text(name)
    return text === '' ? [] : text.split(',').map((word) => word.trim())
  }

  urls(name: string): readonly ListenUrl[] {
    const text = this.text(name)
    const parsed = text === '' ? null : parseUrls(text)
    return parsed?.ok === true ? parsed.urls : []
  }
}
