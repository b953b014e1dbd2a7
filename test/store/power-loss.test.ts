/**
 * The store survives any number of power cuts; without either of its safeguards it does not. ROUNDS=200 is the long
 * form.
 */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const PROCESS = fileURLToPath(new URL('./power-loss-process.js', import.meta.url))
const ROUNDS = Number(process.env['ROUNDS'] ?? 12)
const SEED = Number(process.env['SEED'] ?? (process.pid * 7919) % 1_000_003)

/** A slot that some hundred rows fill, and so is settled many times between two cuts. */
const SLOT_BYTES = String(128 * 1024)

interface Ending {
  readonly survived: boolean
  readonly output: string
}

/** A run that hangs has not survived either: a damaged tree may go round in circles. */
function run(seed: number, rounds: number, ...how: string[]): Ending {
  const result = spawnSync(process.execPath, ['--enable-source-maps', PROCESS, String(seed), String(rounds), ...how], {
    encoding: 'utf8',
    timeout: 20_000 + rounds * 2_000,
    killSignal: 'SIGKILL',
  })
  const survived = result.status === 0 && result.stdout.startsWith('survived')
  const { stdout, stderr, status, signal } = result
  return { survived, output: `seed ${seed}: ${stdout}${stderr} status ${status} signal ${signal}` }
}

test(`a pinned store survives ${ROUNDS} power cuts`, (t) => {
  const { survived, output } = run(SEED, ROUNDS, 'all')
  assert.ok(survived, output)
  t.diagnostic(output)
})

test(`so does one whose newest rows are in memory, ${ROUNDS} times`, (t) => {
  const { survived, output } = run(SEED, ROUNDS, 'all', SLOT_BYTES)
  assert.ok(survived, output)
  t.diagnostic(output)
})

test('control: one whose rows in memory are not made anew has lost them', (t) => {
  const { survived, output } = run(SEED, 20, 'all', SLOT_BYTES, 'not-settled')
  assert.ok(!survived && /a row of \w+ is missing|values of|has a row too many|keys of/.test(output), output)
  t.diagnostic(firstLine(output))
})

test('a list of free pages in which the engine loses its way is read anew', () => {
  const { survived, output } = run(562_829, 20, 'all')
  assert.ok(survived, output)
})

test('control: a store without pins is destroyed', (t) => {
  const { survived, output } = run(SEED, 20, 'none')
  assert.ok(!survived, output)
  t.diagnostic(firstLine(output))
})

test('control: a store that is not pinned again after a restore is destroyed', (t) => {
  const { survived, output } = run(SEED, 20, 'not-restored')
  assert.ok(!survived, output)
  t.diagnostic(firstLine(output))
})

function firstLine(output: string): string {
  return output.split('\n').find((line) => /Error|signal/.test(line)) ?? output
}
