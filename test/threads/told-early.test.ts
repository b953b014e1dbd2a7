/**
 * A lone put is answered before the store has it. Whatever its client asks next, of whichever front, knows of it. The
 * server's commits are slow, so that what relies on the store alone is found out.
 */

import { strict as assert } from 'node:assert'
import { after, before, test } from 'node:test'
import { EtcdClient } from '../support/etcd-client.js'
import { COMPARE_RESULT } from '../support/etcd-messages.js'
import { ServerProcess } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { openWatch } from '../support/watch-stream.js'

const directory = temporaryDirectory()
let server: ServerProcess
/** Connections of their own, which the two fronts have between them. */
let clients: EtcdClient[]

before(async () => {
  server = await ServerProcess.start({
    kind: 'raftring',
    dataDir: directory.path('data'),
    clientPort: 21_474,
    peerPort: 21_475,
    flags: ['--front-workers=2'],
    preload: new URL('./slow-commit.js', import.meta.url).href,
  })
  clients = Array.from({ length: 6 }, () => new EtcdClient(server.endpoint))
  for (const client of clients) await client.range({ key: 'connect' })
})

after(async () => {
  for (const client of clients) client.close()
  await server.stop()
  directory.remove()
})

let puts = 0

/** Puts a new value, then asks every client at once. */
async function afterPut<T>(ask: (client: EtcdClient, value: string, revision: number) => Promise<T>): Promise<T[]> {
  const [writer] = clients
  assert.ok(writer !== undefined)
  const value = `value ${++puts}`
  await storeCatchesUp(writer)
  const { header } = await writer.put({ key: 'k', value })
  return Promise.all(clients.map((client) => ask(client, value, Number(header?.revision))))
}

/** What is put while a commit is under way is applied after it, when the log has it: like any put of many. */
async function storeCatchesUp(client: EtcdClient): Promise<void> {
  await client.range({ key: 'k' })
}

/** How many entries the store has not applied yet. */
async function storeIsBehind(): Promise<number> {
  const page = (await (await fetch(`http://${server.endpoint}/debug/vars`)).json()) as {
    'raft.status': { applied: number; progress: Record<string, { match: number }> }
  }
  const { applied, progress } = page['raft.status']
  return Math.max(...Object.values(progress).map(({ match }) => match)) - applied
}

test('the store really is behind what was told, once all code is warm', async () => {
  const [writer] = clients
  assert.ok(writer !== undefined)
  let behind = 0
  for (let i = 0; i < 20; i++) {
    await storeCatchesUp(writer)
    await writer.put({ key: 'k', value: 'behind' })
    behind += await storeIsBehind()
  }
  assert.ok(behind > 10, `behind after ${behind} of 20 puts`)
})

for (const serializable of [true, false]) {
  test(`a ${serializable ? 'serializable' : 'linearizable'} range has it`, async () => {
    await afterPut(async (client, value, revision) => {
      const { kvs, header } = await client.range({ key: 'k', serializable })
      assert.equal(String(kvs?.[0]?.value), value)
      assert.equal(Number(header?.revision), revision)
    })
  })
}

test('so does a range at its revision, and a transaction', async () => {
  await afterPut(async (client, value, revision) => {
    const { kvs } = await client.range({ key: 'k', revision: revision, serializable: true })
    assert.equal(String(kvs?.[0]?.value), value)
    const { succeeded } = await client.txn({
      compare: [{ key: 'k', target: 3, result: COMPARE_RESULT.EQUAL, value }],
      success: [{ requestRange: { key: 'k' } }],
    })
    assert.equal(succeeded, true)
  })
})

test('a watch from now on begins behind it', async () => {
  const watches = await afterPut(async (client, _, revision) => {
    const { stream, created } = await openWatch(client, { key: 'k' })
    assert.ok(Number(created.header?.revision) >= revision)
    return stream
  })
  await afterPut(async (client, value) => {
    const stream = watches[clients.indexOf(client)]
    const response = await stream?.next()
    assert.deepEqual(response?.events?.map(({ kv }) => String(kv?.value)), [value])
    stream?.cancel()
  })
})

test('a watch from its revision has it and what follows', async () => {
  await afterPut(async (client, value, revision) => {
    const { stream } = await openWatch(client, { key: 'k', startRevision: revision })
    const response = await stream.next()
    assert.deepEqual(response.events?.map(({ kv }) => String(kv?.value)), [value])
    stream.cancel()
  })
})

test('the revision in the header of other answers is no older', async () => {
  await afterPut(async (client, _, revision) => {
    const answers = [await client.status(), await client.leaseLeases(), await client.leaseTimeToLive(77n)]
    for (const { header } of answers) assert.ok(Number(header?.revision) >= revision)
  })
})

test('a put tells what the one before it left', async () => {
  const [writer] = clients
  assert.ok(writer !== undefined)
  await writer.put({ key: 'p', value: 'first' })
  const { prevKv } = await writer.put({ key: 'p', value: 'second', prevKv: true })
  assert.equal(String(prevKv?.value), 'first')
  const deleted = await writer.deleteRange({ key: 'p', prevKv: true })
  assert.deepEqual(deleted.prevKvs?.map(({ value }) => String(value)), ['second'])
})
