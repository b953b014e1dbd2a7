/** New store files where there may be no room for them. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const PROCESS = fileURLToPath(new URL('./no-room-process.js', import.meta.url))

for (const which of ['first', 'next'] as const) {
  test(`a store file (${which}) for which there is no room is refused, until there is`, (t) => {
    const directory = temporaryDirectory()
    t.after(() => directory.remove())
    const command = [PROCESS, directory.root, which]
    const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    assert.ok(Number(stdout) > 5, `refused ${stdout} times`)
  })
}
