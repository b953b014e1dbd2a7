/** A whole node in this process, and the control calls that its supervisor has over comlink. */

import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { conclude } from '../../src/config/config.js'
import { readFlags } from '../../src/config/flags.js'
import { bootNode } from '../../src/node.js'
import { actorBuilders } from '../../workers/actor-builders.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const URL = 'http://127.0.0.1:23050'

test('a front tells its configuration and counters, takes a CPU profile, and stops in put order', async () => {
  const directory = temporaryDirectory()
  const argv = ['--data-dir', directory.path('data'), '--listen-client-urls', URL, '--advertise-client-urls', URL]
  const flags = readFlags([...argv, '--log-level', 'error'], {})
  assert(flags.ok && 'raw' in flags)
  const concluded = conclude(flags.raw)
  assert(concluded.ok)
  const failures: string[] = []
  const started = await bootNode({
    config: concluded.config,
    warnings: [],
    builders: actorBuilders,
    onFailure: (message) => failures.push(message),
  })
  assert(started.ok)
  const front = started.node.front(0)
  assert.equal((await front.config()).dataDir, directory.path('data'))
  const { actors, turns, rings } = await front.stats()
  assert(actors.includes('front 0'))
  assert(turns > 0)
  assert((rings.find(({ name }) => name === 'front 0 -> raft 0')?.recordsIn ?? 0) > 0)
  const profile = (await front.profile(0.05)) as { nodes: unknown[] }
  assert(profile.nodes.length > 0)
  await assert.rejects(front.profile(-1), /between 0 and/u)
  await started.node.stop('test')
  assert.deepEqual(failures, [])
  directory.remove()
})

test('a start that throws lets go of its directory, so that the program can try again', async (t) => {
  const directory = temporaryDirectory()
  t.after(() => directory.remove())
  const dataDir = directory.path('data')
  const url = 'https://127.0.0.1:23052'
  const argv = ['--data-dir', dataDir, '--listen-client-urls', url, '--advertise-client-urls', url, '--auto-tls']
  const flags = readFlags([...argv, '--log-level', 'error'], {})
  assert(flags.ok && 'raw' in flags)
  const concluded = conclude(flags.raw)
  assert(concluded.ok)
  const { config } = concluded
  const boot = (): ReturnType<typeof bootNode> => {
    return bootNode({ config, warnings: [], builders: actorBuilders, onFailure: (message) => assert.fail(message) })
  }
  // Certificates belong into a directory of this name.
  mkdirSync(dataDir, { mode: 0o700 })
  writeFileSync(`${dataDir}/fixtures`, '')
  await assert.rejects(boot(), /fixtures/u)
  rmSync(`${dataDir}/fixtures`)
  const started = await boot()
  assert(started.ok, started.ok ? '' : started.message)
  await started.node.stop('test')
})
