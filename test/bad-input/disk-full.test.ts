/** A disk that fills up under the server: see `disk-full-scenario.ts`. */

import { strict as assert } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { temporaryDirectory } from '../support/temporary-directory.js'

test('a full disk refuses puts, keeps reads and loses nothing', () => {
  const directory = temporaryDirectory()
  const scenario = fileURLToPath(new URL('./disk-full-scenario.js', import.meta.url))
  const command = ['-rm', process.execPath, scenario, directory.root]
  const run = spawnSync('unshare', command, { encoding: 'utf8', timeout: 120_000 })
  directory.remove()
  assert.equal(run.status, 0, `${run.stdout}\n${run.stderr}`)
})
