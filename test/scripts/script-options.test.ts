/** The command line of scripts: what is given, what is not, and what each refusal says. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readScriptLine, type ScriptLine } from '../../scripts/support/script-options.js'

const SPEC = {
  does: 'Does something.',
  words: { names: 'A [B]', min: 1, max: 2, text: 'what it is done to' },
  options: {
    rounds: { type: 'count', default: 20, min: 1, max: 100, env: 'ROUNDS', text: 'how many' },
    share: { type: 'number', default: 0.3, text: 'of the peak' },
    rate: { type: 'number', text: 'a second' },
    seed: { type: 'count', default: 4711, shown: 'new each time', text: 'repeats a run' },
    kind: { type: 'text', choices: ['raftring', 'etcd'], default: 'raftring', text: 'the server' },
    'data-dir': { type: 'text', value: 'DIRECTORY', text: 'where data goes' },
    only: { type: 'list', choices: ['disk', 'partition'], text: 'these alone' },
    load: { type: 'text', partOf: ['put of 256 B', 'range'], default: '', text: 'part of its name' },
    flags: { type: 'flags', text: 'for the server' },
    json: { type: 'switch', text: 'as JSON' },
  },
} as const

const DEFAULTS = {
  rounds: 20, share: 0.3, rate: null, seed: 4711, kind: 'raftring', 'data-dir': null, only: [], load: '', flags: [],
  json: false,
}

function lineOf(argv: readonly string[], env: Record<string, string> = {}): ScriptLine<typeof SPEC.options> {
  const result = readScriptLine(SPEC, argv, env)
  assert.equal(result.kind, 'line', JSON.stringify(result))
  return result as ScriptLine<typeof SPEC.options>
}

test('what is not given has its default, or is null, empty or false', () => {
  assert.deepEqual(lineOf(['x']).values, DEFAULTS)
})

test('values have the type of their option, behind a space or an equals sign, and the last one holds', () => {
  const { values, words } = lineOf([
    '--rounds', '7', 'x', '--rounds=8', '--share', '.5', '--rate=1e3', '--kind', 'etcd', '--data-dir', 'a=b',
    '--only', 'disk,partition', '--load', 'put of', '--json', 'y', '--seed=0',
  ])
  assert.deepEqual(values, {
    rounds: 8, share: 0.5, rate: 1000, seed: 0, kind: 'etcd', 'data-dir': 'a=b', only: ['disk', 'partition'],
    load: 'put of', flags: [], json: true,
  })
  assert.deepEqual(words, ['x', 'y'])
})

test('flags for a server may begin with dashes, and may ask for help that is not ours', () => {
  assert.deepEqual(lineOf(['x', '--flags', '--a=b  --c d']).values.flags, ['--a=b', '--c', 'd'])
  assert.deepEqual(lineOf(['x', '--flags', '--help']).values.flags, ['--help'])
})

test('all that follows two dashes is words', () => {
  assert.deepEqual(lineOf(['--json', '--', '--rounds', '--help']).words, ['--rounds', '--help'])
})

test('the environment counts where the option is not given', () => {
  assert.equal(lineOf(['x'], { ROUNDS: '3' }).values.rounds, 3)
  assert.equal(lineOf(['x'], { ROUNDS: '' }).values.rounds, 20)
  assert.equal(lineOf(['x', '--rounds', '4'], { ROUNDS: '3' }).values.rounds, 4)
  assert.equal(lineOf(['x', '--rounds', '4'], { ROUNDS: 'many' }).values.rounds, 4)
})

test('help is given in both spellings, also where words are missing', () => {
  for (const argv of [['--help'], ['-h'], ['--json', 'x', '--help']]) {
    const result = readScriptLine({ ...SPEC, command: 'node dist/x.js' }, argv, {})
    assert.ok(result.kind === 'help' && result.usage.startsWith('Usage: node dist/x.js [options] A [B]\n'))
  }
})

const REFUSALS: readonly (readonly [argv: readonly string[], message: RegExp, env?: Record<string, string>])[] = [
  [['x', '--bogus'], /^unknown option '--bogus'/],
  [['x', '--bogus=1'], /^unknown option '--bogus/],
  [['x', '--round', '1'], /^unknown option '--round'\s+\(Did you mean --rounds\?\)/],
  [['x', '-j'], /^unknown option '-j'/],
  [['x', '--rounds'], /^option '--rounds <N>' argument missing$/],
  [['x', '--rounds', '--json'], /'--rounds <N>' argument '--json' is invalid. It is no number/],
  [['x', '--rounds='], /'--rounds <N>' argument '' is invalid. It is no number/],
  [['x', '--rounds', 'ten'], /'--rounds <N>' argument 'ten' is invalid. It is no number/],
  [['x', '--rate', 'Infinity'], /It is no number/],
  [['x', '--rounds', '1.5'], /'--rounds <N>' argument '1.5' is invalid. It is no whole number/],
  [['x', '--rounds', '0'], /It is less than 1/],
  [['x', '--rounds', '101'], /It is more than 100/],
  [['x', '--share', '-1'], /'--share <N>' argument '-1' is invalid. It is less than 0/],
  [['x', '--kind', 'consul'], /'--kind <TEXT>' argument 'consul' is invalid. Allowed choices are raftring, etcd/],
  [['x', '--only', 'disk,dusk'], /'--only <A,B>' .*"dusk" is none of disk, partition/],
  [['x', '--load', 'delete'], /'--load <TEXT>' .*"delete" is part of none of "put of 256 B", "range"/],
  [['x'], /^ROUNDS of the environment: It is no number/, { ROUNDS: 'many' }],
  [[], /^missing: A \[B\]$/],
  [['x', 'y', 'z'], /^unexpected "z"$/],
]

test('what cannot be taken is refused by its name', () => {
  for (const [argv, message, env] of REFUSALS) {
    const result = readScriptLine(SPEC, argv, env ?? {})
    assert.ok(result.kind === 'refused', argv.join(' '))
    assert.match(result.message, message)
  }
})

test('words are refused where none are wanted, and where they are to be numbers', () => {
  assert.equal(readScriptLine({ does: '' }, ['x'], {}).kind, 'refused')
  const counted = { does: '', words: { names: '[KEYS]', kind: 'numbers', text: '' } } as const
  for (const word of ['x', '0', '']) {
    const message = `[KEYS]: ${JSON.stringify(word)} is no number above 0`
    assert.deepEqual(readScriptLine(counted, [word], {}), { kind: 'refused', message })
  }
  assert.equal(readScriptLine(counted, ['12'], {}).kind, 'line')
})

test('the usage has each option with its default, what the words are, and where else a value may come from', () => {
  const result = readScriptLine({ ...SPEC, command: 'node dist/x.js' }, ['--help'], {})
  assert.ok(result.kind === 'help')
  const lines = result.usage.split('\n').map((line) => line.trim().replaceAll(/ +/g, ' '))
  for (const line of [
    'Does something.',
    'A [B]: what it is done to',
    '--rounds <N> how many (or ROUNDS of the environment) (default: 20)',
    '--seed <N> repeats a run (default: new each time)',
    '--data-dir <DIRECTORY> where data goes (default: none)',
    '-h, --help this text',
  ]) assert.ok(lines.includes(line), `${line}\n${result.usage}`)
})

test('a script with a usage of its own shows that', () => {
  const result = readScriptLine({ ...SPEC, usage: 'as it was written' }, ['--help'], {})
  assert.deepEqual(result, { kind: 'help', usage: 'as it was written' })
})
