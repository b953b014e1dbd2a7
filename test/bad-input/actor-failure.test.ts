/** An actor that fails takes the whole process down, by name; nothing that was acknowledged is lost. */

import { strict as assert } from 'node:assert'
import { renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { EtcdClient } from '../support/etcd-client.js'
import { errorOf } from '../support/expect.js'
import { ServerProcess, type ServerSpec } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const directory = temporaryDirectory()
after(() => directory.remove())

const trigger = directory.path('trigger')
const plain = { kind: 'raftring', dataDir: directory.path('data'), clientPort: 21_220, peerPort: 21_221 } as const
const spec: ServerSpec = {
  ...plain,
  preload: new URL('./failing-disk.js', import.meta.url).href,
  env: { FAILING_DISK_TRIGGER: trigger },
}

function break_(call: string): void {
  writeFileSync(`${trigger}.new`, call)
  renameSync(`${trigger}.new`, trigger)
}

test('a failed fdatasync ends the process with the name of the actor', async () => {
  const server = await ServerProcess.start(spec)
  const client = new EtcdClient(server.endpoint)
  for (let i = 0; i < 100; i++) await client.put({ key: `kept${i}`, value: 'v' })
  break_('fdatasyncSync EIO')
  const [failed, exit] = await Promise.all([
    errorOf(client.put({ key: 'lost', value: 'v' })),
    server.exited,
  ])
  assert.notEqual(failed, 'no error')
  assert(exit.code !== null && exit.code !== 0, `exit ${exit.code} ${exit.signal}`)
  const fatal = server.log.split('\n').find((line) => line.includes('"level":"fatal"'))
  assert.match(fatal ?? '', /wal.*EIO/u)
  client.close()
  unlinkSync(trigger)
})

test('the next start has all that was acknowledged', async () => {
  const server = await ServerProcess.start(spec)
  const client = new EtcdClient(server.endpoint)
  const { count } = await client.range({ key: 'kept', rangeEnd: 'kepu', countOnly: true })
  assert.equal(count, 100)
  client.close()
  assert.equal((await server.stop()).code, 0)
})

const SHARED = ['front', 'raft', 'wal', 'mvcc', 'watch', 'lease', 'peer'].map((actor) => ({ actor, threads: 'shared' }))
/** Alone on its thread, and on the thread that all share with the supervisor itself. */
const OTHERS = [{ actor: 'watch', threads: 'dedicated' }, { actor: 'raft', threads: 'inline' }]

for (const { actor, threads } of [...SHARED, ...OTHERS]) {
  const where = `in ${actor} with --actor-threads=${threads}`
  test(`an exception ${where} ends the process with that name and the cause, and loses nothing`, async () => {
    const own = temporaryDirectory()
    const actorTrigger = own.path('actor')
    const server = await ServerProcess.start({
      ...spec,
      dataDir: own.path('data'),
      flags: ['--actor-threads', threads],
      preload: new URL('./failing-actor.js', import.meta.url).href,
      env: { FAILING_ACTOR_TRIGGER: actorTrigger },
    })
    const client = new EtcdClient(server.endpoint)
    await client.put({ key: 'kept', value: 'v' })
    writeFileSync(`${actorTrigger}.new`, actor)
    renameSync(`${actorTrigger}.new`, actorTrigger)
    // Wakes every actor whose turn does not come by itself; it may be answered before the end.
    const [, exit] = await Promise.all([errorOf(client.put({ key: 'last', value: 'v' })), server.exited])
    client.close()
    assert(exit.code !== null && exit.code !== 0, `exit ${exit.code} ${exit.signal}`)
    const fatal = server.log.split('\n').find((line) => line.includes('"level":"fatal"'))
    assert.match(fatal ?? '', new RegExp(`${actor} failed; the node stops.*injected into ${actor}`, 'u'))
    const again = await ServerProcess.start({ ...plain, dataDir: own.path('data') })
    const reader = new EtcdClient(again.endpoint)
    assert.equal((await reader.range({ key: 'kept' })).kvs.length, 1)
    reader.close()
    assert.equal((await again.stop()).code, 0)
    own.remove()
  })
}
