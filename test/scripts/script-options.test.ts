/** The command line of scripts: what is given, what is not, and what each refusal says. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readScriptLine, type ScriptLine } from '../../scripts/support/script-options.js'
import { usageText } from '../../scripts/support/script-usage.js'

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
    assert.deepEqual(readScriptLine(SPEC, argv, {}), { kind: 'help' })
  }
})

const REFUSALS: readonly (readonly [argv: readonly string[], message: string, env?: Record<string, string>])[] = [
  [['x', '--bogus'], 'unknown option --bogus'],
  [['x', '--bogus=1'], 'unknown option --bogus'],
  [['x', '-j'], 'unknown option -j'],
  [['x', '--rounds'], '--rounds needs a value'],
  [['x', '--rounds', '--json'], '--rounds needs a value'],
  [['x', '--rounds='], '--rounds: "" is no number'],
  [['x', '--rounds', 'ten'], '--rounds: "ten" is no number'],
  [['x', '--rate', 'Infinity'], '--rate: "Infinity" is no number'],
  [['x', '--rounds', '1.5'], '--rounds: 1.5 is no whole number'],
  [['x', '--rounds', '0'], '--rounds: 0 is less than 1'],
  [['x', '--rounds', '101'], '--rounds: 101 is more than 100'],
  [['x', '--share', '-1'], '--share: -1 is less than 0'],
  [['x', '--kind', 'consul'], '--kind: "consul" is none of raftring, etcd'],
  [['x', '--only', 'disk,dusk'], '--only: "dusk" is none of disk, partition'],
  [['x', '--load', 'delete'], '--load: "delete" is part of none of "put of 256 B", "range"'],
  [['x', '--json=yes'], '--json takes no value'],
  [['x'], 'ROUNDS of the environment: "many" is no number', { ROUNDS: 'many' }],
  [[], 'missing: A [B]'],
  [['x', 'y', 'z'], 'unexpected "z"'],
]

test('what cannot be taken is refused by its name', () => {
  for (const [argv, message, env] of REFUSALS) {
    assert.deepEqual(readScriptLine(SPEC, argv, env ?? {}), { kind: 'refused', message }, argv.join(' '))
  }
})

test('words are refused where none are wanted, and where they are to be numbers', () => {
  assert.deepEqual(readScriptLine({ does: '' }, ['x'], {}), { kind: 'refused', message: 'unexpected "x"' })
  const counted = { does: '', words: { names: '[KEYS]', kind: 'numbers', text: '' } } as const
  for (const word of ['x', '0', '']) {
    const message = `[KEYS]: ${JSON.stringify(word)} is no number above 0`
    assert.deepEqual(readScriptLine(counted, [word], {}), { kind: 'refused', message })
  }
  assert.equal(readScriptLine(counted, ['12'], {}).kind, 'line')
})

test('the usage has a line for each option, in columns, with what holds when it is not given', () => {
  assert.equal(usageText({ ...SPEC, command: 'node dist/x.js' }), `Usage: node dist/x.js [options] A [B]

Does something.

  A [B]                 what it is done to
  --rounds N            how many (20, or ROUNDS)
  --share N             of the peak (0.3)
  --rate N              a second
  --seed N              repeats a run (new each time)
  --kind raftring|etcd  the server (raftring)
  --data-dir DIRECTORY  where data goes
  --only A,B            these alone
  --load TEXT           part of its name
  --flags "..."         for the server
  --json                as JSON
  --help                this text`)
})

test('long texts of a usage go on below where they began', () => {
  const options = { size: { type: 'count', text: `${'word '.repeat(30)}end` } } as const
  const lines = usageText({ does: 'x', command: 'y', options }).split('\n')
  assert.ok(lines.every((line) => line.length <= 110))
  assert.match(lines[5] ?? '', /^ {12}word .*end$/)
})
