/** The hash of a member's keys as members ask each other for it: over a real connection, in etcd's form. */

import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { Slice } from '../../../src/base/slice.js'
import { peerAsker } from '../../../src/cluster/peer-request-socket.js'
import { frontMessages } from '../../../src/messages/front-messages.js'
import { senderOf } from '../../../src/messages/message-codec.js'
import { HASH_KV_METHOD } from '../../../src/messages/peer-messages.js'
import { parseHashKvRequest } from '../../../src/peer/hash-kv-json.js'
import { MemberCalls } from '../../../src/peer/member-calls.js'
import { HashKvServer } from '../../../src/peer/port/hash-kv-server.js'
import { MemberCallServer } from '../../../src/peer/port/member-call-server.js'
import { etcdErrors } from '../../../src/proto/etcd-errors.js'
import {
  decodeHashKVRequest, decodeHashKVResponse, encodeHashKVRequest, encodeHashKVResponse, type HashKVResponseInput,
} from '../../../src/proto/generated/etcdserverpb.js'
import { allocateRing } from '../../../src/ring/ring-layout.js'
import { RingWriter } from '../../../src/ring/ring-writer.js'
import { Mailbox } from '../../mvcc/support/mailbox.js'
import { askPeerHash, type PeerHashAnswer } from '../../support/cluster/peer-hash.js'

const CLUSTER = 0xcdf8_18194e3a8c32n
const FOUND: HashKVResponseInput = {
  header: { cluster_id: CLUSTER, member_id: 0xffff_ffff_ffff_fff1n, revision: 77, raft_term: 4 },
  hash: 0xfedc_ba98, compact_revision: -1, hash_revision: 70,
}
const FOUND_JSON = '{"header":{"revision":77},"hash":4275878552,"compact_revision":-1,"hash_revision":70}'

/** The asked member's first front: answers at once. */
const asked: number[] = []
const methods: string[] = []
let answer: { status: number; message: string; data: Uint8Array } = { status: 0, message: '', data: Buffer.alloc(0) }
const ring = allocateRing(64 * 1024)
const writer = new RingWriter(ring)
const mailbox = new Mailbox(frontMessages, ring)
const calls = new MemberCallServer(senderOf(frontMessages, writer), () => {
  writer.publish()
  for (const { call, method, token, data } of mailbox.take() as Record<string, unknown>[]) {
    methods.push(textOf(method), textOf(token))
    asked.push(decodeHashKVRequest(data as Uint8Array).revision)
    setImmediate(() => calls.onAnswerMember({
      call: call as number, status: answer.status, message: slice(answer.message), data: slice(answer.data),
    }))
  }
})
const page = new HashKvServer(CLUSTER, calls)
let server: Server
let url = ''

