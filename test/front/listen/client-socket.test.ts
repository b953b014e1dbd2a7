/** Connections on a real port: what they speak, how many, how long, and how they end. */

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { afterEach, test } from 'node:test'
import { Client, credentials } from '@grpc/grpc-js'
import type { GrpcCall } from '../../../src/front/grpc/grpc-call.js'
import {
  FRAME_DATA,
  FRAME_GOAWAY,
  FRAME_SETTINGS,
  WINDOW_BYTES_DEFAULT,
  WINDOW_BYTES_MAX,
} from '../../../src/front/http2/frame-layout.js'
import {
  GRPC_REQUEST,
  PREFACE,
  data,
  headers,
  message,
  settings,
  windowUpdate,
} from '../http2/support/frames.js'
import { EchoServer, type EchoServerOptions } from '../grpc/support/echo-server.js'
import { ECHO } from '../grpc/support/echo-service.js'
import { RawClient } from '../grpc/support/raw-client.js'

const PORT = 20_020
let server: EchoServer | null = null

async function start(options: EchoServerOptions = {}): Promise<EchoServer> {
  server = await EchoServer.start({ port: PORT, ...options })
  return server
}

afterEach(async () => {
  await server?.close()
  server = null
})

const same = (bytes: Buffer): Buffer => bytes

function unary(client: Client, method: string, body: string): Promise<string> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(ECHO + method, same, same, Buffer.from(body), (error, answer) => {
      resolve(error === null ? (answer as Buffer).toString() : `${error.code} ${error.details}`)
    })
  })
}

function grpcClient(): Client {
  return new Client(`127.0.0.1:${PORT}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 })
}

/** Sends `parts` one by one, each after the one before has left, and returns all that came back. */
async function talk(parts: readonly string[]): Promise<string> {
  const socket = connect(PORT, '127.0.0.1')
  socket.setNoDelay(true)
  const ended = new Promise<string>((resolve, reject) => {
    let text = ''
    socket.on('data', (chunk) => (text += chunk.toString('latin1')))
    socket.on('end', () => resolve(text))
    socket.on('error', reject)
  })
  for (const part of parts) await new Promise<void>((resolve) => socket.write(part, () => resolve()))
  return ended
}

function frameFor(name: string, id: number): Buffer {
  return headers(id, GRPC_REQUEST.map(([field, value]) => [field, field === ':path' ? ECHO + name : value]))
}

test('HTTP/1.1 is served on the same port', async () => {
  await start()
  const response = await fetch(`http://127.0.0.1:${PORT}/health`, { headers: { connection: 'close' } })
  assert.equal(await response.text(), 'GET /health')
})

test('HTTP/1.1 is recognised in pieces, and by methods that begin like the preface', async () => {
  await start()
  for (const method of ['GET', 'PROPFIND', 'PATCH']) {
    const text = `${method} /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`
    const answer = await talk([...text.slice(0, 6), text.slice(6)])
    assert.match(answer, new RegExp(`^HTTP/1.1 200 OK[^]*${method} /a$`))
  }
})

test('a body of HTTP/1.1 that comes with its first octets is read whole', async () => {
  await start()
  const answer = await talk(['POST /b HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello'])
  assert.match(answer, /POST \/b$/)
})

test('octets that are no protocol at all are told so at once', async () => {
  await start()
  assert.match(await talk(['\0\0\0\0']), /^HTTP\/1.1 400 /)
})

test('connections above the limit are closed at once, the others live', async () => {
  const { listener } = await start({ connectionsMax: 2 })
  const clients = [await RawClient.connect(PORT), await RawClient.connect(PORT)]
  for (const client of clients) client.open()
  await Promise.all(clients.map((client) => client.untilFrame(FRAME_SETTINGS)))
  const third = await RawClient.connect(PORT)
  third.read()
  await third.closed()
  assert.equal(listener.counters.dropped, 1)
  assert.equal(listener.connectionCount, 2)
  for (const client of clients) client.socket.destroy()
})

test('a connection that says nothing, or stops in the middle of the preface, is closed', async () => {
  const { counters } = await start({ limits: { handshakeMs: 100 } })
  const silent = await RawClient.connect(PORT)
  silent.read()
  const stuck = await RawClient.connect(PORT)
  stuck.read()
  stuck.socket.write(PREFACE.subarray(0, 2))
  const stuckLater = await RawClient.connect(PORT)
  stuckLater.read()
  stuckLater.socket.write(PREFACE)
  await Promise.all([silent.closed(), stuck.closed(), stuckLater.closed()])
  assert.equal(counters.handshakesTimedOut, 3)
})

