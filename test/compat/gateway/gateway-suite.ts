/** The JSON gateway where one answer is not all: streams while they run, WebSockets, large answers, limits. */

import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2'
import { gunzipSync, gzipSync } from 'node:zlib'
import WebSocket from 'ws'
import { CheckSuite } from '../../support/check-suite.js'
import { b64, gatewayCall, GatewayStream, pick, pipelined, rawPost } from '../../support/http/gateway-client.js'
import { LineReader } from '../../support/http/line-reader.js'

export const GATEWAY_SUITE = new CheckSuite('gateway')
const suite = GATEWAY_SUITE

const REQUEST_BYTES_MAX = 1_572_864
/** What 3.4.23 does otherwise, or not at all. */
const OURS = { since: '3.7' } as const

suite.add('a watch shows what happens while it is open', async ({ endpoint, client, prefix }) => {
  const stream = new GatewayStream(endpoint, '/v3/watch')
  stream.write({ create_request: { key: b64(`${prefix}k`) } })
  assert.equal(pick(await stream.line(), 'result.created'), true)
  for (const value of ['1', '2']) {
    await client.put({ key: `${prefix}k`, value })
    assert.equal(pick(await stream.line(), 'result.events.0.kv.value'), b64(value))
  }
  await client.deleteRange({ key: `${prefix}k` })
  assert.equal(pick(await stream.line(), 'result.events.0.type'), 'DELETE')
  stream.destroy()
})

suite.add('one body asks for several watches, and cancels one', async ({ endpoint, client, prefix }) => {
  const stream = new GatewayStream(endpoint, '/v3/watch')
  stream.write({ create_request: { key: b64(`${prefix}a`), watch_id: '3' } })
  assert.equal(pick(await stream.line(), 'result.watch_id'), '3')
  stream.write({ createRequest: { key: b64(`${prefix}b`), watchId: 4 } })
  assert.equal(pick(await stream.line(), 'result.watch_id'), '4')
  stream.write({ cancel_request: { watch_id: 3 } })
  assert.equal(pick(await stream.line(), 'result.canceled'), true)
  await client.put({ key: `${prefix}a`, value: 'unseen' })
  await client.put({ key: `${prefix}b`, value: 'seen' })
  assert.equal(pick(await stream.line(), 'result.events.0.kv.key'), b64(`${prefix}b`))
  stream.destroy()
})

suite.add('a watch goes on when its body has ended', async ({ endpoint, client, prefix }) => {
  const stream = new GatewayStream(endpoint, '/v3/watch')
  stream.write({ create_request: { key: b64(`${prefix}k`) } })
  stream.end()
  assert.equal(pick(await stream.line(), 'result.created'), true)
  await client.put({ key: `${prefix}k`, value: 'late' })
  assert.equal(pick(await stream.line(), 'result.events.0.kv.value'), b64('late'))
  stream.destroy()
})

suite.add('a lease is kept alive as often as it is asked for', async ({ endpoint, client }) => {
  const { id } = await client.leaseGrant({ ttl: 500 })
  const stream = new GatewayStream(endpoint, '/v3/lease/keepalive')
  for (let i = 0; i < 3; i++) {
    stream.write({ ID: String(id) })
    const line = await stream.line()
    assert.deepEqual([pick(line, 'result.ID'), pick(line, 'result.TTL')], [String(id), '500'])
  }
  stream.end()
  assert.equal(await stream.rest(), '')
})

// etcd 3.4 takes either of the two, in no order that it would keep.
suite.add('an operation of two kinds is refused', async ({ endpoint }) => {
  const operation = { request_range: { key: b64('a') }, request_put: { key: b64('a') } }
  const { status, json } = await gatewayCall(endpoint, '/v3/kv/txn', { success: [operation] })
  assert.deepEqual([status, pick(json, 'code')], [400, 3])
}, OURS)

suite.add('a watch over a WebSocket', async ({ endpoint, client, prefix }) => {
  const { socket, messages } = await openSocket(endpoint, '/v3/watch')
  socket.send(JSON.stringify({ create_request: { key: b64(`${prefix}w`) } }))
  assert.equal(pick(JSON.parse(await messages.next()), 'result.created'), true)
  await client.put({ key: `${prefix}w`, value: 'over a socket' })
  assert.equal(pick(JSON.parse(await messages.next()), 'result.events.0.kv.value'), b64('over a socket'))
  socket.terminate()
})

suite.add('a single call over a WebSocket is answered and the socket closed', async ({ endpoint, prefix }) => {
  // The second path is the one of etcd before 3.4.
  for (const path of ['/v3/kv/put', '/v3beta/kv/put']) {
    const { socket, messages } = await openSocket(endpoint, path)
    const closed = once(socket, 'close')
    socket.send(JSON.stringify({ key: b64(`${prefix}w`), value: b64('1') }))
    const answer = await messages.next()
    assert.ok(Number(pick(JSON.parse(answer), 'header.revision')) > 1, answer)
    await closed
  }
})

