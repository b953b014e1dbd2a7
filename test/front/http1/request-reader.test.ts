/** Requests out of octets: what a head means, where a body ends, what is refused, and that pieces change nothing. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fieldOf, type RequestHead } from '../../../src/front/http1/request-head.js'
import { RequestReader } from '../../../src/front/http1/request-reader.js'
import { meaningOf, readRequests, readText, type ReadResult } from './support/read-requests.js'

const HOST = 'Host: a\r\n'

function headOf(text: string): RequestHead {
  const { requests, refusal } = readText(text)
  assert.deepEqual([requests.length, refusal], [1, 0], JSON.stringify(text))
  return (requests[0] as ReadResult['requests'][number]).head
}

function get(fields: string, line = 'GET /a?b=c HTTP/1.1'): RequestHead {
  return headOf(`${line}\r\n${HOST}${fields}\r\n`)
}

test('a head says who asks for what', () => {
  const head = headOf('GET /v3?x=%20 HTTP/1.1\r\nHOST:  a:1 \t\r\nX-Empty:\r\nX-Twice: 1\r\nx-twice:2\r\n\r\n')
  assert.deepEqual([head.method, head.target, head.authority], ['GET', '/v3?x=%20', 'a:1'])
  assert.deepEqual(head.fields, ['HOST', 'a:1', 'X-Empty', '', 'X-Twice', '1', 'x-twice', '2'])
  assert.deepEqual(['x-twice', 'x-empty', 'x-none'].map((name) => fieldOf(head, name)), ['1, 2', '', undefined])
  assert.ok(head.keepsAlive && !head.isOld && head.contentLength === 0 && !head.expectsContinue)
})

test('of fields that have one value the first counts', () => {
  assert.equal(fieldOf(get('Authorization: a\r\nauthorization: b\r\n'), 'authorization'), 'a')
  assert.equal(fieldOf(get('Cookie: a=1\r\nCookie: b=2\r\n'), 'cookie'), 'a=1; b=2')
})

test('connections are kept as each version has it', () => {
  assert.equal(get('Connection: keep-alive, Close\r\n').keepsAlive, false)
  assert.equal(get('', 'GET / HTTP/1.0').keepsAlive, false)
  assert.equal(get('Connection: x, Keep-Alive\r\n', 'GET / HTTP/1.0').keepsAlive, true)
  assert.equal(get('Connection: keep-alive\t\r\n', 'GET / HTTP/1.0').keepsAlive, false)
  assert.equal(get('Connection: \xa0keep-alive\r\n', 'GET / HTTP/1.0').keepsAlive, false)
  assert.equal(headOf('GET / HTTP/1.0\r\n\r\n').authority, '')
})

test('a target that is a whole URL names its host', () => {
  const head = get('', 'GET HTTP://b:2/p?q HTTP/1.1')
  assert.deepEqual([head.target, head.authority], ['/p?q', 'b:2'])
  assert.equal(get('', 'GET http://b?q HTTP/1.1').target, '/?q')
  assert.equal(get('', 'OPTIONS * HTTP/1.1').target, '*')
})

test('an upgrade is an offer of a WebSocket only when it is one', () => {
  const offer = 'Connection: keep-alive, Upgrade\r\n'
  assert.equal(get(`${offer}Upgrade: WebSocket\r\n`).asksWebSocket, true)
  assert.equal(get(`${offer}Upgrade: h2c\r\n`).asksWebSocket, false)
  assert.equal(get('Upgrade: websocket\r\n').asksWebSocket, false)
  assert.equal(get(`${offer}Upgrade: websocket\r\n`, 'POST / HTTP/1.1').asksWebSocket, false)
})

test('bodies end where their head or their chunks say', () => {
  const chunked = `POST /1 HTTP/1.1\r\n${HOST}Transfer-Encoding: Chunked\r\n\r\n`
  const { requests, refusal } = readText(
    `POST /0 HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc` +
      `${chunked}3;x=y;z="a\\";b"\r\nabc\r\n00A\r\n0123456789\r\n0\r\nX: y\r\n\r\n` +
      `\r\n${chunked}0\r\n\r\nGET /3 HTTP/1.1\r\n${HOST}\r\n`,
  )
  assert.equal(refusal, 0)
  assert.deepEqual(requests.map(({ head, body, isWhole }) => [head.target, body, isWhole]), [
    ['/0', 'abc', true], ['/1', 'abc0123456789', true], ['/1', '', true], ['/3', '', true],
  ])
})

test('a body that comes in one piece is told in one piece', () => {
  assert.equal(readText(`POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`).told, 1)
})

/** Where two readers could disagree about what is a request, or worse. */
const REFUSED: readonly (readonly [text: string, status: number])[] = [
  ['\0\0\0\0', 400],
  ['\nGET / HTTP/1.1\r\n', 400],
  [' GET / HTTP/1.1\r\n', 400],
  ['GET  / HTTP/1.1\r\n', 400],
  ['GET\t/ HTTP/1.1\r\n', 400],
  ['GET / HTTP/1.1\n', 400],
  ['GET / HTTP/1.1 \r\n', 400],
  ['GET /\r\n', 400],
  ['GET / http/1.1\r\n', 400],
  ['GET / HTTP/1.1\r\r\n', 400],
  ['GET /\x7f HTTP/1.1\r\n', 400],
  ['GET /\xfc HTTP/1.1\r\n', 400],
  ['GET a HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['GET / HTTP/2.0\r\n', 505],
  ['GET / HTTP/1.2\r\n', 505],
  ['CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', 501],
  ['GET / HTTP/1.1\r\n\r\n', 400],
  ['GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n', 400],
  ['GET / HTTP/1.1\r\n: a\r\n', 400],
  ['GET / HTTP/1.1\r\nHost : a\r\n', 400],
  ['GET / HTTP/1.1\r\n Host: a\r\n', 400],
  ['GET / HTTP/1.1\r\nHost: a\r\n b\r\n', 400],
  ['GET / HTTP/1.1\r\nHost: a\nX: b\r\n', 400],
  ['GET / HTTP/1.1\r\nHost: a\rX: b\r\n', 400],
  ['GET / HTTP/1.1\r\nHost: a\r\n\n', 400],
  ['GET / HTTP/1.1\r\nHost: a\r\n\rX', 400],
  ['GET / HTTP/1.1\r\nX: \0\r\n', 400],
  ['GET / HTTP/1.1\r\nX y: 1\r\n', 400],
  ['GET / HTTP/1.1\r\nX\xe4: 1\r\n', 400],
  ...['', '1\t', '1 ', '-1', '+1', '1 1', '1,1', '0x1', '1.0', '1e1', '9'.repeat(16)].map((length) =>
    framed(`Content-Length: ${length}`, 400),
  ),
  framed('Content-Length: 1\r\nContent-Length: 1', 400),
  framed('Content-Length: 0\r\nTransfer-Encoding: chunked', 400),
  framed('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', 400),
  framed('Transfer-Encoding: chunked\t', 400),
  ...['gzip', 'gzip, chunked', 'chunked, chunked', 'xchunked', 'chunked;q=1', ''].map((coding) =>
    framed(`Transfer-Encoding: ${coding}`, 501),
  ),
  ['POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
  framed('Expect: wonders', 417),
  ...['x\r\n', '\r\n', ' 1\r\n', '1 \r\n', '0x1\r\n', '-1\r\n', '1\n', '1;\r\n', '1;a=\r\n', '1; a\r\n',
    '1;a="\r\n', '1\r\nab', '1\r\na\n', '10000000000000\r\n',
    `1;${'a'.repeat(20_000)}`, '0\r\nX y: 1\r\n', '0\r\nContent-Length: 1\r\n\r\n', '0\r\n\n',
    '0\r\n x: 1\r\n'].map((body) => chunkedBody(body)),
]

function framed(fields: string, status: number): readonly [string, number] {
  return [`POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`, status]
}

function chunkedBody(body: string): readonly [string, number] {
  return [`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`, 400]
}

test('what leaves a doubt is refused, as soon as it is there', () => {
  for (const [text, status] of REFUSED) assert.equal(readText(text).refusal, status, JSON.stringify(text.slice(0, 200)))
})

test('heads have a size and a number of fields', () => {
  const line = `GET / HTTP/1.1\r\n${HOST}`
  assert.equal(readText(`${line}X: ${'x'.repeat(65_000)}\r\n\r\n`).refusal, 0)
  assert.equal(readText(`${line}X: ${'x'.repeat(66_000)}`).refusal, 431)
  assert.equal(readText(`GET /${'x'.repeat(66_000)}`).refusal, 431)
  assert.equal(readText('\r\n'.repeat(40_000)).refusal, 431)
  assert.equal(readText(`${line}${'a:\r\n'.repeat(999)}\r\n`).refusal, 0)
  assert.equal(readText(`${line}${'a:\r\n'.repeat(1000)}\r\n`).refusal, 431)
  const trailers = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n`
  assert.equal(readText(`${trailers}X: ${'x'.repeat(66_000)}`).refusal, 431)
})

test('however the octets are cut, they say the same', () => {
  const text =
    `\r\nPOST /a HTTP/1.1\r\n${HOST}Content-Length: 12\r\n\r\nhello, world` +
    `POST /b HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n` +
    '5;a="b"\r\nhello\r\n7\r\n, world\r\n0\r\nX: y\r\nZ:\r\n\r\n' +
    `POST /a HTTP/1.1\r\n${HOST}Content-Length: 12\r\n\r\nhello, world` +
    `DELETE /c HTTP/1.0\r\nX: a b \r\n\r\n`
  for (const octets of [text, ...REFUSED.map(([refused]) => `${text}${refused}`.slice(0, 3000))]) {
    const bytes = Buffer.from(octets, 'latin1')
    const whole = meaningOf(readRequests([bytes]))
    const check = (parts: readonly Buffer[]): void => assert.deepEqual(meaningOf(readRequests(parts)), whole)
    check([...bytes].map((octet) => Buffer.of(octet)))
    if (octets !== text) continue
    for (let at = 1; at < bytes.length; at++) check([bytes.subarray(0, at), bytes.subarray(at)])
  }
})

test('what comes while an answer is owed is held, and read in its turn', () => {
  const heads: string[] = []
  let mayBegin = true
  const reader = new RequestReader({
    mayBegin: () => mayBegin,
    onHead: ({ target }) => {
      heads.push(target)
      return true
    },
    onBody: () => undefined,
    onBodyEnd: () => undefined,
    onWholeBody: () => undefined,
    onRefused: () => assert.fail('refused'),
  })
  const ask = (target: string): Buffer => Buffer.from(`GET ${target} HTTP/1.1\r\n${HOST}\r\n`)
  reader.take(Buffer.concat([ask('/1'), ask('/2')]))
  reader.take(ask('/3').subarray(0, 5))
  assert.deepEqual(heads, ['/1'])
  assert.equal(reader.heldBytes, ask('/2').length + 5)
  reader.resume()
  assert.deepEqual(heads, ['/1'])
  reader.next()
  reader.resume()
  assert.deepEqual(heads, ['/1', '/2'])
  reader.next()
  mayBegin = false
  reader.resume()
  reader.take(ask('/3').subarray(5))
  assert.deepEqual(heads, ['/1', '/2'])
  mayBegin = true
  reader.resume()
  assert.deepEqual(heads, ['/1', '/2', '/3'])
  assert.equal(reader.isIdle, false)
  reader.next()
  assert.equal(reader.isIdle, true)
})

test('an upgrade hands out its head and what follows, however it came', () => {
  const text = `GET / HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`
  for (let at = 0; at < text.length; at++) {
    let handed = ''
    const reader = new RequestReader({
      mayBegin: () => true,
      onHead: (_head, octets) => {
        handed = octets().toString()
        return false
      },
      onBody: () => assert.fail('no body'),
      onBodyEnd: () => assert.fail('no body'),
      onWholeBody: () => assert.fail('no body'),
      onRefused: () => assert.fail('refused'),
    })
    reader.take(Buffer.from(text.slice(0, at)))
    reader.take(Buffer.from(`${text.slice(at)}frames`))
    assert.equal(handed, `${text}frames`)
  }
})
