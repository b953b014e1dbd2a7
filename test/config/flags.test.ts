/** Flags and environment: etcd's ways of writing them, and clear refusals of what cannot be meant. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseDurationMs } from '../../src/config/duration.js'
import { environmentName, readFlags } from '../../src/config/flags.js'
import { isTrue } from '../../src/config/option-values.js'
import { OPTIONS } from '../../src/config/options/options.js'

type Environment = Readonly<Record<string, string>>

/** The values that were read; fails when reading was refused. */
function values(argv: readonly string[], environment: Environment = {}): ReadonlyMap<string, string> {
  const result = readFlags(argv, environment)
  if (!result.ok) assert.fail(result.message)
  if ('print' in result) assert.fail(`it wants to print ${result.print}`)
  return result.raw.values
}

function refusal(argv: readonly string[], environment: Environment = {}): { message: string; exitCode: number } {
  const result = readFlags(argv, environment)
  if (result.ok) assert.fail('it was accepted')
  return { message: result.message, exitCode: result.exitCode }
}

test('without flags every option has its default', () => {
  const read = values([])
  assert.equal(read.size, OPTIONS.length)
  for (const { name, default: value } of OPTIONS) assert.equal(read.get(name), value)
})

test('every default is a value that its own option accepts', () => {
  for (const { name, default: value, kind } of OPTIONS) {
    const argv = kind === 'bool' || kind === 'ignored' ? [`--${name}=${value}`] : [`--${name}`, value]
    assert.equal(values(argv).get(name), value)
  }
})

test('no option is declared twice', () => {
  assert.equal(new Set(OPTIONS.map(({ name }) => name)).size, OPTIONS.length)
})

test('one dash or two, an equals sign or a space, all mean the same', () => {
  for (const argv of [['--name', 'n1'], ['--name=n1'], ['-name', 'n1'], ['-name=n1']]) {
    assert.equal(values(argv).get('name'), 'n1', argv.join(' '))
  }
})

test('the last of repeated flags wins', () => {
  assert.equal(values(['--name=a', '--name', 'b']).get('name'), 'b')
})

test('a value may begin with a dash and may be empty', () => {
  assert.equal(values(['--name', '--data-dir']).get('name'), '--data-dir')
  assert.equal(values(['--wal-dir=']).get('wal-dir'), '')
})

test('a truth value stands alone or after an equals sign, and never takes the next word', () => {
  assert.equal(values(['--unsafe-no-fsync', '--name', 'n1']).get('unsafe-no-fsync'), 'true')
  assert.equal(values(['--unsafe-no-fsync=false']).get('unsafe-no-fsync'), 'false')
  assert.equal(refusal(['--unsafe-no-fsync', 'false']).message, "'false' is not a valid flag")
  assert.equal(refusal(['--unsafe-no-fsync=maybe']).exitCode, 2)
  assert.deepEqual(['true', '1', 't', 'T', 'TRUE', 'false', '0', ''].map(isTrue),
    [true, true, true, true, true, false, false, false])
})

test('an unknown flag is refused with the nearest known one', () => {
  assert.deepEqual(refusal(['--listen-client-url', 'x']), {
    message: 'flag provided but not defined: --listen-client-url; did you mean --listen-client-urls?',
    exitCode: 2,
  })
  assert.match(refusal(['--data-dri=/x']).message, /did you mean --data-dir\?/)
  assert.match(refusal(['--actor-thread', 'shared']).message, /did you mean --actor-threads\?/)
  assert.match(refusal(['--nothing-like-any-of-them=1']).message, /--help lists all flags$/)
})

test('a word that is no flag is refused', () => {
  assert.deepEqual(refusal(['serve']), { message: "'serve' is not a valid flag", exitCode: 1 })
})

test('a flag without its value is refused', () => {
  assert.deepEqual(refusal(['--name']), { message: 'flag needs an argument: --name', exitCode: 2 })
})