suite.add('requests of one connection are answered in order', async ({ endpoint, client, prefix }) => {
  await client.put({ key: `${prefix}p`, value: '1' })
  const text = await pipelined(endpoint, [
    { path: '/v3/kv/put', body: { key: b64(`${prefix}q`), value: b64('1'), prev_kv: true } },
    { path: '/v3/kv/range', body: { key: b64(`${prefix}p`) } },
    { path: '/v3/kv/nothing', body: {} },
    { path: '/v3/kv/deleterange', body: { key: b64(`${prefix}p`) } },
  ])
  const answers = text.split(/(?=HTTP\/1\.1 \d)/u)
  assert.equal(answers.length, 4, text)
  assert.match(answers[1] as string, /"count":\s?"1"/u)
  assert.match(answers[2] as string, /^HTTP\/1\.1 404/u)
  assert.match(answers[3] as string, /"deleted":\s?"1"/u)
})

suite.add('a large value comes back byte for byte', async ({ endpoint, prefix }) => {
  const value = Buffer.alloc(REQUEST_BYTES_MAX - 1000, 'äöü')
  const key = b64(`${prefix}large`)
  assert.equal((await gatewayCall(endpoint, '/v3/kv/put', { key, value: value.toString('base64') })).status, 200)
  const { json } = await gatewayCall(endpoint, '/v3/kv/range', { key })
  assert.ok(value.equals(Buffer.from(pick(json, 'kvs.0.value') as string, 'base64')))
})

suite.add('a request over the limit is refused', async ({ endpoint, prefix }) => {
  const value = b64('x'.repeat(REQUEST_BYTES_MAX))
  const { status, json } = await gatewayCall(endpoint, '/v3/kv/put', { key: b64(`${prefix}k`), value })
  assert.deepEqual([status, pick(json, 'message')], [400, 'etcdserver: request is too large'])
})

