/** What a WebSocket holds of a message that has not come whole is told, whatever comes between its pieces. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { afterEach, beforeEach, test } from 'node:test'
import WebSocket from 'ws'
import type { HttpExchange } from '../../../src/front/http/http-exchange.js'
import { EchoServer } from '../grpc/support/echo-server.js'

const BYTES_MAX = 100_000
const FRAGMENTS_MAX = 1024

let server: EchoServer
let client: WebSocket
let exchange: HttpExchange
/** The newest of what is held, and every message. */
let held: number
let messages: string[]
let isClosed: boolean

beforeEach(async () => {
  held = 0
  messages = []
  isClosed = false
  server = await EchoServer.start({
    answers: {
      messageBytesMax: BYTES_MAX,
      onExchange: (asked) => {
        exchange = asked
        asked.readBody({
          onHeld: (bytes) => (held = bytes),
          onData: (chunk) => messages.push(chunk.toString()),
          onEnd: () => undefined,
          onWhole: () => undefined,
          onClosed: () => (isClosed = true),
          onWritable: () => undefined,
        })
      },
      hasWebSocketAt: () => true,
      admits: () => true,
    },
  })
  client = new WebSocket(`ws://127.0.0.1:${server.port}/v3/watch`)
  client.on('error', () => undefined)
  await once(client, 'open')
})

afterEach(async () => {
  client.terminate()
  await server.close()
})

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await server.turn()
}

/** Comes back when the server has heard all that was sent before. */
async function ping(): Promise<void> {
  client.ping('are you there')
  await once(client, 'pong')
}

test('pieces of a message are held until it is whole', async () => {
  client.send('x'.repeat(3000), { fin: false })
  await until(() => held >= 3000)
  client.send('y'.repeat(2000), { fin: false })
  await until(() => held >= 5000)
  assert.ok(held < 6500, `${held}`)
  client.send('z', { fin: true })
  await until(() => messages.length === 1)
  assert.equal(messages[0]?.length, 5001)
  assert.equal(held, 0)
})

test('pings between the pieces free nothing, and pings alone hold nothing', async () => {
  for (let i = 0; i < 50; i++) await ping()
  assert.equal(held, 0)
  client.send('x'.repeat(3000), { fin: false })
  for (let i = 0; i < 50; i++) await ping()
  assert.ok(held >= 3000 && held < 4000, `${held}`)
})

test('a small piece counts for the memory that it takes', async () => {
  for (let i = 0; i < 10; i++) {
    client.send('x', { fin: false })
    await ping()
  }
  assert.ok(held >= 10, `${held}`)
  client.send('x', { fin: false })
  await until(() => held >= 250)
})

test('a message of too many pieces, or too large, ends the connection', async () => {
  for (const [count, bytes] of [[FRAGMENTS_MAX + 1, 1], [3, BYTES_MAX / 2]] as const) {
    const other = new WebSocket(`ws://127.0.0.1:${server.port}/v3/watch`)
    other.on('error', () => undefined)
    await once(other, 'open')
    isClosed = false
    for (let i = 0; i < count; i++) other.send('x'.repeat(bytes), { fin: false })
    await once(other, 'close')
    await until(() => isClosed)
    assert.equal(exchange.isClosed, true)
  }
  assert.deepEqual(messages, [])
})