before(async () => {
  server = createServer(page.onRequest)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

after(() => server.close())

function textOf(bytes: unknown): string {
  return Buffer.from(bytes as Uint8Array).toString('utf8')
}

function slice(text: string | Uint8Array): Slice {
  const bytes = Buffer.from(text as string)
  return new Slice().at(bytes, 0, bytes.length)
}

function say(method: string, body: string, headers: Record<string, string> = {}): Promise<PeerHashAnswer> {
  return askPeerHash(url, { method, body, headers })
}

function found(): void {
  answer = { status: 0, message: '', data: encodeHashKVResponse(FOUND) }
}

test('a hash is answered as JSON with all its numbers, to whomever names the cluster or none', async () => {
  found()
  asked.length = 0
  for (const headers of [{}, { 'X-Etcd-Cluster-ID': CLUSTER.toString(16) }]) {
    const { status, contentType, body } = await say('GET', '{"revision":70}', headers as Record<string, string>)
    assert.deepEqual([status, contentType, body], [200, 'application/json', FOUND_JSON])
  }
  await say('GET', '{}')
  assert.deepEqual(asked, [70, 70, 0])
  assert.deepEqual(new Set(methods), new Set([HASH_KV_METHOD, '']))
})

test('another method, another cluster and what is no request are refused in etcd\'s words', async () => {
  found()
  const post = await say('POST', '{"revision":70}')
  assert.deepEqual([post.status, post.allow, post.body], [405, 'GET', 'Method Not Allowed\n'])
  const other = await say('GET', '{"revision":70}', { 'X-Etcd-Cluster-ID': 'abc' })
  assert.deepEqual([other.status, other.body], [412, 'cluster ID mismatch\n'])
  for (const body of ['', 'revision', '[]', '{"revision":"7"}', '{"revision":1.5}']) {
    const refused = await say('GET', body)
    assert.deepEqual([refused.status, refused.body], [400, 'error unmarshalling request\n'], body)
  }
})

test('a revision that is gone or to come is refused with the error of the key space', async () => {
  const { compacted, futureRev } = etcdErrors
  for (const { code, message } of [compacted, futureRev]) {
    answer = { status: code, message, data: Buffer.alloc(0) }
    const refused = await say('GET', '{"revision":70}')
    assert.deepEqual([refused.status, refused.body], [400, `${message.replace('etcdserver: ', '')}\n`])
  }
})

test('no more than eight hashes are made at a time', async () => {
  const ends: (() => void)[] = []
  const slow = new HashKvServer(CLUSTER, {
    ask: (_, __, onAnswer) => {
      ends.push(() => onAnswer({ status: 0, message: '', data: encodeHashKVResponse(FOUND) }))
      if (ends.length === 8) full()
      return true
    },
  })
  let full: () => void = () => undefined
  const isFull = new Promise<void>((resolve) => (full = resolve))
  server.removeAllListeners('request')
  server.on('request', slow.onRequest)
  try {
    const eight = Array.from({ length: 8 }, () => say('GET', '{}'))
    await isFull
    assert.equal((await say('GET', '{}')).status, 503)
    for (const end of ends.splice(0)) end()
    for (const { status } of await Promise.all(eight)) assert.equal(status, 200)
  } finally {
    server.removeAllListeners('request')
    server.on('request', page.onRequest)
  }
})

/** What the front that asks hears. */
async function ask(revision: number, urls: readonly string[] = [url]): Promise<Record<string, unknown>> {
  const heardRing = allocateRing(64 * 1024)
  const toFront = new RingWriter(heardRing)
  const heard = new Mailbox(frontMessages, heardRing)
  let wake: () => void = () => undefined
  const came = new Promise<void>((resolve) => (wake = resolve))
  const asks = new MemberCalls({
    ask: peerAsker(null),
    fields: { 'X-Etcd-Cluster-ID': CLUSTER.toString(16) },
    fronts: [senderOf(frontMessages, toFront)],
    requestTurn: () => {
      toFront.publish()
      wake()
    },
  })
  asks.onAskMember({
    call: 1, front: 0, to: 7n, method: slice(HASH_KV_METHOD), token: slice(''),
    data: slice(encodeHashKVRequest({ revision })),
  }, urls)
  await came
  return heard.take()[0] as Record<string, unknown>
}

test('a member asks another the same way, and tries its URLs in turn', async () => {
  found()
  asked.length = 0
  const heard = await ask(70, ['http://127.0.0.1:1', url])
  assert.deepEqual([heard['isAnswered'], heard['status'], asked], [1, 0, [70]])
  const { hash, compact_revision, hash_revision, header } = decodeHashKVResponse(heard['data'] as Uint8Array)
  assert.deepEqual([hash, compact_revision, hash_revision, header?.revision], [0xfedc_ba98, -1, 70, 77])
  assert.equal((await ask(70, ['http://127.0.0.1:1']))['isAnswered'], 0)
})

test('a member that asks hears why there is no hash', async () => {
  const { code, message } = etcdErrors.compacted
  answer = { status: code, message, data: Buffer.alloc(0) }
  const heard = await ask(70)
  assert.notEqual(heard['status'], 0)
  assert.equal(textOf(heard['message']), '400 mvcc: required revision has been compacted')
})

test('requests are read as Go reads them: a field that is not given, or null, is 0', () => {
  assert.deepEqual(parseHashKvRequest('{"revision":null,"other":1}'), { revision: 0 })
  assert.deepEqual(parseHashKvRequest('null'), { revision: 0 })
  assert.equal(parseHashKvRequest('{"revision":1e400}'), null)
})
