/** Limits, unknown calls, deadlines, metadata, compression: what lies below the requests. */

import { strict as assert } from 'node:assert'
import { CheckSuite } from '../../support/check-suite.js'
import { EtcdClient } from '../../support/etcd-client.js'
import * as m from '../../support/etcd-messages.js'
import { errorOf, expectError, pairs } from '../../support/expect.js'
import { frame, openSession, rawCall, statusText } from '../../support/raw-call.js'
import { openWatch } from '../../support/watch-stream.js'

export const TRANSPORT_SUITE = new CheckSuite('transport')
const suite = TRANSPORT_SUITE

const PUT = '/etcdserverpb.KV/Put'
const RANGE = '/etcdserverpb.KV/Range'
const REQUEST_BYTES_MAX = 1_572_864
const MESSAGE_BYTES_MAX = REQUEST_BYTES_MAX + 524_288

suite.add('a request over the limit is refused, the largest below it is not', async (context) => {
  const { client, prefix } = context
  const key = `${prefix}k`
  const refused = 'InvalidArgument etcdserver: request is too large'
  await client.put({ key, value: Buffer.alloc(REQUEST_BYTES_MAX - 512, 'a') })
  await expectError(client.put({ key, value: Buffer.alloc(REQUEST_BYTES_MAX, 'b') }), refused)
  await expectError(client.put({ key: Buffer.alloc(REQUEST_BYTES_MAX, 'k') }), refused)
  const half = { requestPut: { key: `${key}1`, value: Buffer.alloc(REQUEST_BYTES_MAX / 2, 'c') } }
  const other = { requestPut: { key: `${key}2`, value: Buffer.alloc(REQUEST_BYTES_MAX / 2, 'c') } }
  await expectError(client.txn({ success: [half, other] }), refused)
  await expectError(client.deleteRange({ key: Buffer.alloc(REQUEST_BYTES_MAX, 'k') }), refused)
  const { kvs } = await client.range({ key })
  assert.equal(kvs[0]?.value[0], 'a'.charCodeAt(0))
})

suite.add('a message over the limit of gRPC is refused before it is read', async (context) => {
  const { client, prefix } = context
  const request = m.PutRequest.encode({ key: prefix, value: Buffer.alloc(MESSAGE_BYTES_MAX, 'x') })
  const text = `ResourceExhausted grpc: received message larger than max (${request.length} vs. ${MESSAGE_BYTES_MAX})`
  assert.equal(await errorOf(client.raw(PUT, request)), text)
  await client.put({ key: `${prefix}k`, value: 'the connection goes on' })
})

suite.add('a key as long as a request may be is stored and found', async ({ client, prefix }) => {
  const key = Buffer.alloc(1_500_000, 'K')
  key.write(prefix)
  await client.put({ key, value: 'long' })
  assert.deepEqual((await client.range({ key })).kvs[0]?.value.toString(), 'long')
  assert.equal((await client.deleteRange({ key })).deleted, 1)
})

suite.add('unknown services and methods are unimplemented, by name', async ({ client }) => {
  const empty = Buffer.alloc(0)
  await expectError(
    client.raw('/etcdserverpb.KV/Nothing', empty),
    'Unimplemented unknown method Nothing for service etcdserverpb.KV',
  )
  await expectError(
    client.raw('/no.such.Service/Call', empty),
    'Unimplemented unknown service no.such.Service',
  )
})

suite.add('a deadline that has passed ends the call', async ({ client, prefix }) => {
  const call = client.range({ key: prefix }, { deadlineMs: 0 })
  assert.match(await errorOf(call), /^DeadlineExceeded /u)
})

suite.add('a call with a deadline that holds is answered', async ({ endpoint, prefix }) => {
  const session = await openSession(endpoint)
  const body = frame(m.RangeRequest.encode({ key: prefix }))
  for (const timeout of ['5S', '5000m', '1M', '1H', '99999999u', '99999999n']) {
    const answer = await rawCall(session, RANGE, body, { 'grpc-timeout': timeout })
    assert.equal(statusText(answer), 'OK', timeout)
  }
  session.close()
})

suite.add('answers are gRPC: content type, frame, trailers', async ({ endpoint, prefix }) => {
  const session = await openSession(endpoint)
  const answer = await rawCall(session, RANGE, frame(m.RangeRequest.encode({ key: prefix })))
  assert.deepEqual([answer.httpStatus, answer.grpcStatus, answer.grpcMessage], [200, 0, ''])
  assert.equal(answer.headers['content-type'], 'application/grpc')
  assert.deepEqual([answer.body[0], answer.body.readUInt32BE(1)], [0, answer.body.length - 5])
  const error = await rawCall(session, RANGE, frame(Buffer.alloc(0)))
  assert.deepEqual([error.httpStatus, error.grpcStatus, error.body.length], [200, 3, 0])
  session.close()
})

suite.add('a request compressed with gzip is understood', async ({ client, endpoint, prefix }) => {
  const session = await openSession(endpoint)
  const key = `${prefix}k`
  const value = Buffer.alloc(100_000, 'compress me ')
  const body = frame(m.PutRequest.encode({ key, value }), true)
  const answer = await rawCall(session, PUT, body, { 'grpc-encoding': 'gzip' })
  assert.equal(statusText(answer), 'OK')
  assert((await client.range({ key })).kvs[0]?.value.equals(value))
  session.close()
}, { since: '3.5' })

