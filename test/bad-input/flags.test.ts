/** Flags, environment and URLs that are wrong: refused at once, with what to do about it. */

import { strict as assert } from 'node:assert'
import { readdirSync } from 'node:fs'
import { after, test } from 'node:test'
import { runToEnd } from '../support/run-to-end.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const directory = temporaryDirectory()
after(() => directory.remove())
const dataDir = directory.path('never-made')

const REFUSED: readonly (readonly [title: string, flags: readonly string[], says: RegExp])[] = [
  ['an unknown flag suggests the nearest', ['--listen-client-url=x'], /--listen-client-urls\?/u],
  ['a flag with two letters swapped', ['--nmae', 'n1'], /--name\?/u],
  ['a flag like no other', ['--xyzzy-plugh'], /--xyzzy-plugh/u],
  ['a word that is no flag', ['serve'], /serve/u],
  ['a number that is none', ['--snapshot-count', 'many'], /--snapshot-count/u],
  ['a number out of range', ['--max-txn-ops', '0'], /--max-txn-ops/u],
  ['a duration without a unit', ['--grpc-keepalive-interval', '5'], /--grpc-keepalive-interval/u],
  ['a choice that is none', ['--log-level', 'loud'], /--log-level/u],
  ['a thread plan that is none', ['--actor-threads', 'many'], /--actor-threads/u],
  ['a URL without a scheme', ['--listen-client-urls', '127.0.0.1:21200'], /URL scheme/u],
  ['a URL with another scheme', ['--listen-client-urls', 'ftp://127.0.0.1:21200'], /URL scheme/u],
  ['a URL without a port', ['--listen-client-urls', 'http://127.0.0.1'], /--listen-client-urls/u],
  ['a URL with a path', ['--listen-client-urls', 'http://127.0.0.1:21200/x'], /path/u],
  ['a host name to listen on', ['--listen-client-urls', 'http://example.com:21200'], /expected IP/u],
  ['a port beyond all ports', ['--listen-client-urls', 'http://127.0.0.1:99999'], /99999/u],
  [
    'an initial cluster without this member',
    ['--initial-cluster', 'other=http://127.0.0.1:21201'],
    /initial.cluster/iu,
  ],
  ['a discovery service without its token', ['--discovery-endpoints=http://x'], /discovery-token/u],
  [
    'an election that is shorter than its heartbeats',
    ['--heartbeat-interval', '1000', '--election-timeout', '1000'],
    /election/u,
  ],
]

for (const [title, flags, says] of REFUSED) {
  test(title, async () => {
    const run = await runToEnd(['--data-dir', dataDir, ...flags])
    assert.match(run.output, says)
    assert(run.code !== 0 && run.code !== null, `exit ${run.code} ${run.signal}`)
    assert.equal(run.output.trim().split('\n').length, 1, 'one line says it all')
    assert.deepEqual(readdirSync(directory.root), [], 'nothing is left behind')
  })
}

test('an environment variable is held to the same rules as its flag', async () => {
  const run = await runToEnd(['--data-dir', dataDir], { env: { ETCD_SNAPSHOT_COUNT: 'many' } })
  assert.match(run.output, /SNAPSHOT_COUNT|snapshot-count/u)
  assert.notEqual(run.code, 0)
})

test('help and version are no errors', async () => {
  const help = await runToEnd(['--help'])
  assert.equal(help.code, 0)
  assert.match(help.output, /--data-dir/u)
  assert.equal((await runToEnd(['--version'])).code, 0)
})
