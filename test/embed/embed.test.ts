/** `startNode` as programs use it, by the package's name. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startNode, type EmbeddedNode, type NodeOptions } from 'raftring'
import { EtcdClient } from '../support/etcd-client.js'
import { present } from '../support/expect.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

/** What a start may cost. CPU time, because other tests run beside this one. */
const START_CPU_MS_MAX = 300

const directory = temporaryDirectory()
after(() => directory.remove())

interface ProgramResult {
  readonly startCpuMs: number[]
  readonly values: string[]
}

const PROGRAM_MS_MAX = 30_000

/** Runs a program that must end by itself, without a word on stderr. Returns what it printed. */
async function output(script: URL, ...words: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [fileURLToPath(script), ...words], {
    timeout: PROGRAM_MS_MAX,
    killSignal: 'SIGKILL',
  })
  const printed = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => (printed[name] += chunk.toString('utf8')))
  }
  const [code] = (await once(child, 'close')) as [number | null]
  assert.deepEqual([code, printed.stderr], [0, ''])
  return printed.stdout
}

async function program(options: NodeOptions, rounds: number): Promise<ProgramResult> {
  const script = new URL('./embedded-program.js', import.meta.url)
  return JSON.parse(await output(script, JSON.stringify(options), String(rounds))) as ProgramResult
}

async function put(node: EmbeddedNode, key: string, value: string): Promise<void> {
  const client = new EtcdClient(node.endpoint)
  await client.put({ key, value })
  client.close()
}

async function get(node: EmbeddedNode, key: string): Promise<string | undefined> {
  const client = new EtcdClient(node.endpoint)
  const { kvs } = await client.range({ key })
  client.close()
  return kvs[0]?.value.toString()
}

test('a program with a node in memory ends by itself, and each start is empty and quick', async () => {
  const { startCpuMs, values } = await program({}, 4)
  assert.deepEqual(values, ['nothing', 'nothing', 'nothing', 'nothing'])
  assert.ok(Math.min(...startCpuMs) < START_CPU_MS_MAX, `starts took ${startCpuMs.join(', ')} ms of CPU`)
})

test('a program with a node on disk and threads ends by itself, and each start finds what was there', async () => {
  const { values } = await program({ dataDir: directory.path('threads') }, 3)
  assert.deepEqual(values, ['nothing', '0', '1'])
})

test('a node on disk may be inline, and one in memory may have threads', async () => {
  const inline = await program({ dataDir: directory.path('inline'), threads: 'inline' }, 2)
  assert.deepEqual(inline.values, ['nothing', '0'])
  const threads = await program({ threads: 'dedicated' }, 2)
  assert.deepEqual(threads.values, ['nothing', 'nothing'])
})

test('several nodes in one program know nothing of each other', async () => {
  const nodes = await Promise.all([startNode(), startNode(), startNode({ threads: 'shared' })])
  assert.equal(new Set(nodes.map(({ endpoint }) => endpoint)).size, 3)
  for (const [i, node] of nodes.entries()) await put(node, 'k', String(i))
  for (const [i, node] of nodes.entries()) assert.equal(await get(node, 'k'), String(i))
  await Promise.all(nodes.map((node) => node.close()))
})

test('the member list tells the port that was taken', async () => {
  const node = await startNode()
  assert.match(node.endpoint, /^127\.0\.0\.1:[1-9]\d*$/u)
  assert.deepEqual(node.clientUrls, [`http://${node.endpoint}`])
  const client = new EtcdClient(node.endpoint)
  assert.deepEqual(present((await client.memberList()).members[0]).clientUrls, node.clientUrls)
  client.close()
  await node.close()
})

test('closing takes the memory of a node away, and may be asked for twice', async () => {
  const node = await startNode()
  assert.ok(statSync(node.dataDir).isDirectory())
  const closed = node.close()
  assert.equal(node.close(), closed)
  await closed
  assert.equal(existsSync(node.dataDir), false)
})

test('closing with clients connected and a watch open does not wait for them', async () => {
  const node = await startNode()
  const client = new EtcdClient(node.endpoint)
  const watch = client.watch()
  watch.send({ createRequest: { key: 'k' } })
  await watch.next()
  await node.close()
  assert.notEqual((await watch.ended).code, 0)
  client.close()
})

test('a node listens on a unix socket', async () => {
  const socketPath = directory.path('node.sock')
  const node = await startNode({ socketPath })
  assert.equal(node.endpoint, `unix://${socketPath}`)
  await put(node, 'k', 'v')
  assert.equal(await get(node, 'k'), 'v')
  await node.close()
})

test('flags of the server are taken by name', async () => {
  const node = await startNode({ flags: { 'max-txn-ops': 1, 'listen-metrics-urls': 'http://127.0.0.1:0' } })
  const client = new EtcdClient(node.endpoint)
  const success = [{ requestRange: { key: 'a' } }, { requestRange: { key: 'b' } }]
  await assert.rejects(client.txn({ success }), /too many operations/u)
  client.close()
  await node.close()
})

test('what cannot work is said, and nothing is left behind', async () => {
  await assert.rejects(startNode({ flags: { 'no-such-flag': 1 } }), /no-such-flag/u)
  await assert.rejects(startNode({ flags: { 'max-txn-ops': 'many' } }), /max-txn-ops/u)
  const node = await startNode({ dataDir: directory.path('taken'), threads: 'inline' })
  await assert.rejects(startNode({ dataDir: node.dataDir }), /in use by another process/u)
  const port = Number(node.endpoint.split(':')[1])
  await assert.rejects(startNode({ port }), /address already in use/u)
  await node.close()
})

test('the example of the documentation runs', async () => {
  const printed = await output(new URL('../../../examples/embedded-node.mjs', import.meta.url))
  assert.match(printed, /^etcd v3 on 127\.0\.0\.1:\d+\ngreeting is hello\n$/u)
})
