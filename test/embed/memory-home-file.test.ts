/** Directories in memory of many nodes in one program. */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { MemoryHome } from '../../src/embed/memory-home-file.js'

test('nodes in memory share one listener for the end of the program, and none is left after the last', () => {
  const before = process.listenerCount('exit')
  const homes = Array.from({ length: 12 }, () => new MemoryHome())
  assert.equal(process.listenerCount('exit'), before + 1)
  for (const home of homes) {
    assert.ok(existsSync(home.path))
    home.remove()
    assert.equal(existsSync(home.path), false)
  }
  assert.equal(process.listenerCount('exit'), before)
})
