/** The transport on a real port against the clients that people use: @grpc/grpc-js and node:http2. */

import assert from 'node:assert/strict'
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import { after, before, test } from 'node:test'
import { Client, Metadata, credentials, type CallOptions } from '@grpc/grpc-js'
import { message } from '../http2/support/frames.js'
import { EchoServer } from './support/echo-server.js'
import { ECHO } from './support/echo-service.js'

const PORT = 20_010
let server: EchoServer
let client: Client
let session: ClientHttp2Session

before(async () => {
  server = await EchoServer.start({ port: PORT })
  client = new Client(server.address, credentials.createInsecure(), { 'grpc.max_receive_message_length': -1 })
  session = connectHttp2(`http://${server.address}`)
})

after(async () => {
  client.close()
  session.destroy()
  await server.close()
})

const same = (bytes: Buffer): Buffer => bytes

/** The answer, or `code details` of the error. */
function unary(
  method: string,
  body: Buffer | string,
  options: CallOptions = {},
  metadata = new Metadata(),
): Promise<string> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(ECHO + method, same, same, Buffer.from(body), metadata, options, (error, answer) => {
      resolve(error === null ? (answer as Buffer).toString('latin1') : `${error.code} ${error.details}`)
    })
  })
}

interface Http2Answer {
  readonly head: Readonly<Record<string, unknown>>
  readonly body: Buffer
  readonly trailers: Readonly<Record<string, unknown>>
}

/** A call by hand through node:http2. */
function call(fields: Readonly<Record<string, string>>, body: readonly Uint8Array[]): Promise<Http2Answer> {
  const stream = session.request({
    ':method': 'POST',
    ':path': `${ECHO}Unary`,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...fields,
  })
  return new Promise((resolve, reject) => {
    let head: Http2Answer['head'] = {}
    let trailers: Http2Answer['trailers'] = {}
    const parts: Buffer[] = []
    stream.on('response', (received) => (head = received))
    stream.on('trailers', (received) => (trailers = received))
    stream.on('data', (part: Buffer) => parts.push(part))
    stream.on('error', reject)
    stream.on('end', () => resolve({ head, trailers, body: Buffer.concat(parts) }))
    for (const part of body) stream.write(part)
    stream.end()
  })
}

test('grpc-js: a unary call', async () => {
  assert.equal(await unary('Unary', 'hello'), 'hello')
})

test('grpc-js: an empty message', async () => {
  assert.equal(await unary('Unary', ''), '')
})

test('grpc-js: messages of a megabyte both ways', async () => {
  const text = 'abcdefgh'.repeat(2 ** 17)
  assert.equal(await unary('Unary', text), text)
})

test('grpc-js: an answer of 30 MB in chunks', async () => {
  assert.equal((await unary('Big', '30000000')).length, 30_000_000)
  assert.ok(server.service.queuedBytesHighest < 512 * 1024)
})

test('grpc-js: a status with a text in all kinds of letters', async () => {
  assert.equal(await unary('Fail', '9 50% наличие 鍵'), '9 50% наличие 鍵')
})

test('grpc-js: an unknown method', async () => {
  assert.equal(await unary('Nope', ''), '12 unknown method /echo.Echo/Nope')
})

test('grpc-js: a message above the limit', async () => {
  assert.equal(
    await unary('Unary', Buffer.alloc(2 ** 21 + 1)),
    `8 grpc: received message larger than max (${2 ** 21 + 1} vs. ${2 ** 21})`,
  )
})

test('grpc-js: gzip requests', async () => {
  const zipped = new Client(server.address, credentials.createInsecure(), {
    'grpc.default_compression_algorithm': 2,
    'grpc.use_local_subchannel_pool': 1,
  })
  const text = 'again and again '.repeat(1000)
  const answer = await new Promise<string>((resolve) => {
    zipped.makeUnaryRequest(`${ECHO}Unary`, same, same, Buffer.from(text), (error, bytes) => {
      resolve(error === null ? (bytes as Buffer).toString() : `${error.code} ${error.details}`)
    })
  })
  zipped.close()
  assert.equal(answer, text)
})

