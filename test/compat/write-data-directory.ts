/**
 * Writes a whole data directory for test/fixtures, as a killed node leaves it: run once for each format that is kept,
 * `node dist/test/compat/write-data-directory.js <file.tgz>`.
 */

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { EtcdClient } from '../support/etcd-client.js'
import { ServerProcess } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { fill } from './kept-directory.js'

const CLIENT_PORT = 21_980
const CHECKPOINT_MS = 8000

const { words: [target = ''] } = scriptOptions({
  does: 'Writes a whole data directory for the fixtures, as a killed node leaves it.',
  words: { names: 'FILE.tgz', min: 1, max: 1, text: 'a new file' },
})
if (existsSync(target)) throw new Error(`${target} is there already`)

const directory = temporaryDirectory()
const dataDir = directory.path('data')
const server = await ServerProcess.start({
  kind: 'raftring',
  dataDir,
  clientPort: CLIENT_PORT,
  peerPort: CLIENT_PORT + 1,
})
const client = new EtcdClient(`127.0.0.1:${CLIENT_PORT}`)
await fill(client, () => pause(CHECKPOINT_MS))
client.close()
await server.kill()
execFileSync('tar', ['--sparse', '-czf', target, '-C', directory.root, 'data'])
directory.remove()
