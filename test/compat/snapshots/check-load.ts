/** Snapshots under load: puts go on, memory stays where it is, and what is saved is whole, of one revision. */

import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { Client, credentials, status, type ClientReadableStream } from '@grpc/grpc-js'
import { decodeSnapshotResponse, type SnapshotResponse } from '../../../src/proto/generated/etcdserverpb.js'
import { EtcdClient } from '../../support/etcd-client.js'
import type { Report } from '../../support/report.js'
import { ServerProcess } from '../../support/server-process.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { etcdctl, printed, raftringctl } from './programs.js'

const CLIENT_PORT = 21_128
const ENDPOINT = `127.0.0.1:${CLIENT_PORT}`
const MIB = 1024 * 1024
const VALUE_BYTES = 100_000
const KEYS = 3000
/** More than a client takes without reading. */
const FEW_KEYS = 200
const WRITERS = 16
/** Beside what is there before: a chunk, the thread that reads it, pages of the store that puts change. */
const GROWTH_BYTES_MAX = 160 * MIB

interface Stalled {
  readonly call: ClientReadableStream<SnapshotResponse>
  readonly first: SnapshotResponse
  readonly channel: Client
}

export async function checkLoad(report: Report): Promise<void> {
  const directory = temporaryDirectory()
  const dataDir = directory.path('data')
  try {
    const server = await ServerProcess.start({
      kind: 'raftring', dataDir, clientPort: CLIENT_PORT, peerPort: CLIENT_PORT + 1,
    })
    const client = new EtcdClient(ENDPOINT)
    try {
      await report.check('more than four at a time are refused, and one that ends makes room', async () => {
        await fill(client, 0, FEW_KEYS)
        await askForFive()
      })
      await report.check('300 MB are saved while puts go on, in bounded memory', () =>
        saveUnderLoad(server, client, directory.path('saved.db')))
      await report.check('a client that reads no more holds neither memory nor puts, and leaves nothing', () =>
        stallAndLeave(server, client, dataDir))
    } finally {
      client.close()
      await server.stop()
    }
  } finally {
    directory.remove()
  }
}

async function fill(client: EtcdClient, from: number, to: number): Promise<void> {
  const value = Buffer.alloc(VALUE_BYTES, 'v')
  const writers = Array.from({ length: WRITERS }, async (_, writer) => {
    for (let i = from + writer; i < to; i += WRITERS) await client.put({ key: `key ${i}`, value })
  })
  await Promise.all(writers)
}

async function saveUnderLoad(server: ServerProcess, client: EtcdClient, file: string): Promise<void> {
  await fill(client, FEW_KEYS, KEYS)
  const before = server.anonymousBytes()
  const load = startLoad(client, server)
  const saved = await printed(etcdctl('--endpoints', ENDPOINT, 'snapshot', 'save', file)).finally(() => load.stop())
  const { puts, mostBytes } = await load.end
  assert.match(saved, /Snapshot saved/u)
  const status = JSON.parse(await printed(raftringctl('snapshot', 'status', file, '-w', 'json'))) as {
    readonly totalSize: number
    readonly revision: number
  }
  assert(status.totalSize > KEYS * VALUE_BYTES && status.revision > KEYS)
  const grown = Math.round((mostBytes - before) / MIB)
  console.log(`saved ${Math.round(status.totalSize / MIB)} MiB; ${puts} puts meanwhile; memory grew by ${grown} MiB`)
  assert(puts > 0)
  assert(mostBytes - before < GROWTH_BYTES_MAX, `memory grew by ${grown} MiB`)
}

/** Puts small values, and looks at the server's memory, until told to stop. */
function startLoad(client: EtcdClient, server: ServerProcess): {
  stop(): void
  readonly end: Promise<{ readonly puts: number; readonly mostBytes: number }>
} {
  let isRunning = true
  const run = async (): Promise<{ puts: number; mostBytes: number }> => {
    let mostBytes = 0
    let puts = 0
    for (; isRunning; puts++) {
      await client.put({ key: `load ${puts % 100}`, value: 'x' })
      mostBytes = Math.max(mostBytes, server.anonymousBytes())
    }
    return { puts, mostBytes }
  }
  return { stop: () => void (isRunning = false), end: run() }
}

async function stallAndLeave(server: ServerProcess, client: EtcdClient, dataDir: string): Promise<void> {
  const before = server.anonymousBytes()
  const { call, first, channel } = await stalled()
  assert(first.remaining_bytes > KEYS * VALUE_BYTES)
  for (let i = 0; i < 200; i++) await client.put({ key: `stalled ${i}`, value: 'x' })
  const grown = server.anonymousBytes() - before
  assert(grown < GROWTH_BYTES_MAX, `memory grew by ${Math.round(grown / MIB)} MiB`)
  const files = readdirSync(path.join(dataDir, 'member', 'store'))
  assert.deepEqual(files.filter((name) => name.endsWith('.tmp')), [])
  call.cancel()
  channel.close()
  await client.put({ key: 'after', value: 'x' })
}

async function askForFive(): Promise<void> {
  const stalls = await Promise.all([1, 2, 3, 4].map(() => stalled()))
  await assert.rejects(stalled(), { code: status.UNKNOWN, details: 'etcdserver: too many requests' })
  await readToEnd(stalls[0] as Stalled)
  stalls.push(await stalled())
  // Long gone before the next check, which first fills the store.
  for (const { call, channel } of stalls) {
    call.cancel()
    channel.close()
  }
}

async function readToEnd({ call }: Stalled): Promise<void> {
  const end = once(call, 'end')
  call.resume()
  await end
}

/** A snapshot of which only the beginning is read, on a connection of its own. */
async function stalled(): Promise<Stalled> {
  const channel = new Client(ENDPOINT, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 })
  const call = channel.makeServerStreamRequest(
    '/etcdserverpb.Maintenance/Snapshot', () => Buffer.alloc(0), decodeSnapshotResponse, null,
  )
  const first = await new Promise<SnapshotResponse>((resolve, reject) => {
    call.once('data', resolve)
    // Also when it is cancelled in the end.
    call.on('error', reject)
  })
  call.pause()
  return { call, first, channel }
}
