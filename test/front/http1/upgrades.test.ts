/** Upgrades as clients should not ask for them, and offers that nobody takes up. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'
import type { HttpExchange } from '../../../src/front/http/http-exchange.js'
import { EchoServer } from '../grpc/support/echo-server.js'

const OFFER = 'Host: a\r\nConnection: Upgrade\r\n'
const WEB_SOCKET = 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
const ASKED = `GET /v3/watch HTTP/1.1\r\n${OFFER}${WEB_SOCKET}\r\n`

let server: EchoServer
let isAdmitted: boolean
let exchanges: HttpExchange[]

beforeEach(async () => {
  isAdmitted = true
  exchanges = []
  server = await EchoServer.start({
    answers: {
      messageBytesMax: 1024,
      onExchange: (exchange) => {
        exchanges.push(exchange)
        if (exchange.target !== '/slow') exchange.respond(200, 'text/plain', exchange.target)
      },
      hasWebSocketAt: (target) => target === '/v3/watch',
      admits: (exchange) => {
        if (!isAdmitted) exchange.respond(421, 'text/plain', 'refused')
        return isAdmitted
      },
    },
  })
})

afterEach(async () => server.close())

function dial(): Socket {
  return connect(server.port, '127.0.0.1')
}

/** All that comes back for one write, up to the end of the connection. */
async function ask(text: string): Promise<string> {
  const socket = dial()
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part))
  socket.on('error', () => undefined)
  socket.write(text)
  await once(socket, 'close')
  return Buffer.concat(parts).toString()
}

test('a WebSocket that does not wait for the answers before it is cut off', async () => {
  const before = [
    'GET /version HTTP/1.1\r\nHost: a\r\n\r\n',
    'POST /version HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab',
    // These are answered without us.
    'GET /version HTTP/1.1\r\n\r\n',
    'GET /version HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n',
  ]
  for (const isGranted of [true, false]) {
    isAdmitted = isGranted
    for (const first of before) {
      const answer = await ask(`${first}${ASKED}`)
      assert.ok(!answer.includes('101 Switching') && !answer.includes('421 '), answer)
    }
  }
  assert.ok(exchanges.every(({ target }) => target !== '/v3/watch'))
})

test('a WebSocket behind an answer that is still owed is not looked at before', async () => {
  const socket = dial()
  socket.on('error', () => undefined)
  let text = ''
  socket.on('data', (part: Buffer) => (text += part.toString()))
  socket.write(`GET /slow HTTP/1.1\r\nHost: a\r\n\r\n${ASKED}`)
  while (exchanges.length === 0) await server.turn()
  const [slow] = exchanges as [HttpExchange]
  slow.respond(200, 'text/plain', 'at last')
  await once(socket, 'close')
  assert.ok(!text.includes('101 Switching'), text)
  assert.equal(exchanges.length, 1)
})

test('an upgrade that waits for the answer before it is taken, and an offer passed over is answered', async () => {
  const socket = dial()
  for (const path of ['/version', '/health']) {
    socket.write(`GET ${path} HTTP/1.1\r\n${OFFER}Upgrade: h2c\r\n\r\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    assert.ok(answer.toString().endsWith(path))
  }
  socket.write(ASKED)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  assert.match(answer.toString(), /^HTTP\/1.1 101 /)
  socket.destroy()
})

test('an upgrade is taken in pieces', async () => {
  const socket = dial()
  socket.setNoDelay(true)
  for (const part of [ASKED.slice(0, 5), ASKED.slice(5, 90), ASKED.slice(90)]) {
    await new Promise<void>((resolve) => socket.write(part, () => resolve()))
    await server.turn()
  }
  const [answer] = (await once(socket, 'data')) as [Buffer]
  assert.match(answer.toString(), /^HTTP\/1.1 101 /)
  socket.destroy()
})

test('a client that resets its connection once its upgrade is refused harms nobody', async () => {
  isAdmitted = false
  const client = dial()
  client.on('error', () => undefined)
  client.write(ASKED)
  client.resetAndDestroy()
  assert.match(await ask(ASKED), /^HTTP\/1.1 421 /)
  while (server.listener.connectionCount > 0) await server.turn()
})
