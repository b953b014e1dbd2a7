/** From raw options to one configuration: derived defaults, and relations that hold or are named. */

import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { conclude, type Config } from '../../src/config/config.js'
import { readFlags } from '../../src/config/flags.js'
import { FRONTS_MAX, entryRingBytes, powerOfTwoAtLeast } from '../../src/config/limits.js'
import { parseUrls } from '../../src/config/urls.js'

function concluded(argv: readonly string[], cores = 2): ReturnType<typeof conclude> {
  const result = readFlags(argv, {})
  if (!result.ok || !('raw' in result)) assert.fail('the flags were refused')
  return conclude(result.raw, cores)
}

function config(argv: readonly string[], cores = 2): Config {
  const result = concluded(argv, cores)
  if (!result.ok) assert.fail(result.message)
  return result.config
}

function refusal(argv: readonly string[]): string {
  const flags = readFlags(argv, {})
  const result = flags.ok ? concluded(argv) : flags
  if (result.ok) assert.fail('it was accepted')
  return result.message
}

test('a node without flags serves on the loopback of the standard ports', () => {
  const it = config([])
  assert.deepEqual(it.listenClientUrls.map(({ host, port }) => `${host}:${port}`), ['localhost:2379'])
  assert.deepEqual(it.advertiseClientUrls, ['http://localhost:2379'])
  assert.equal(it.initialCluster, 'default=http://localhost:2380')
  assert.equal(it.dataDir, resolve('default.etcd'))
  assert.equal(it.walDir, resolve('default.etcd/member/wal'))
  assert.equal(it.heartbeatMs, 100)
  assert.equal(it.electionMs, 1000)
  assert.equal(it.requestBytesMax, 1_572_864)
  assert.equal(it.unsafeNoFsync, false)
})

test('a configuration is frozen', () => {
  assert.ok(Object.isFrozen(config([])))
})

test('the data directory follows the name and the log follows the data directory', () => {
  assert.equal(config(['--name=n1']).dataDir, resolve('n1.etcd'))
  assert.equal(config(['--data-dir=/data']).walDir, '/data/member/wal')
  assert.equal(config(['--data-dir=/data', '--wal-dir=/log']).walDir, '/log')
})

test('the initial cluster follows name and peer URLs unless it is given', () => {
  const urls = '--initial-advertise-peer-urls=http://10.0.0.1:2380,http://10.0.0.1:2381'
  assert.equal(config(['--name=a', urls]).initialCluster, 'a=http://10.0.0.1:2380,a=http://10.0.0.1:2381')
  assert.equal(config(['--initial-cluster=x=http://h:1']).initialCluster, 'x=http://h:1')
})

test('listening for clients somewhere needs an address to advertise', () => {
  assert.equal(
    refusal(['--listen-client-urls=http://127.0.0.1:1']),
    '--advertise-client-urls is required when --listen-client-urls is set explicitly',
  )
  const both = ['--listen-client-urls=http://127.0.0.1:1', '--advertise-client-urls=http://h:1']
  assert.deepEqual(config(both).advertiseClientUrls, ['http://h:1'])
})

test('an election takes at least five heartbeats', () => {
  assert.match(refusal(['--heartbeat-interval=300']), /--election-timeout\[1000ms\].*--heartbeat-interval\[300ms\]/)
  assert.equal(config(['--heartbeat-interval=200']).electionMs, 1000)
  assert.equal(refusal(['--heartbeat-interval=0']), '--heartbeat-interval must be >0 (set to 0ms)')
  assert.match(refusal(['--election-timeout=0', '--heartbeat-interval=0']), /^--heartbeat-interval must be >0/)
  assert.equal(
    refusal(['--election-timeout=50001']),
    '--election-timeout[50001ms] is too long, and should be set less than 50000ms',
  )
})

test('an address to listen on is an IP address or localhost', () => {
  const at = (url: string): string[] => [`--listen-client-urls=${url}`, '--advertise-client-urls=http://h:1']
  assert.match(refusal(at('http://example.com:2379')), /expected IP in URL for binding/)
  assert.equal(config(at('http://[::1]:2379')).listenClientUrls[0]?.host, '::1')
  assert.equal(config(at('http://0.0.0.0:2379')).listenClientUrls[0]?.host, '0.0.0.0')
})

test('wrong URLs are refused with the flag that holds them', () => {
  for (const url of ['127.0.0.1:2379', 'ftp://h:1', 'http://h', 'http://h:1/path', 'http://h:70000', '']) {
    const message = refusal([`--listen-client-urls=${url}`, '--advertise-client-urls=http://h:1'])
    assert.ok(message.startsWith(`invalid value "${url}" for flag --listen-client-urls: `), message)
  }
})

test('URL lists are sorted and without duplicates', () => {
  const result = parseUrls('http://b:1, http://a:1,http://b:1')
  assert.ok(result.ok)
  assert.deepEqual(result.urls.map(({ text }) => text), ['http://a:1', 'http://b:1'])
})

test('unusual settings are warnings', () => {
  const warnings = (argv: readonly string[]): readonly string[] => {
    const result = concluded(argv)
    return result.ok ? result.warnings : assert.fail(result.message)
  }
  assert.deepEqual(warnings(['--name=n1']), [])
  assert.equal(warnings([]).length, 1)
  assert.match(warnings(['--name=n1', '--max-request-bytes=20000000'])[0] ?? '', /exceeds the recommended/)
})

test('threads are shared below eight cores and dedicated from there on', () => {
  assert.equal(config([], 2).threadsMode, 'shared')
  assert.equal(config([], 7).threadsMode, 'shared')
  assert.equal(config([], 8).threadsMode, 'dedicated')
  assert.equal(config(['--actor-threads=dedicated'], 2).threadsMode, 'dedicated')
})

test('worker counts follow the cores, are at least one, and may be given', () => {
  const modes = fc.constantFrom('auto', 'shared', 'dedicated', 'inline')
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 512 }), modes, (cores, mode) => {
      const { frontWorkers, watchWorkers } = config([`--actor-threads=${mode}`], cores)
      assert.ok(frontWorkers >= 1 && frontWorkers <= FRONTS_MAX)
      assert.ok(watchWorkers >= 1 && watchWorkers <= frontWorkers)
    }),
  )
  assert.equal(config(['--front-workers=3', '--watch-workers=2']).frontWorkers, 3)
  assert.equal(config(['--front-workers=3', '--watch-workers=2']).watchWorkers, 2)
  assert.equal(config(['--actor-threads=inline', '--front-workers=3']).frontWorkers, 1)
})

test('a ring for entries takes the longest request at any position', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1 << 28 }), (requestBytesMax) => {
      const bytes = entryRingBytes(requestBytesMax, 1024)
      assert.ok(bytes / 2 > requestBytesMax)
      assert.equal(powerOfTwoAtLeast(bytes), bytes)
    }),
  )
  assert.equal(entryRingBytes(1, 4 * 1024 * 1024), 4 * 1024 * 1024)
})
