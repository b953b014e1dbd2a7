/** Every counter is told by some code: one that nothing adds to shows 0 for ever, and looks as if all were well. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { counters, rpcCounters } from '../../src/metrics/counter-catalogue.js'

const SOURCE = fileURLToPath(new URL('../../../src', import.meta.url))
const CATALOGUE = 'counter-catalogue.ts'

test('every counter of the catalogue is used outside of it', () => {
  const users = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith(CATALOGUE))
    .map((path) => readFileSync(join(SOURCE, path), 'utf8'))
    .filter((text) => text.includes('counter-catalogue.js'))
  // Whoever has counters of its own beside the catalogue's calls these `all`; the families of RPCs are taken apart.
  const used = new Set(users.flatMap((text) => [...text.matchAll(/\b(?:counters|all)\.(\w+)/gu)].map(([, key]) => key)))
  const taken = users.flatMap((text) => [...text.matchAll(/const \{([^}]+)\} = rpcCounters\b/gu)])
  for (const [, names = ''] of taken) for (const name of names.split(',')) used.add(name.trim())
  const unused = [...Object.keys(counters), ...Object.keys(rpcCounters)].filter((key) => !used.has(key))
  assert.deepEqual(unused, [])
})
