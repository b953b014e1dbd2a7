/** The command line of the simulator: what it takes, and what it says of the rest. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSimOptions } from '../../src/sim/sim-options.js'

const NEW_SEED = 77

test('without options one new seed runs for a minute', () => {
  const options = {
    firstSeed: NEW_SEED, seeds: 1, minutes: null, members: null, seconds: 60, prints: false, store: null, isCalm: false,
    isQuiet: false,
  }
  assert.deepEqual(readSimOptions([], NEW_SEED), { kind: 'options', options })
})

test('a question is no mistake', () => {
  for (const argv of [['--help'], ['-h'], ['--seeds', '3', '--help']]) {
    assert.deepEqual(readSimOptions(argv, NEW_SEED), { kind: 'help' })
  }
})

test('what cannot be taken is named', () => {
  const refusals = [
    [['--bogus'], '--bogus'],
    [['--seeds'], '--seeds without a value'],
    [['--store'], '--store without a value'],
    [['--store', 'paper'], '--store paper'],
    [['--seed', 'x'], '--seed x'],
    [['--seed', '-1'], '--seed -1'],
    [['--members', '2'], '--members 2'],
  ] as const
  for (const [argv, message] of refusals) {
    assert.deepEqual(readSimOptions(argv, NEW_SEED), { kind: 'refused', message }, argv.join(' '))
  }
})
