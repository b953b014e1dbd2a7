/** raftringctl tune, with a time that suffices for one trial. */

import { strict as assert } from 'node:assert'
import { execFile } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { test } from 'node:test'
import { temporaryDirectory } from '../support/temporary-directory.js'

const run = promisify(execFile)
const MAIN = fileURLToPath(new URL('../../src/ctl/main.js', import.meta.url))

test('a trial measures a server of its own, leaves nothing behind, and the report has its figures', async () => {
  const directory = temporaryDirectory()
  const parent = directory.path('data')
  const out = directory.path('out')
  await run('mkdir', [parent])
  const flags = [
    '--seconds=1', '--budget=1s', '--reads=50', '--clients=8', '--watchers=2', `--dir=${parent}`, `--out=${out}`,
  ]
  const { stdout } = await run(process.execPath, [MAIN, 'tune', ...flags])
  assert.match(stdout, /8 clients, 50 % reads, values of 256 B, 10k keys, 2 watchers; at most \d+ trials and 1 s/)
  assert.match(stdout, /\[ ?1\/\d+\] no flags +\d.*\/s p50 .* p99 .* CPU .* us /)
  assert.match(stdout, /The defaults are best[^]*What limits it now: [^]*The time ran out[^]*tune\.html\n$/)
  assert.deepEqual(readdirSync(parent), [], 'directories of trials are removed')
  const { result } = JSON.parse(readFileSync(`${out}/tune.json`, 'utf8'))
  assert.equal(result.trials.length, 1)
  assert.ok(result.first.perSecond > 0 && result.first.errors === 0)
  assert.ok(readFileSync(`${out}/tune.html`, 'utf8').includes('<svg'))
  directory.remove()
})

test('a load that is none is refused', async () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['--reads=101', /at most 100/], ['--clients=0', /at least 1/], ['--goal=fame', /Allowed choices/],
    ['--budget=soon', /not a duration/],
  ]
  for (const [flag, expected] of wrong) {
    await assert.rejects(run(process.execPath, [MAIN, 'tune', flag]), { code: 1, stderr: expected })
  }
})
