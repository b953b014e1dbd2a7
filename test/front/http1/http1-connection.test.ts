/** HTTP/1.1 on a real port: what answers look like, how connections go on and end, and what clients may not do. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'
import { systemClock } from '../../../src/base/system-clock.js'
import type { BodyReader, HttpExchange } from '../../../src/front/http/http-exchange.js'
import { EchoServer } from '../grpc/support/echo-server.js'

const HOST = 'Host: a\r\n'
const DATE = /Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/

let server: EchoServer
let asked: HttpExchange[]
let skippedMs: number
let onExchange: (exchange: HttpExchange) => void

beforeEach(async () => {
  asked = []
  skippedMs = 0
  onExchange = (exchange) => exchange.respond(200, 'text/plain', exchange.target)
  server = await EchoServer.start({
    clock: { nowMs: () => systemClock.nowMs() + skippedMs, wallMs: () => systemClock.wallMs() },
    answers: {
      messageBytesMax: 0,
      onExchange: (exchange) => {
        asked.push(exchange)
        onExchange(exchange)
      },
      hasWebSocketAt: () => false,
      admits: () => true,
    },
  })
})

afterEach(async () => server.close())

class Dialog {
  readonly socket: Socket
  readonly chunks: string[] = []
  isReset = false
  readonly #closed: Promise<unknown>
  #isClosed = false

  constructor() {
    this.socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    this.socket.on('data', (chunk: Buffer) => this.chunks.push(chunk.toString('latin1')))
    this.socket.on('error', (error: NodeJS.ErrnoException) => (this.isReset = error.code === 'ECONNRESET'))
    this.socket.on('end', () => this.socket.end())
    this.socket.on('close', () => (this.#isClosed = true))
    this.#closed = new Promise((resolve) => this.socket.once('close', resolve))
  }

  get text(): string {
    return this.chunks.join('')
  }

  say(text: string): this {
    this.socket.write(text, 'latin1')
    return this
  }

  /** Until `text` matches. */
  async hears(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.text)) {
      assert.ok(!this.#isClosed, `closed behind ${JSON.stringify(this.text)}`)
      await server.turn()
    }
    return this.text
  }

  /** All that came until the server closed. */
  async rest(): Promise<string> {
    await this.#closed
    return this.text
  }
}

async function ask(text: string): Promise<string> {
  return new Dialog().say(text).rest()
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await server.turn()
}

function recorder(on: Partial<BodyReader> = {}): { readonly reader: BodyReader; readonly told: string[] } {
  const told: string[] = []
  const reader: BodyReader = {
    onData: (chunk) => told.push(`data ${chunk.toString()}`),
    onEnd: () => told.push('end'),
    onHeld: (bytes) => told.push(`held ${bytes}`),
    onWhole: (body) => told.push(`whole ${body.toString()}`),
    onClosed: () => told.push('closed'),
    onWritable: () => told.push('writable'),
    ...on,
  }
  return { reader, told }
}

test('an answer comes in one piece, and the next on the same connection', async () => {
  const dialog = new Dialog()
  for (const path of ['/one', '/two']) {
    dialog.chunks.length = 0
    const text = await dialog.say(`GET ${path} HTTP/1.1\r\n${HOST}\r\n`).hears(new RegExp(`${path}$`))
    assert.equal(dialog.chunks.length, 1)
    assert.match(text, DATE)
    assert.equal(text.replace(DATE, ''), [
      'HTTP/1.1 200 OK', 'Content-Type: text/plain', 'Connection: keep-alive', 'Keep-Alive: timeout=300',
      'Content-Length: 4', '', path,
    ].join('\r\n'))
  }
  dialog.socket.destroy()
})