suite.add('an encoding nobody knows is unimplemented', async ({ endpoint, prefix }) => {
  const session = await openSession(endpoint)
  const body = frame(m.RangeRequest.encode({ key: prefix }), true)
  const answer = await rawCall(session, RANGE, body, { 'grpc-encoding': 'snappy' })
  assert.equal(answer.grpcStatus, 12)
  session.close()
})

suite.add('bytes that are no message are refused, and the server goes on', async (context) => {
  const { client, endpoint, prefix } = context
  const session = await openSession(endpoint)
  const broken = [Buffer.from([0x0a, 0xff]), Buffer.from([0x07]), Buffer.alloc(30, 0xff)]
  for (const bytes of broken) {
    const answer = await rawCall(session, PUT, frame(bytes))
    assert.equal(answer.grpcStatus, 13, statusText(answer))
  }
  session.close()
  await client.put({ key: `${prefix}k`, value: 'v' })
  assert.deepEqual(pairs((await client.range({ key: `${prefix}k` })).kvs), [`${prefix}k=v`])
})

suite.add('unknown fields are skipped', async ({ client, prefix }) => {
  const key = `${prefix}k`
  const extra = Buffer.from([0xf8, 0x07, 0x01, 0xfa, 0x07, 0x03, 1, 2, 3, 0xfd, 0x07, 1, 2, 3, 4])
  await client.raw(PUT, Buffer.concat([extra, m.PutRequest.encode({ key, value: 'v' }), extra]))
  assert.deepEqual(pairs((await client.range({ key })).kvs), [`${key}=v`])
})

suite.add('metadata of clients is accepted', async ({ client, prefix }) => {
  const metadata = { 'client-api-version': '3.7', hasleader: 'true', other: 'x' }
  await client.put({ key: `${prefix}k`, value: 'v' }, { metadata })
  const watch = client.watch({ metadata })
  watch.send({ createRequest: { key: `${prefix}k` } })
  assert.equal((await watch.next()).created, true)
  watch.cancel()
})

suite.add(
  'a token means nothing while auth is off',
  async ({ client, prefix }) => {
    const metadata = { token: 'ignored', authorization: 'Bearer ignored' }
    await client.put({ key: `${prefix}k`, value: 'v' }, { metadata })
  },
  { since: '3.5' },
)

suite.add('a cancelled call leaves the connection in order', async ({ client, prefix }) => {
  for (let i = 0; i < 50; i++) {
    const stream = client.watch()
    if (i % 2 === 0) stream.send({ createRequest: { key: prefix } })
    stream.cancel()
    assert.equal((await stream.ended).code, 1)
  }
  await client.put({ key: `${prefix}k`, value: 'v' })
})

suite.add('too many pings are answered with GOAWAY', async ({ endpoint }) => {
  const session = await openSession(endpoint)
  const closed = new Promise<void>((resolve) => session.once('close', () => resolve()))
  let goaway: { code: number; data: string } | undefined
  session.on('goaway', (code: number, _last: number, data?: Buffer) => {
    goaway = { code, data: data?.toString() ?? '' }
  })
  for (let i = 0; i < 20 && !session.destroyed; i++) {
    await new Promise<void>((resolve) => {
      const sent = session.ping(() => resolve())
      if (!sent) resolve()
    })
  }
  await closed
  assert.deepEqual(goaway, { code: 11, data: 'too_many_pings' })
})

suite.add('many connections come and go', async ({ endpoint, prefix }) => {
  for (let round = 0; round < 5; round++) {
    const clients = Array.from({ length: 40 }, () => new EtcdClient(endpoint))
    await Promise.all(clients.map((one, i) => one.put({ key: `${prefix}${i}`, value: 'v' })))
    await Promise.all(clients.map((one, i) => openWatch(one, { key: `${prefix}${i}` })))
    for (const one of clients) one.close()
  }
})

suite.add('version and health are there over HTTP/1.1', async ({ endpoint, kind }) => {
  const version = await fetch(`http://${endpoint}/version`)
  const body = (await version.json()) as Record<string, string>
  assert.equal(version.status, 200)
  assert.match(body['etcdserver'] ?? '', kind === 'etcd' ? /^3\.4\./u : /^3\.7\.\d+$/u)
  assert.match(body['etcdcluster'] ?? '', /^3\.\d+\.0$/u)
  const health = await fetch(`http://${endpoint}/health`)
  assert.equal(health.status, 200)
  assert.equal(((await health.json()) as Record<string, string>)['health'], 'true')
  const missing = await fetch(`http://${endpoint}/no-such-page`)
  assert.equal(missing.status, 404)
  await missing.arrayBuffer()
})

suite.add('a client api version that is no text is refused', async ({ endpoint, prefix }) => {
  const session = await openSession(endpoint)
  const body = frame(m.RangeRequest.encode({ key: prefix }))
  const answer = await rawCall(session, RANGE, body, { 'client-api-version': '\xff\xfe' })
  assert.equal(statusText(answer), 'InvalidArgument etcdserver: invalid client api version')
  session.close()
}, { since: '3.5' })