test('help and version ask to be printed', () => {
  for (const argv of [['--help'], ['-h'], ['--name', 'x', '-help']]) {
    assert.deepEqual(readFlags(argv, {}), { ok: true, print: 'help' })
  }
  assert.deepEqual(readFlags(['--version'], {}), { ok: true, print: 'version' })
})

test('numbers, durations and choices are checked where they are read', () => {
  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ['heartbeat-interval', 'ten', /not a whole number/],
    ['max-txn-ops', '0', /less than 1/],
    ['heartbeat-interval', '-1', /not a whole number/],
    ['front-workers', '33', /more than 32/],
    ['max-request-bytes', '99999999999999999999', /out of range/],
    ['grpc-keepalive-interval', '5', /not a duration/],
    ['log-level', 'loud', /not one of debug, info/],
    ['actor-threads', 'many', /not one of auto, shared, dedicated, inline/],
  ]
  for (const [name, value, expected] of wrong) {
    const { message, exitCode } = refusal([`--${name}=${value}`])
    assert.match(message, expected)
    assert.ok(message.startsWith(`invalid value "${value}" for flag --${name}: `), message)
    assert.equal(exitCode, 2)
  }
})

test('every option can come from the environment', () => {
  assert.equal(environmentName('listen-client-urls'), 'ETCD_LISTEN_CLIENT_URLS')
  for (const { name, default: value } of OPTIONS) {
    if (value === '' || name === 'version') continue
    assert.equal(values([], { [environmentName(name)]: value }).get(name), value)
  }
  assert.equal(values([], { ETCD_NAME: 'from-environment' }).get('name'), 'from-environment')
})

test('an empty variable counts as not set', () => {
  assert.equal(values([], { ETCD_NAME: '' }).get('name'), 'default')
})

test('a flag and its variable together are refused', () => {
  const { message, exitCode } = refusal(['--name=a'], { ETCD_NAME: 'b' })
  assert.match(message, /^conflicting environment variable "ETCD_NAME" is shadowed by .* flag "--name"/)
  assert.equal(exitCode, 1)
})

test('a wrong value in the environment names the variable', () => {
  const { message, exitCode } = refusal([], { ETCD_HEARTBEAT_INTERVAL: 'soon' })
  assert.equal(message, 'invalid value "soon" for ETCD_HEARTBEAT_INTERVAL: not a whole number')
  assert.equal(exitCode, 1)
})

test('an unknown variable is a warning, one that belongs to etcd tools is nothing, others are not looked at', () => {
  const environment = { ETCD_NONSENSE: '1', ETCD_UNSUPPORTED_ARCH: 'arm64', PATH: '/bin' }
  const result = readFlags([], environment)
  assert.ok(result.ok && 'raw' in result)
  assert.deepEqual(result.raw.warnings, ['unrecognized environment variable ETCD_NONSENSE=1'])
})

test('given options are known, so that defaults can depend on them', () => {
  const result = readFlags(['--name=a'], { ETCD_DATA_DIR: '/d' })
  assert.ok(result.ok && 'raw' in result)
  assert.deepEqual([...result.raw.given].toSorted(), ['data-dir', 'name'])
})

test('durations are sums of numbers with units', () => {
  const cases: readonly (readonly [string, number | null])[] = [
    ['300ms', 300], ['1h30m', 5_400_000], ['1.5s', 1500], ['.5s', 500], ['0', 0], ['-2s', -2000], ['+2s', 2000],
    ['1us', 0.001], ['1µs', 0.001], ['5', null], ['', null], ['s', null], ['1d', null], ['1s ', null], ['1s-1s', null],
  ]
  for (const [text, expected] of cases) assert.equal(parseDurationMs(text), expected, text)
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(59), fc.nat(59), fc.nat(999), (h, m, s, ms) => {
      assert.equal(parseDurationMs(`${h}h${m}m${s}s${ms}ms`), ((h * 60 + m) * 60 + s) * 1000 + ms)
    }),
  )
})