test('added fields stand in the answer, and none can carry a line', async () => {
  onExchange = (exchange) => {
    exchange.addHeaders(['A', '1'])
    exchange.addHeaders(['B', '2', 'C', '3'])
    exchange.addHeaders(['D', '4'])
    exchange.respond(405, '', '')
  }
  const text = await ask(`GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
  assert.match(text, /^HTTP\/1.1 405 Method Not Allowed\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nDate: /)
  assert.match(text, /\r\nConnection: close\r\nContent-Length: 0\r\n\r\n$/)
  onExchange = (exchange) => {
    exchange.addHeaders(['A', '1\r\nB: 2'])
    assert.throws(() => exchange.respond(200, '', ''), /no field of an answer/)
    exchange.destroy()
  }
  assert.equal(await ask(`GET / HTTP/1.1\r\n${HOST}\r\n`), '')
})

test('HEAD is told of a body and given none', async () => {
  const text = await ask(`HEAD /abc HTTP/1.1\r\n${HOST}\r\nGET /d HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
  assert.match(text, /^HTTP\/1.1 200 OK[^]*Content-Length: 4\r\n\r\nHTTP\/1.1 200 OK[^]*\r\n\r\n\/d$/)
})

test('HTTP/1.0 closes unless it asks otherwise', async () => {
  assert.match(await ask('GET /a HTTP/1.0\r\n\r\n'), /Connection: close\r\nContent-Length: 2\r\n\r\n\/a$/)
  const text = await ask('GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n')
  assert.match(text, /Connection: keep-alive\r\n[^]*\/aHTTP[^]*\/b$/)
})

test('an answer of unknown length comes in chunks, to HTTP/1.0 until the end', async () => {
  onExchange = (exchange) => {
    exchange.start(200, 'text/plain')
    exchange.write(Buffer.from('hello, '))
    exchange.write(Buffer.alloc(0))
    exchange.write(Buffer.alloc(20_000, 'x'))
    exchange.end()
  }
  const chunked = await ask(`GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
  const [head = '', ...body] = chunked.split('\r\n\r\n')
  assert.match(head, /\r\nTransfer-Encoding: chunked$/)
  assert.equal(body.join('\r\n\r\n'), `7\r\nhello, \r\n4e20\r\n${'x'.repeat(20_000)}\r\n0\r\n\r\n`)
  const plain = await ask('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
  assert.ok(!/Transfer-Encoding|keep-alive/.test(plain), plain.slice(0, 300))
  assert.ok(plain.endsWith(`\r\n\r\nhello, ${'x'.repeat(20_000)}`))
})

test('an answer that is cut off can be told from a whole one', async () => {
  const open = (): void => {
    asked.at(-1)?.start(200, 'text/plain')
    asked.at(-1)?.write(Buffer.from('half'))
  }
  onExchange = open
  const chunked = new Dialog().say(`GET / HTTP/1.1\r\n${HOST}\r\n`)
  await chunked.hears(/half/)
  asked[0]?.destroy()
  assert.ok(!(await chunked.rest()).includes('0\r\n\r\n'))
  const old = new Dialog().say('GET / HTTP/1.0\r\n\r\n')
  await old.hears(/half/)
  asked[1]?.destroy()
  await old.rest()
  assert.equal(old.isReset, true)
})

test('a body that comes whole is told whole, another in pieces', async () => {
  const { reader, told } = recorder()
  onExchange = (exchange) => exchange.readBody(reader)
  const dialog = new Dialog().say(`POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`)
  await until(() => told.length > 0)
  assert.deepEqual(told, ['whole abc'])
  asked[0]?.respond(200, 'text/plain', 'first')
  await dialog.hears(/first/)
  dialog.say(`POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nab`)
  await until(() => told.length > 1)
  dialog.say('c')
  await until(() => told.length > 3)
  assert.deepEqual(told.slice(1), ['data ab', 'data c', 'end'])
  dialog.socket.destroy()
  await until(() => told.length > 4)
  assert.deepEqual(told.slice(4), ['closed'])
  assert.equal(asked[1]?.isClosed, true)
})

test('a body that waits to be asked for is asked for when it is wanted', async () => {
  const { reader, told } = recorder()
  onExchange = (exchange) => exchange.readBody(reader)
  const fields = `${HOST}Content-Length: 3\r\nExpect: 100-Continue\r\n\r\n`
  const dialog = new Dialog().say(`POST / HTTP/1.1\r\n${fields}`)
  assert.equal(await dialog.hears(/\r\n\r\n/), 'HTTP/1.1 100 Continue\r\n\r\n')
  dialog.say('abc')
  await until(() => told.length > 0)
  asked[0]?.respond(200, 'text/plain', 'got it')
  await dialog.hears(/keep-alive[^]*got it/)
  dialog.socket.destroy()
  onExchange = (exchange) => exchange.respond(404, 'text/plain', 'unwanted')
  const unwanted = await ask(`POST / HTTP/1.1\r\n${fields}`)
  assert.match(unwanted, /^HTTP\/1.1 404 [^]*Connection: close[^]*unwanted$/)
})

test('what is no request is told so in a line, and the connection ends', async () => {
  const lines: readonly (readonly [string, string])[] = [
    ['GET / HTTP/1.1\r\n\r\n', '400 Bad Request'],
    ['nonsense\r\n', '400 Bad Request'],
    [`GET / HTTP/1.1\r\nX: ${'x'.repeat(70_000)}`, '431 Request Header Fields Too Large'],
    ['GET / HTTP/3.0\r\n\r\n', '505 HTTP Version Not Supported'],
    [`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: br\r\n\r\n`, '501 Not Implemented'],
    [`POST / HTTP/1.1\r\n${HOST}Expect: more\r\n\r\n`, '417 Expectation Failed'],
  ]
  for (const [text, line] of lines) assert.equal(await ask(text), `HTTP/1.1 ${line}\r\nConnection: close\r\n\r\n`)
  const { malformed, tooLarge, unsupported } = server.http.counters
  assert.deepEqual([malformed, tooLarge, unsupported], [2, 1, 3])
  assert.equal(asked.length, 0)
})

test('a body that goes wrong ends its request', async () => {
  const { reader, told } = recorder()
  onExchange = (exchange) => exchange.readBody(reader)
  const bad = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1\r\nabc`
  assert.match(await ask(bad), /^HTTP\/1.1 400 Bad Request\r\n/)
  assert.equal(told.at(-1), 'closed')
  onExchange = (exchange) => exchange.start(200, 'text/plain')
  const text = await ask(bad)
  assert.ok(!text.includes('400'), text)
  onExchange = (exchange) => exchange.respond(200, 'text/plain', 'answered')
  assert.match(await ask(bad), /answered$/)
})

test('requests are carried out one after the other, however many come at once', async () => {
  onExchange = () => undefined
  const dialog = new Dialog().say(Array.from({ length: 100 }, (_, i) => `GET /${i} HTTP/1.1\r\n${HOST}\r\n`).join(''))
  for (let i = 0; i < 50; i++) {
    await until(() => asked.length > i)
    assert.equal(asked.length, i + 1)
    asked[i]?.respond(200, 'text/plain', `answer ${i};`)
  }
  await until(() => asked.length === 51)
  onExchange = (exchange) => exchange.respond(200, 'text/plain', 'at once;')
  asked[50]?.respond(200, 'text/plain', 'answer 50;')
  await until(() => asked.length === 100)
  await until(() => dialog.text.split('at once;').length === 50)
  const { text } = dialog
  assert.ok(text.indexOf('answer 49;') < text.indexOf('answer 50;'))
  dialog.socket.destroy()
})

test('a client that sends requests and reads no answers is not listened to', async () => {
  const body = Buffer.alloc(100_000, 'x')
  onExchange = (exchange) => exchange.respond(200, 'text/plain', body)
  const socket = connect(server.port, '127.0.0.1')
  socket.pause()
  const request = Buffer.from(`GET / HTTP/1.1\r\n${HOST}\r\n`.repeat(1000))
  // The kernel takes some of it, and then no more.
  for (let i = 0; i < 1000 && socket.writableLength < 2_000_000; i++) {
    socket.write(request)
    await server.turn()
  }
  assert.ok(socket.writableLength >= 2_000_000)
  const [first] = asked as [HttpExchange]
  for (let i = 0; i < 100; i++) await server.turn()
  assert.ok(first.queuedBytes < 3_000_000, `${first.queuedBytes} octets wait`)
  const answered = asked.length
  for (let i = 0; i < 100; i++) await server.turn()
  assert.equal(asked.length, answered)
  socket.resume()
  await until(() => asked.length > answered)
  socket.destroy()
})

test('who writes is told when to stop and when to go on', async () => {
  const { reader, told } = recorder()
  onExchange = (exchange) => {
    exchange.readBody(reader)
    exchange.start(200, 'text/plain')
  }
  const dialog = new Dialog()
  dialog.socket.pause()
  dialog.say(`GET / HTTP/1.1\r\n${HOST}\r\n`)
  await until(() => asked.length === 1)
  const [exchange] = asked as [HttpExchange]
  while (!exchange.isFull) {
    exchange.write(Buffer.alloc(50_000))
    await server.turn()
  }
  assert.ok(exchange.queuedBytes >= 256 * 1024 && exchange.queuedBytes < 330 * 1024)
  assert.deepEqual(told, ['end'])
  dialog.socket.resume()
  await until(() => told.length > 1)
  assert.deepEqual([told.at(-1), exchange.isFull], ['writable', false])
  dialog.socket.destroy()
})

test('a body that nobody wants is dropped when it is small, else the connection ends behind the answer', async () => {
  const small = `POST /a HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`
  const last = `GET /b HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`
  assert.match(await ask(small + last), /\/aHTTP[^]*\/b$/)
  const large = `POST /a HTTP/1.1\r\n${HOST}Content-Length: 1000000\r\n\r\n${'x'.repeat(1_000_000)}`
  assert.match(await ask(large), /Connection: close\r\n[^]*\/a$/)
  const chunk = `8000\r\n${'x'.repeat(0x8000)}\r\n`
  const endless = `POST /a HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(20)}`
  assert.match(await ask(endless), /keep-alive[^]*\/a$/)
})

test('a client that has said all it has to say hears what it is told at once', async () => {
  const dialog = new Dialog()
  dialog.socket.end(`GET /last HTTP/1.1\r\n${HOST}\r\n`)
  assert.match(await dialog.rest(), /\/last$/)
  const { reader, told } = recorder()
  onExchange = (exchange) => exchange.readBody(reader)
  const waiting = new Dialog()
  waiting.socket.end(`GET /later HTTP/1.1\r\n${HOST}\r\n`)
  assert.equal(await waiting.rest(), '')
  assert.deepEqual(told, ['end', 'closed'])
})

test('a connection ends when nothing comes, when a head does not end, when a goodbye is not returned', async () => {
  const idle = new Dialog().say(`GET /a HTTP/1.1\r\n${HOST}\r\n`)
  await idle.hears(/\/a/)
  const slow = new Dialog().say('GET / HT')
  await until(() => server.listener.connectionCount === 2)
  for (let i = 0; i < 3; i++) await server.turn()
  skippedMs = 301_000
  assert.match(await slow.rest(), /^HTTP\/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n$/)
  assert.match(await idle.rest(), /\/a$/)
  assert.equal(server.http.counters.tooSlow, 1)
  const stays = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
  stays.resume()
  stays.write(`GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
  await once(stays, 'end')
  assert.equal(server.listener.connectionCount, 1)
  skippedMs += 2000
  await until(() => server.listener.connectionCount === 0)
  stays.destroy()
})

test('a server that closes lets answers end, and says that they are the last', async () => {
  const idle = new Dialog().say(`GET /idle HTTP/1.1\r\n${HOST}\r\n`)
  await idle.hears(/\/idle/)
  onExchange = () => undefined
  const busy = new Dialog().say(`GET /busy HTTP/1.1\r\n${HOST}\r\nGET /too-late HTTP/1.1\r\n${HOST}\r\n`)
  await until(() => asked.length === 2)
  const closed = server.close(10_000)
  await idle.rest()
  asked[1]?.respond(200, 'text/plain', 'done')
  assert.match(await busy.rest(), /Connection: close\r\n[^]*done$/)
  await closed
  assert.equal(asked.length, 2)
})
