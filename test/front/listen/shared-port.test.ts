/** Several threads on one port: each gets connections, and one close ends the port for all. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { Client, credentials } from '@grpc/grpc-js'
import type { EchoWorkerOrder, EchoWorkerReport, EchoWorkerStart } from '../grpc/support/echo-worker.js'

const PORT = 20_040
const THREADS = 3
/** Who accepts is the kernel's choice: connections come in bursts until everybody had one, or the bound is met. */
const BURST = 50
const BURSTS_MAX = 40

async function startWorker(start: EchoWorkerStart): Promise<{ worker: Worker; fd: number }> {
  const worker = new Worker(new URL('../grpc/support/echo-worker.js', import.meta.url), { workerData: start })
  const [report] = (await once(worker, 'message')) as [EchoWorkerReport]
  assert.ok(report.kind === 'listening')
  return { worker, fd: report.fd }
}

async function acceptedBy(worker: Worker): Promise<number> {
  worker.postMessage('count' satisfies EchoWorkerOrder)
  const [report] = (await once(worker, 'message')) as [EchoWorkerReport]
  assert.ok(report.kind === 'accepted')
  return report.accepted
}

async function closeWorker(worker: Worker): Promise<void> {
  worker.postMessage('close' satisfies EchoWorkerOrder)
  const [report] = (await once(worker, 'message')) as [EchoWorkerReport]
  assert.equal(report.kind, 'closed')
}

function echo(client: Client, text: string): Promise<string> {
  const same = (bytes: Buffer): Buffer => bytes
  return new Promise((resolve) => {
    client.makeUnaryRequest('/echo.Echo/Unary', same, same, Buffer.from(text), (error, answer) => {
      resolve(error === null ? (answer as Buffer).toString() : `${error.code} ${error.details}`)
    })
  })
}

test('threads that share a port all serve, and all stop accepting when the first closes it', async () => {
  const first = await startWorker({ port: PORT, fd: -1 })
  const workers = [first.worker]
  while (workers.length < THREADS) workers.push((await startWorker({ port: PORT, fd: first.fd })).worker)

  let accepted: number[] = []
  let connected = 0
  for (let burst = 0; burst < BURSTS_MAX && !(accepted.length > 0 && accepted.every((count) => count > 0)); burst++) {
    const clients = Array.from({ length: BURST }, () => {
      return new Client(`127.0.0.1:${PORT}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 })
    })
    const answers = await Promise.all(clients.map((client, i) => echo(client, `client ${i}`)))
    assert.deepEqual(answers, clients.map((_, i) => `client ${i}`))
    for (const client of clients) client.close()
    connected += BURST
    accepted = await Promise.all(workers.map(acceptedBy))
  }
  assert.equal(accepted.reduce((sum, count) => sum + count, 0), connected)
  assert.ok(accepted.every((count) => count > 0), `accepted ${accepted.join(', ')}`)
  for (const worker of workers) await closeWorker(worker)

  const late = connect(PORT, '127.0.0.1')
  const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException]
  assert.equal(error.code, 'ECONNREFUSED')
  await Promise.all(workers.map((worker) => worker.terminate()))
})
