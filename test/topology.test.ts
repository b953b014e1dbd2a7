/** The table of contents holds together in every mode and with any number of workers. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { conclude, type Config } from '../src/config/config.js'
import { readFlags } from '../src/config/flags.js'
import { REQUEST_BYTES_MAX } from '../src/config/limits.js'
import { allocateNode } from '../src/node-memory.js'
import { CAPACITY_BYTES_MAX, ringBytes } from '../src/ring/ring-layout.js'
import { edges, instances, threads } from '../src/topology.js'

const modes = fc.constantFrom('shared', 'dedicated', 'inline')

const configs = fc.record({
  mode: modes,
  fronts: fc.integer({ min: 1, max: 6 }),
  watches: fc.integer({ min: 1, max: 6 }),
  requestBytes: fc.constantFrom(1, 1_572_864, REQUEST_BYTES_MAX),
}).map(({ mode, fronts, watches, requestBytes }) => configOf([
  `--actor-threads=${mode}`,
  `--front-workers=${fronts}`,
  `--watch-workers=${watches}`,
  `--max-request-bytes=${requestBytes}`,
]))

function configOf(argv: readonly string[]): Config {
  const flags = readFlags(argv, {})
  assert.ok(flags.ok && 'raw' in flags)
  const result = conclude(flags.raw, 4)
  assert.ok(result.ok)
  return result.config
}

test('every instance of every actor has a place on exactly one thread', () => {
  fc.assert(
    fc.property(configs, (config) => {
      const placed = threads(config).flatMap(({ actors }) => actors.map(({ name, index }) => `${name} ${index}`))
      const expected = Object.entries(instances(config)).flatMap(([name, count]) =>
        Array.from({ length: count }, (_, index) => `${name} ${index}`),
      )
      assert.deepEqual(placed.toSorted(), expected.toSorted())
    }),
  )
})

test('threads have names of their own', () => {
  fc.assert(
    fc.property(configs, (config) => {
      const names = threads(config).map(({ name }) => name)
      assert.equal(new Set(names).size, names.length)
    }),
  )
})

test('whoever owns sockets has an event loop', () => {
  fc.assert(
    fc.property(configs, (config) => {
      for (const { actors, eventLoop } of threads(config)) {
        if (actors.some(({ name }) => name === 'front' || name === 'peer')) assert.equal(eventLoop, true)
      }
    }),
  )
})

test('outside of inline, the log sleeps alone and raft shares with no client', () => {
  fc.assert(
    fc.property(configs, (config) => {
      if (config.threadsMode === 'inline') return
      for (const { actors } of threads(config)) {
        const names = actors.map(({ name }) => name)
        if (names.includes('wal')) assert.deepEqual(names, ['wal'])
        if (names.includes('raft')) assert.ok(names.every((name) => name === 'raft' || name === 'peer'))
      }
    }),
  )
})

test('in a cluster raft and peer share a thread; of a member that starts alone raft has none with sockets', () => {
  const url = (index: number): string => `http://127.0.0.1:${index}`
  const others = `--initial-cluster=default=${url(1)},other=${url(2)}`
  const own = `--initial-advertise-peer-urls=${url(1)}`
  for (const mode of ['shared', 'dedicated']) {
    const raftThread = (argv: readonly string[]): unknown => {
      const plan = threads(configOf([`--actor-threads=${mode}`, ...argv])).find(({ name }) => name === 'raft')
      return { actors: plan?.actors.map(({ name }) => name), eventLoop: plan?.eventLoop }
    }
    assert.deepEqual(raftThread([]), { actors: ['raft'], eventLoop: false })
    assert.deepEqual(raftThread([own, others]), { actors: ['raft', 'peer'], eventLoop: true })
    assert.deepEqual(raftThread(['--initial-cluster-state=existing']), { actors: ['raft', 'peer'], eventLoop: true })
  }
})

test('every ring joins two actors that exist and has a size that a ring can have', () => {
  fc.assert(
    fc.property(configs, (config) => {
      const count = instances(config)
      const seen = new Set<string>()
      for (const { from, to, bytes } of edges(config)) {
        assert.ok(count[from] > 0 && count[to] > 0, `${from} to ${to}`)
        assert.ok(bytes <= CAPACITY_BYTES_MAX)
        assert.doesNotThrow(() => ringBytes(bytes))
        assert.equal(seen.has(`${from} ${to}`), false, `${from} to ${to} is listed once`)
        seen.add(`${from} ${to}`)
      }
    }),
  )
})

test('a node has one ring for every pair of instances, and each thread the same view of them', () => {
  const config = configOf(['--actor-threads=dedicated', '--front-workers=2', '--watch-workers=3'])
  const identity = { memberId: 1n, clusterId: 2n, bootstrapEntries: [], storeDir: '' }
  const { starts } = allocateNode(config, identity as unknown as Parameters<typeof allocateNode>[1])
  const count = instances(config)
  const expected = edges(config).reduce((sum, { from, to }) => sum + count[from] * count[to], 0)
  for (const start of starts) {
    assert.equal(start.rings.length, expected)
    assert.equal(start.rings, starts[0]?.rings)
    assert.equal(start.doorbells.length, starts.length)
  }
  assert.deepEqual(starts.map(({ threadIndex }) => threadIndex), starts.map((_, index) => index))
})
