/** Random options with values that they accept, and random ways of writing them on a command line. */

import fc from 'fast-check'
import { GATE_NAMES } from '../../src/config/sections/feature-gates.js'
import { OPTIONS } from '../../src/config/options/options.js'
import type { OptionSpec } from '../../src/config/options/option-spec.js'

export interface Setting {
  readonly spec: OptionSpec
  readonly value: string
}

const WORD = fc.string({ minLength: 0, maxLength: 12 })

export function valueOf(spec: OptionSpec): fc.Arbitrary<string> {
  switch (spec.kind) {
    case 'bool':
      return fc.constantFrom('true', 'false', '1', '0', 't', 'f', 'T', 'F', 'TRUE', 'FALSE', 'True', 'False')
    case 'integer':
    case 'count':
    case 'size':
      return fc
        .integer({ min: spec.min ?? (spec.kind === 'integer' ? -1000 : 0), max: spec.max ?? 1_000_000 })
        .map(String)
    case 'duration':
      return fc.tuple(fc.nat(1000), fc.constantFrom('ns', 'us', 'ms', 's', 'm', 'h')).map((parts) => parts.join(''))
    case 'choice':
      return fc.constantFrom(...(spec.choices ?? []))
    case 'urls':
      return fc
        .array(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 3 })
        .map((ports) => ports.map((port) => `http://127.0.0.1:${port}`).join(','))
    case 'gates':
      return fc
        .dictionary(fc.constantFrom(...GATE_NAMES), fc.boolean())
        .map((gates) => Object.entries(gates).map(([name, isOn]) => `${name}=${isOn}`).join(','))
    case 'list':
      return fc.array(fc.stringMatching(/^[a-z*./]{1,8}$/), { maxLength: 4 }).map((words) => words.join(','))
    case 'string':
    case 'ignored':
      return WORD
  }
}

/** Options that read no file and print nothing. */
export const PLAIN_OPTIONS = OPTIONS.filter(({ name }) => name !== 'config-file' && name !== 'version')

export const settings: fc.Arbitrary<Setting[]> = fc.array(
  fc.constantFrom(...PLAIN_OPTIONS).chain((spec) => valueOf(spec).map((value) => ({ spec, value }))),
  { maxLength: 12 },
)

/** How one setting is written: dashes, and an equals sign or a word of its own. */
export function written({ spec, value }: Setting, dashes: '-' | '--', isSplit: boolean): string[] {
  const takesNext = spec.kind !== 'bool' && spec.kind !== 'ignored'
  return isSplit && takesNext ? [`${dashes}${spec.name}`, value] : [`${dashes}${spec.name}=${value}`]
}
