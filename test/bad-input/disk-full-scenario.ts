/**
 * Fills the disk under a running server: puts fail clearly, reads go on, nothing acknowledged is
 * lost, and puts work again once there is room. Wants a mount namespace of its own, where it mounts
 * a small file system: `unshare -rm node disk-full-scenario.js DIRECTORY`.
 */

import { strict as assert } from 'node:assert'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, unlinkSync, writeSync } from 'node:fs'
import path from 'node:path'
import { EtcdClient } from '../support/etcd-client.js'
import { errorOf } from '../support/expect.js'
import { ServerProcess, StartError, type ServerSpec } from '../support/server-process.js'

const DISK_MIB = 160
const VALUE_BYTES = 100_000
const PUTS_MAX = 4000
const ROOM_AGAIN_MS_MAX = 15_000
const START_MS_MAX = 20_000
/** What a failed run shows of the server's log. */
const LOG_TAIL_CHARACTERS = 4000
/** A put that is already in the log when the disk fills up may yet take effect. */
const TIMED_OUT = 'Unavailable etcdserver: request timed out'
const NO_SPACE = 'ResourceExhausted etcdserver: mvcc: database space exceeded'

const root = process.argv[2]
assert(root !== undefined, 'a directory to mount on')
const disk = path.join(root, 'disk')
const ballast = path.join(disk, 'ballast')
const spec: ServerSpec = {
  kind: 'raftring',
  dataDir: path.join(disk, 'data'),
  clientPort: 21_250,
  peerPort: 21_251,
}
/** What each acknowledged put wrote. */
const acknowledged = new Map<string, number>()
/** Puts that may or may not have taken effect. */
const undecided = new Set<number>()
let sequence = 0

process.on('exit', (code) => {
  if (code !== 0) console.error(`server: ${JSON.stringify(server.exit)}\n${server.log.slice(-LOG_TAIL_CHARACTERS)}`)
})

mkdirSync(disk)
execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', disk])

let server = await ServerProcess.start(spec)
let client = new EtcdClient(server.endpoint, { deadlineMs: 20_000 })
for (let i = 0; i < 200; i++) assert.equal(await put(500), 'no error')

fillDisk()
assert.match(await putUntilFailure(), new RegExp(`${NO_SPACE}|${TIMED_OUT}`, 'u'))
await assertReadable('while the disk is full')
for (let i = 0; i < 20; i++) assert.equal(await put(VALUE_BYTES), NO_SPACE, 'a put that cannot be')
await assertReadable('after more failed puts')
assert.equal(server.exit, undefined)

unlinkSync(ballast)
await putUntilSuccess()
await assertReadable('with room again')

fillDisk()
await putUntilFailure()
await server.kill()
client.close()
await startOnFullDisk()
unlinkSync(ballast)
server = await ServerProcess.start(spec)
client = new EtcdClient(server.endpoint)
await assertReadable('after a kill on a full disk')
assert.equal(await put(VALUE_BYTES), 'no error')
client.close()
assert.equal((await server.stop()).code, 0)
console.log(`${acknowledged.size} keys acknowledged, all there`)

/** Puts one unique value; tells the error. */
async function put(bytes: number): Promise<string> {
  const number = ++sequence
  const key = `k${String(number % 500).padStart(3, '0')}`
  const value = Buffer.alloc(bytes, '.')
  value.writeUInt32LE(number, 0)
  const error = await errorOf(client.put({ key, value }))
  if (error === 'no error') acknowledged.set(key, number)
  else if (error !== NO_SPACE) undecided.add(number)
  return error
}

function fillDisk(): void {
  const descriptor = openSync(ballast, 'w')
  const block = Buffer.alloc(64 * 1024, 'b')
  for (let size = block.length; size >= 1; ) {
    try {
      writeSync(descriptor, block, 0, size)
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
      size = Math.floor(size / 2)
    }
  }
  closeSync(descriptor)
}

async function putUntilFailure(): Promise<string> {
  for (let i = 0; i < PUTS_MAX; i++) {
    const error = await put(VALUE_BYTES)
    if (error !== 'no error') return error
  }
  return 'the disk was never full'
}

async function putUntilSuccess(): Promise<void> {
  const giveUpAt = performance.now() + ROOM_AGAIN_MS_MAX
  while ((await put(100)) !== 'no error')
    assert(performance.now() < giveUpAt, 'puts still fail although there is room')
}

/** A start on a full disk serves reads, waits for room or refuses, but says why, and can be stopped. */
async function startOnFullDisk(): Promise<void> {
  server = ServerProcess.spawn(spec)
  try {
    await server.logged(/no space|ready to serve/iu, START_MS_MAX)
    assert.equal((await server.stop()).code, 0, server.log)
  } catch (error) {
    if (!(error instanceof StartError) || error.exit === undefined) throw error
    assert.notEqual(error.exit.code, 0)
    assert.match(error.log, /no space/iu)
  }
}

async function assertReadable(when: string): Promise<void> {
  for (const serializable of [true, false]) {
    const { kvs } = await client.range({ key: 'k', rangeEnd: 'l', serializable })
    const found = new Map(kvs.map((kv) => [kv.key.toString(), kv.value.readUInt32LE(0)]))
    for (const [key, number] of acknowledged) {
      const held = found.get(key) ?? 0
      assert(held >= number, `${when}: ${key} holds ${held}, acknowledged ${number}`)
      const isOurs = held === number || undecided.has(held)
      assert(isOurs, `${when}: ${key} holds ${held}, which was refused; acknowledged ${number}`)
    }
  }
}