test('a connection error is told before the connection is closed', async () => {
  await start()
  const client = await RawClient.connect(PORT)
  client.open()
  client.socket.write(data(0, Buffer.alloc(1)))
  await client.closed()
  assert.equal(client.types.at(-1), FRAME_GOAWAY)
})

test('a client that reads nothing holds bounded memory and is cut in the end', async () => {
  const { service, counters } = await start({ limits: { stallMs: 600 } })
  const slow = await RawClient.connect(PORT)
  const most = WINDOW_BYTES_MAX - WINDOW_BYTES_DEFAULT
  slow.socket.write(Buffer.concat([PREFACE, settings([4, WINDOW_BYTES_MAX]), windowUpdate(0, most)]))
  const calls = 20
  for (let i = 0; i < calls; i++) {
    slow.socket.write(Buffer.concat([frameFor('Big', 2 * i + 1), data(2 * i + 1, message('100000000'))]))
  }
  const other = grpcClient()
  const before = process.memoryUsage().arrayBuffers
  const big = (): GrpcCall[] => service.started.filter((call) => call.method === `${ECHO}Big`)
  while (counters.slowReadersCut === 0) {
    assert.equal(await unary(other, 'Unary', 'still here'), 'still here')
    const queued = big().reduce((sum, call) => sum + call.queuedBytes, 0)
    assert.ok(queued <= calls * 2 ** 20, `${queued} octets wait`)
    assert.ok(process.memoryUsage().arrayBuffers - before < 64 * 2 ** 20)
  }
  // The cut closes the socket under what the kernel has buffered; the client sees it when it reads on.
  slow.read()
  await slow.closed()
  assert.ok(big().length > 0)
  assert.equal(service.cancelled.length, big().length)
  other.close()
})

test('a client that hangs up ends its calls', async () => {
  const { service, listener } = await start()
  const client = await RawClient.connect(PORT)
  client.open()
  client.socket.write(frameFor('Headers', 1))
  await client.untilFrame(1)
  client.socket.destroy()
  const other = grpcClient()
  while (service.cancelled.length === 0) await unary(other, 'Unary', 'x')
  assert.deepEqual(service.cancelled, [`${ECHO}Headers`])
  assert.equal(listener.connectionCount, 1)
  other.close()
})

test('shutdown lets an open call end, and refuses new connections at once', async () => {
  const running = await start()
  const client = grpcClient()
  const stream = client.makeBidiStreamRequest(`${ECHO}Stream`, same, same)
  const texts: string[] = []
  const first = new Promise<void>((resolve) => stream.once('data', () => resolve()))
  stream.on('data', (bytes: Buffer) => texts.push(bytes.toString()))
  const ended = new Promise<number>((resolve) => stream.on('status', (status) => resolve(status.code)))
  stream.write(Buffer.from('one'))
  await first
  const closed = running.close(10_000)
  const refused = connect(PORT, '127.0.0.1')
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => refused.once('error', resolve))
  assert.equal(error.code, 'ECONNREFUSED')
  stream.write(Buffer.from('two'))
  stream.end()
  assert.equal(await ended, 0)
  await closed
  assert.deepEqual(texts, ['one', 'two'])
  client.close()
})

test('shutdown cuts what does not end in time: HTTP/2 calls and HTTP/1.1 connections', async () => {
  const running = await start()
  const raw = await RawClient.connect(PORT)
  raw.open()
  raw.socket.write(frameFor('Headers', 1))
  await raw.untilFrame(1)
  const plain = connect(PORT, '127.0.0.1')
  plain.on('error', () => undefined)
  plain.resume()
  plain.write('POST /slow HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n')
  const plainClosed = new Promise<void>((resolve) => plain.once('close', () => resolve()))
  const other = grpcClient()
  while (running.listener.counters.handedToHttp === 0) await unary(other, 'Unary', 'x')
  other.close()
  await running.close(100)
  await Promise.all([raw.closed(), plainClosed])
  assert.ok(raw.types.includes(FRAME_GOAWAY))
  assert.equal(running.listener.connectionCount, 0)
})

test('answers of one turn leave in one write', async () => {
  const { counters } = await start()
  const client = await RawClient.connect(PORT)
  client.open()
  // The server's own and its answer to ours: nothing else is under way.
  await client.untilFrame(FRAME_SETTINGS, 2)
  const requests: Buffer[] = []
  for (let id = 1; id <= 199; id += 2) requests.push(frameFor('Unary', id), data(id, message('x'), 1))
  const { bytesOut, socketWrites } = counters
  // Few enough octets for the server to read them all at once.
  client.socket.write(Buffer.concat(requests))
  await client.untilFrame(FRAME_DATA, 100)
  assert.ok(counters.bytesOut - bytesOut > 100 * 50)
  assert.equal(counters.socketWrites - socketWrites, 1)
  client.socket.destroy()
})