suite.add('a message over the limit of gRPC is refused', async ({ endpoint, prefix }) => {
  const value = b64('x'.repeat(REQUEST_BYTES_MAX + 524_288))
  const { status, json } = await gatewayCall(endpoint, '/v3/kv/put', { key: b64(`${prefix}k`), value })
  assert.equal(status, 429)
  assert.match(pick(json, 'message') as string, /^grpc: received message larger than max \(/u)
})

suite.add('every answer lets pages of any origin read it', async ({ endpoint }) => {
  const { headers } = await rawPost(endpoint, '/v3/kv/range', {}, '{}')
  assert.equal(headers['access-control-allow-origin'], '*')
  assert.equal(headers['access-control-allow-methods'], 'POST, GET, OPTIONS, PUT, DELETE')
  assert.equal(headers['access-control-allow-headers'], 'accept, content-type, authorization')
})

suite.add('a WebSocket brings its token as a protocol', async ({ endpoint }) => {
  const { socket } = await openSocket(endpoint, '/v3/kv/range', ['Bearer', 'some.token'])
  assert.equal(socket.protocol, 'Bearer')
  socket.terminate()
})

suite.add('an upgrade that is not taken is a request like any other', async ({ endpoint, client, prefix }) => {
  const offer = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAAP__' }
  await client.put({ key: `${prefix}k`, value: 'v' })
  const answer = await rawPost(endpoint, '/v3/kv/range', offer, JSON.stringify({ key: b64(`${prefix}k`) }))
  assert.equal(pick(JSON.parse(answer.bytes.toString()), 'kvs.0.value'), b64('v'))
  const page = new WebSocket(`ws://${endpoint}/version`)
  const [error] = (await once(page, 'error')) as [Error]
  assert.match(error.message, /200/u)
})

suite.add('a stream that is told nonsense says so', async ({ endpoint }) => {
  const { status, json } = await gatewayCall(endpoint, '/v3/watch', 'nonsense')
  assert.deepEqual([status, pick(json, 'error.code')], [400, 3])
  const stream = new GatewayStream(endpoint, '/v3/watch')
  stream.write({ create_request: { key: b64('x') } })
  assert.equal(pick(await stream.line(), 'result.created'), true)
  stream.write([])
  assert.equal(pick(await stream.line(), 'error.code'), 3)
  assert.equal(await stream.rest(), '')
}, OURS)

suite.add('a body that is far too large ends with an answer', async ({ endpoint }) => {
  const filler = 'x'.repeat(6_000_000)
  assert.equal((await gatewayCall(endpoint, '/v3/kv/put', `{"x":"${filler}"}`)).status, 429)
  assert.equal((await gatewayCall(endpoint, '/v3/lease/keepalive', `{"x":"${filler}`)).status, 429)
}, OURS)

suite.add('answers are compressed for who asks, bodies inflated', async ({ endpoint, client, prefix }) => {
  await client.put({ key: `${prefix}z`, value: Buffer.alloc(20_000, 'z') })
  const body = JSON.stringify({ key: b64(`${prefix}z`) })
  const packed = await rawPost(endpoint, '/v3/kv/range', { 'accept-encoding': 'gzip' }, body)
  assert.equal(packed.headers['content-encoding'], 'gzip')
  assert.equal(pick(JSON.parse(gunzipSync(packed.bytes).toString()), 'count'), '1')
  const plain = await rawPost(endpoint, '/v3/kv/range', { 'accept-encoding': 'gzip;q=0' }, body)
  assert.equal(plain.headers['content-encoding'], undefined)
  const inflated = await rawPost(endpoint, '/v3/kv/range', { 'content-encoding': 'gzip' }, gzipSync(body))
  assert.equal(pick(JSON.parse(inflated.bytes.toString()), 'count'), '1')
  const bomb = gzipSync(Buffer.alloc(50_000_000, ' '))
  assert.equal((await rawPost(endpoint, '/v3/kv/range', { 'content-encoding': 'gzip' }, bomb)).status, 429)
}, OURS)

suite.add('a range of many megabytes comes whole', async ({ endpoint, client, prefix }) => {
  const value = Buffer.alloc(100_000, 'v')
  for (let i = 0; i < 40; i++) await client.put({ key: `${prefix}${String(i).padStart(2, '0')}`, value })
  const range = { key: b64(prefix), range_end: b64(`${prefix.slice(0, -1)}0`) }
  const { json } = await gatewayCall(endpoint, '/v3/kv/range', range)
  const kvs = pick(json, 'kvs') as readonly { readonly value: string }[]
  assert.deepEqual([pick(json, 'count'), kvs.length], ['40', 40])
  for (const kv of kvs) assert.ok(value.equals(Buffer.from(kv.value, 'base64')))
  const sorted = await gatewayCall(endpoint, '/v3/kv/range', { ...range, sort_order: 'DESCEND', limit: 30 })
  assert.deepEqual([pick(sorted.json, 'more'), pick(sorted.json, 'kvs.29.key')], [true, b64(`${prefix}10`)])
}, OURS)

suite.add('a deadline ends a watch with its error', async ({ endpoint }) => {
  const headers = { 'grpc-timeout': '100m' }
  const answer = await rawPost(endpoint, '/v3/watch', headers, JSON.stringify({ create_request: { key: b64('x') } }))
  const last = answer.bytes.toString().trim().split('\n').at(-1) as string
  assert.equal(pick(JSON.parse(last), 'error.code'), 4)
}, OURS)

suite.add('the gateway and the pages answer over HTTP/2 as well', async ({ endpoint, client, prefix }) => {
  const session = connectHttp2(`http://${endpoint}`)
  const key = b64(`${prefix}h2`)
  const put = await ask(session, '/v3/kv/put', { key, value: b64('over HTTP/2') })
  assert.deepEqual([put.status, put.headers['content-type']], [200, 'application/json'])
  const range = await ask(session, '/v3/kv/range', { key })
  assert.equal(pick(JSON.parse(range.text), 'kvs.0.value'), b64('over HTTP/2'))
  assert.equal((await ask(session, '/v3/kv/range', { key: 1 })).status, 400)
  assert.equal((await ask(session, '/no/such/page', {})).status, 404)
  assert.match((await ask(session, '/version', null)).text, /"etcdserver":"3\.7\.1"/u)
  const large = b64('x'.repeat(1_000_000))
  assert.equal((await ask(session, '/v3/kv/put', { key, value: large })).status, 200)
  assert.equal(pick(JSON.parse((await ask(session, '/v3/kv/range', { key })).text), 'kvs.0.value'), large)
  const watch = session.request({ ':method': 'POST', ':path': '/v3/watch' })
  const lines = new LineReader()
  watch.on('data', (chunk: Buffer) => lines.push(chunk.toString()))
  watch.write(JSON.stringify({ create_request: { key } }))
  assert.equal(pick(JSON.parse(await lines.next()), 'result.created'), true)
  await client.put({ key: `${prefix}h2`, value: 'seen' })
  assert.equal(pick(JSON.parse(await lines.next()), 'result.events.0.kv.value'), b64('seen'))
  session.destroy()
}, OURS)

async function openSocket(endpoint: string, path: string, protocols: string[] = []): Promise<{
  readonly socket: WebSocket
  readonly messages: LineReader
}> {
  const socket = new WebSocket(`ws://${endpoint}${path}`, protocols)
  const messages = new LineReader()
  socket.on('message', (data: Buffer) => messages.push(`${data.toString()}\n`))
  await once(socket, 'open')
  return { socket, messages }
}

async function ask(session: ReturnType<typeof connectHttp2>, path: string, body: object | null): Promise<{
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}> {
  const stream = session.request({ ':method': body === null ? 'GET' : 'POST', ':path': path })
  // A GET has no body to end.
  if (body !== null) stream.end(JSON.stringify(body))
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return { status: Number(headers[':status']), headers, text: Buffer.concat(chunks).toString() }
}