test('grpc-js: metadata', async () => {
  const metadata = new Metadata()
  metadata.set('token', 'abc.123')
  assert.equal(await unary('Metadata', 'token', {}, metadata), 'abc.123')
})

test('grpc-js: a deadline reaches the service as a cancellation', async () => {
  server.service.cancelled.length = 0
  assert.match(await unary('Hang', 'x', { deadline: Date.now() + 50 }), /^4 /)
  assert.equal(await unary('Unary', 'round trip'), 'round trip')
  assert.deepEqual(server.service.cancelled, [`${ECHO}Hang`])
})

test('grpc-js: a cancelled call reaches the service', async () => {
  server.service.cancelled.length = 0
  const hanging = new Promise<number>((resolve) => {
    const pending = client.makeUnaryRequest(`${ECHO}Headers`, same, same, Buffer.from('x'), (error) => {
      resolve(error?.code ?? 0)
    })
    pending.on('metadata', () => pending.cancel())
  })
  assert.equal(await hanging, 1)
  assert.equal(await unary('Unary', 'round trip'), 'round trip')
  assert.deepEqual(server.service.cancelled, [`${ECHO}Headers`])
})

test('grpc-js: ten thousand messages on one stream, in order', async () => {
  const stream = client.makeBidiStreamRequest(`${ECHO}Stream`, same, same)
  const texts: string[] = []
  stream.on('data', (bytes: Buffer) => texts.push(bytes.toString()))
  const ended = new Promise<number>((resolve) => stream.on('status', (status) => resolve(status.code)))
  for (let i = 0; i < 10_000; i++) stream.write(Buffer.from(`message ${i}`))
  stream.end()
  assert.equal(await ended, 0)
  assert.deepEqual(texts, Array.from({ length: 10_000 }, (_, i) => `message ${i}`))
})

test('grpc-js: a thousand calls at once', async () => {
  const answers = await Promise.all(Array.from({ length: 1000 }, (_, i) => unary('Unary', `call ${i}`)))
  assert.deepEqual(answers, Array.from({ length: 1000 }, (_, i) => `call ${i}`))
})

test('node:http2: headers, message, trailers', async () => {
  const { head, body, trailers } = await call({}, [message('hello')])
  assert.equal(head[':status'], 200)
  assert.equal(head['content-type'], 'application/grpc')
  assert.deepEqual(body, message('hello'))
  assert.equal(trailers['grpc-status'], '0')
})

test('node:http2: a message cut into single octets', async () => {
  const { body } = await call({}, [...message('hello')].map((octet) => Uint8Array.of(octet)))
  assert.deepEqual(body, message('hello'))
})

test('node:http2: another content type is 415', async () => {
  const { head } = await call({ 'content-type': 'text/plain' }, [])
  assert.equal(head[':status'], 415)
  assert.equal(head['grpc-status'], '3')
})

test('node:http2: an unknown encoding names the known ones', async () => {
  const { head } = await call({ 'grpc-encoding': 'br' }, [])
  assert.equal(head['grpc-status'], '12')
  assert.equal(head['grpc-accept-encoding'], 'identity,gzip')
})

test('node:http2: PING', async () => {
  const payload = await new Promise<Buffer>((resolve, reject) => {
    session.ping(Buffer.from('12345678'), (error, _ms, answer) => (error === null ? resolve(answer) : reject(error)))
  })
  assert.equal(payload.toString(), '12345678')
})

test('node:http2: a large answer to a small window', async () => {
  const small = connectHttp2(`http://${server.address}`, { settings: { initialWindowSize: 1000 } })
  const stream = small.request({ ':method': 'POST', ':path': `${ECHO}Big`, 'content-type': 'application/grpc' })
  let received = 0
  stream.on('data', (part: Buffer) => (received += part.length))
  stream.end(message('1000000'))
  await new Promise<void>((resolve) => stream.on('end', () => resolve()))
  small.destroy()
  assert.equal(received, 1_000_005)
})
