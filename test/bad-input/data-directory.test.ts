/** Data directories that cannot be used, and ports that are taken: clear refusals that harm nothing. */

import { strict as assert } from 'node:assert'
import {
  closeSync, mkdirSync, openSync, readFileSync, readdirSync, readSync,
  statSync, writeFileSync, writeSync,
} from 'node:fs'
import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import path from 'node:path'
import { after, test } from 'node:test'
import { EtcdClient } from '../support/etcd-client.js'
import { pairs } from '../support/expect.js'
import { runToEnd, type EndedRun } from '../support/run-to-end.js'
import { ServerProcess, type ServerSpec } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const directory = temporaryDirectory()
after(() => directory.remove())

const PORT = 21_210
const OTHER_PORT = 21_214

function spec(dataDir: string, clientPort = PORT): ServerSpec {
  return { kind: 'raftring', dataDir, clientPort, peerPort: clientPort + 1 }
}

function flagsFor(dataDir: string, port: number): string[] {
  const url = `http://127.0.0.1:${port}`
  return ['--data-dir', dataDir, '--listen-client-urls', url, '--advertise-client-urls', url]
}

function assertRefused(run: EndedRun, says: RegExp): void {
  assert.match(run.output, says)
  assert(run.code !== 0 && run.code !== null, `exit ${run.code} ${run.signal}`)
}

async function putAndGet(server: ServerProcess, value: string): Promise<void> {
  const client = new EtcdClient(server.endpoint)
  await client.put({ key: 'k', value })
  assert.deepEqual(pairs((await client.range({ key: 'k' })).kvs), [`k=${value}`])
  client.close()
}

test('a directory in use by another process is refused, and the first goes on', async () => {
  const dataDir = directory.path('shared')
  const first = await ServerProcess.start(spec(dataDir))
  assertRefused(await runToEnd(flagsFor(dataDir, OTHER_PORT)), /in use by another process/u)
  await putAndGet(first, 'first')
  // A stopped process still holds it; a killed one does not.
  first.pause()
  assertRefused(await runToEnd(flagsFor(dataDir, OTHER_PORT)), /in use by another process/u)
  first.resume()
  await first.kill()
  const second = await ServerProcess.start(spec(dataDir))
  await putAndGet(second, 'second')
  await second.kill()
})

test('a directory that etcd wrote is refused and left as it is', async () => {
  const dataDir = directory.path('etcds')
  const snap = path.join(dataDir, 'member', 'snap')
  const wal = path.join(dataDir, 'member', 'wal')
  mkdirSync(snap, { recursive: true })
  mkdirSync(wal)
  writeFileSync(path.join(snap, 'db'), Buffer.alloc(4096))
  writeFileSync(path.join(wal, '0000000000000000-0000000000000000.wal'), Buffer.alloc(4096))
  const before = readdirSync(dataDir, { recursive: true }).sort()
  assertRefused(await runToEnd(flagsFor(dataDir, PORT)), /written by etcd/u)
  assert.deepEqual(readdirSync(dataDir, { recursive: true }).sort(), before)
})

test('a path that is no directory is refused', async () => {
  const file = directory.path('file')
  writeFileSync(file, 'not a directory')
  assertRefused(await runToEnd(flagsFor(file, PORT)), /not a directory/u)
  assertRefused(await runToEnd(flagsFor(path.join(file, 'below'), PORT)), /not a directory/u)
})

test('a directory without permission is refused', async () => {
  const dataDir = directory.path('locked')
  mkdirSync(dataDir, { mode: 0o555 })
  // Root may write everywhere, so a root's server gives up its privileges first.
  const isRoot = process.getuid?.() === 0
  const drop = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']
  const wrapper = isRoot ? ['env', 'HOME=/', ...drop] : []
  const run = await runToEnd(flagsFor(dataDir, PORT), { wrapper })
  assertRefused(run, /no permission for data directory/u)
})

test('a place where nothing can be made is refused', async () => {
  assertRefused(await runToEnd(flagsFor('/proc/no-such-place/data', PORT)), /data directory/u)
})

test('a port that is taken is refused by its address', async () => {
  const blocker = await listenOn(PORT)
  const dataDir = directory.path('port')
  assertRefused(await runToEnd(flagsFor(dataDir, PORT)), /127\.0\.0\.1:21210.*address already in use/u)
  blocker.close()
  const server = await ServerProcess.start(spec(dataDir))
  await putAndGet(server, 'free again')
  await server.kill()
})

test('an address that is not ours is refused', async () => {
  const url = 'http://203.0.113.1:21210'
  const dataDir = directory.path('address')
  const flags = ['--data-dir', dataDir, '--listen-client-urls', url, '--advertise-client-urls', url]
  assertRefused(await runToEnd(flags), /203\.0\.113\.1/u)
})

test('a log that is damaged in the middle is refused, with file and offset', async () => {
  const dataDir = directory.path('damaged')
  const server = await ServerProcess.start(spec(dataDir))
  const client = new EtcdClient(server.endpoint)
  for (let i = 0; i < 50; i++) await client.put({ key: `k${i}`, value: 'v'.repeat(200) })
  client.close()
  await server.kill()
  const wal = path.join(dataDir, 'member', 'wal')
  const [name] = readdirSync(wal).filter((entry) => entry.endsWith('.wal')).sort()
  assert(name !== undefined)
  // Inside a value: a byte of padding would harm nothing.
  const damagedAt = readFileSync(path.join(wal, name)).indexOf('v'.repeat(100), 5000)
  assert(damagedAt > 0)
  flipByte(path.join(wal, name), damagedAt)
  const run = await runToEnd(flagsFor(dataDir, PORT))
  assertRefused(run, new RegExp(`${name}.*\\d+`, 'u'))
  flipByte(path.join(wal, name), damagedAt)
  const repaired = await ServerProcess.start(spec(dataDir))
  const reader = new EtcdClient(repaired.endpoint)
  assert.equal((await reader.range({ key: 'k', rangeEnd: 'l', countOnly: true })).count, 50)
  reader.close()
  await repaired.kill()
})

async function listenOn(port: number): Promise<Server> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function flipByte(file: string, offset: number): void {
  assert(statSync(file).size > offset)
  const descriptor = openSync(file, 'r+')
  const byte = Buffer.alloc(1)
  readSync(descriptor, byte, 0, 1, offset)
  byte[0] = (byte[0] as number) ^ 0xff
  writeSync(descriptor, byte, 0, 1, offset)
  closeSync(descriptor)
}
