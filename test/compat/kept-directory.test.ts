/** A data directory written once opens in every later version, with everything that it held. */

import { strict as assert } from 'node:assert'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { STORE_FORMATS } from '../../src/keyspace/tables/keyspace-meta.js'
import { EtcdClient } from '../support/etcd-client.js'
import { ServerProcess } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { check } from './kept-directory.js'

const FIXTURES = fileURLToPath(new URL('../../../test/fixtures', import.meta.url))
const CLIENT_PORT = 21_990

const kept = readdirSync(FIXTURES).filter((file) => /^data-directory-.*\.tgz$/u.test(file))

test('every format that was ever written has a directory that is kept', () => {
  assert.deepEqual(kept.toSorted(), STORE_FORMATS.map((format) => `data-directory-${format}.tgz`))
})

for (const name of kept) {
  test(`${name} opens, serves what it held, and opens again`, async () => {
    const directory = temporaryDirectory()
    execFileSync('tar', ['-xzf', `${FIXTURES}/${name}`, '-C', directory.root])
    const spec = { kind: 'raftring', clientPort: CLIENT_PORT, peerPort: CLIENT_PORT + 1 } as const
    for (let start = 0; start < 2; start++) {
      const server = await ServerProcess.start({ ...spec, dataDir: directory.path('data') })
      const client = new EtcdClient(`127.0.0.1:${CLIENT_PORT}`)
      await check(client)
      client.close()
      await server.stop()
    }
    directory.remove()
  })
}
