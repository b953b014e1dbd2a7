/** Flags and config files under random input: what is written is what is read, and nothing at all makes it throw. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { conclude } from '../../src/config/config.js'
import { readFlags, type FileReader, type FlagsResult } from '../../src/config/flags.js'
import { OPTIONS } from '../../src/config/options/options.js'
import { PLAIN_OPTIONS, settings, valueOf, written, type Setting } from './option-arbitraries.js'

const RUNS = { numRuns: 500 }

function valuesOf(result: FlagsResult): ReadonlyMap<string, string> {
  if (!result.ok) assert.fail(result.message)
  if ('print' in result) assert.fail(`it wants to print ${result.print}`)
  return result.raw.values
}

function expected(given: readonly Setting[]): Map<string, string> {
  const values = new Map(OPTIONS.map((spec) => [spec.name, spec.default]))
  for (const { spec, value } of given) values.set(spec.name, value)
  return values
}

test('however flags are written, the last of each counts', () => {
  const ways = fc.array(fc.tuple(fc.constantFrom('-' as const, '--' as const), fc.boolean()), { minLength: 12 })
  fc.assert(
    fc.property(settings, ways, (given, how) => {
      const argv = given.flatMap((it, i) => written(it, how[i]?.[0] ?? '--', how[i]?.[1] ?? false))
      assert.deepEqual(valuesOf(readFlags(argv, {})), expected(given))
    }),
    RUNS,
  )
})

test('flags and variables together give what flags alone would', () => {
  fc.assert(
    fc.property(settings, fc.integer({ min: 0, max: 12 }), (given, split) => {
      const byName = [...new Map(given.map((it) => [it.spec.name, it])).values()]
      const [asFlags, asVariables] = [byName.slice(0, split), byName.slice(split).filter(({ value }) => value !== '')]
      // A name with a dot has no variable in etcd.
      const named = asVariables.filter(({ spec }) => !spec.name.includes('.'))
      const environment = Object.fromEntries(
        named.map(({ spec, value }) => [`ETCD_${spec.name.toUpperCase().replaceAll('-', '_')}`, value]),
      )
      const argv = asFlags.flatMap((it) => written(it, '--', false))
      assert.deepEqual(valuesOf(readFlags(argv, environment)), expected([...asFlags, ...named]))
    }),
    RUNS,
  )
})

test('a config file says the same as flags, as YAML and as JSON', () => {
  const once = fc.uniqueArray(
    fc.constantFrom(...PLAIN_OPTIONS).chain((spec) => valueOf(spec).map((value) => ({ spec, value }))),
    { selector: ({ spec }) => spec.name, maxLength: 12 },
  )
  fc.assert(
    fc.property(once, fc.boolean(), (given, isJson) => {
      const content = Object.fromEntries(given.map(({ spec, value }) => [spec.name, typed(spec.kind, value)]))
      const text = isJson ? JSON.stringify(content) : stringify(content)
      const readFile: FileReader = () => ({ ok: true, text })
      const values = valuesOf(readFlags(['--config-file=x'], {}, readFile))
      for (const { spec, value } of given) {
        const read = values.get(spec.name)
        if (spec.kind === 'bool') assert.equal(/^(1|t|true)$/i.test(read ?? ''), /^(1|t|true)$/i.test(value))
        else assert.equal(read, value, spec.name)
      }
    }),
    RUNS,
  )
})

/** As somebody would write it in a file: truth values and numbers without quotes. */
function typed(kind: string, value: string): unknown {
  if (kind === 'bool') return /^(1|t|true)$/i.test(value)
  return kind === 'count' || kind === 'integer' || kind === 'size' ? Number(value) : value
}

test('no command line makes reading throw; a refusal has one line and an exit code of Go', () => {
  const names = fc.constantFrom(...OPTIONS.map(({ name }) => name), 'nonsense', 'experimental-max-learners')
  const words = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    names.map((name) => `--${name}`),
    fc.tuple(names, fc.string()).map(([name, value]) => `-${name}=${value}`),
  )
  fc.assert(
    fc.property(fc.array(words, { maxLength: 8 }), fc.dictionary(names, fc.string()), (argv, variables) => {
      const environment = Object.fromEntries(
        Object.entries(variables).map(([name, value]) => [`ETCD_${name.toUpperCase().replaceAll('-', '_')}`, value]),
      )
      const result = readFlags(argv, environment, () => ({ ok: false, message: 'not there' }))
      if (!result.ok) assert.ok(result.exitCode === 1 || result.exitCode === 2)
      else if ('raw' in result) assert.equal(typeof conclude(result.raw, 2).ok, 'boolean')
    }),
    { numRuns: 600 },
  )
})

test('no config file makes reading throw', () => {
  const keys = fc.constantFrom(
    ...OPTIONS.map(({ name }) => name), 'client-transport-security', 'discovery-config', 'unknown',
  )
  const files = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.dictionary(keys, fc.anything()).map((content) => {
      try {
        return stringify(content)
      } catch {
        return '{'
      }
    }),
    fc.dictionary(keys, fc.jsonValue()).map((content) => JSON.stringify(content)),
  )
  fc.assert(
    fc.property(files, (text) => {
      const result = readFlags(['--config-file=x'], {}, () => ({ ok: true, text }))
      if (result.ok && 'raw' in result) assert.equal(typeof conclude(result.raw, 2).ok, 'boolean')
      else assert.ok(!result.ok && result.message.startsWith('config file x: '))
    }),
    { numRuns: 600 },
  )
})
