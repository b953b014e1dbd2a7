/**
 * Requests of HTTP/1.1, good and damaged. What our reader makes of octets does not depend on how they were cut, and
 * every request that it takes node's own parser takes as well, as the same request: whoever stands between a client and
 * us reads like one of the two, and nobody must get a request past it that it did not see.
 */

import assert from 'node:assert/strict'
import { createServer, METHODS, type IncomingMessage, type Server } from 'node:http'
import { Duplex } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import type { Prng } from '../../../src/base/prng.js'
import { meaningOf, readRequests, type ReadRequest } from '../../front/http1/support/read-requests.js'
import type { FuzzTarget } from '../fuzz-target.js'
import { mutate, pieces, randomText } from '../mutation.js'

const HEADER_BYTES_MAX = 64 * 1024
/** Turns of the event loop without news after which nothing more is expected. */
const QUIET_TURNS = 3

const LINES = [
  'GET / HTTP/1.1', 'POST /v3/kv/put HTTP/1.1', 'HEAD /a?b=c HTTP/1.1', 'GET http://b:1/c HTTP/1.1', 'GET / HTTP/1.0',
  'OPTIONS * HTTP/1.1', 'PUT /%00 HTTP/1.1', 'DELETE /\xfc HTTP/1.1', 'GET HTTPS://b HTTP/1.1', 'POST /a HTTP/1.0',
  'M-SEARCH / HTTP/1.1', 'GET /a#b HTTP/1.1',
] as const
const FIELDS = [
  'Host: a', 'host:b', 'Connection: close', 'Connection: keep-alive', 'Upgrade: h2c', 'X: \t y \t',
  'Accept: */*', 'Content-Type: application/json', 'Expect: 100-continue', 'Empty:', 'Cookie: a=1', 'TE: trailers',
  'Authorization: Bearer \xfc', 'Content-Length: 0', 'Content-Length: 5',
  'Transfer-Encoding: chunked', 'Transfer-Encoding: identity', 'Trailer: X',
] as const
/** Where parsers have disagreed. */
const SNIPPETS = [
  '\r\n', '\n', '\r', '\r\n\r\n', '\n\n', ' ', '\t', ':', ' :', ',', ';', '\0', '\x7f', '\x0b', '\xa0', '\x85',
  '0\r\n\r\n', '5\r\n', '+5', '0x5', '-1', 'Content-Length: 3\r\n', 'Content-Length:\r\n',
  'Transfer-Encoding: chunked\r\n', 'chunked', 'Host: b\r\n', 'Transfer-Encoding : chunked\r\n',
  '\r\n Transfer-Encoding: chunked', 'Content-Length: 5, 5\r\n', ';a=b', ';a="b"', ';a',
  'Transfer-Encoding:\x0bchunked\r\n', 'Connection: close\r\n', 'Connection: keep-alive\r\n',
  'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n', ' HTTP/1.1', 'HTTP/1.0', 'HTTP/0.9', 'ffffffffffffffff\r\n',
  '00000000000000000005\r\n', '"', '\\', '(', '{', '=',
] as const

interface NodeRequest {
  readonly method: string
  readonly url: string
  readonly fields: readonly string[]
  body: string
  isWhole: boolean
}

export class Http1Target implements FuzzTarget {
  readonly #server: Server
  #requests: NodeRequest[] = []
  #news = 0

  constructor() {
    // Nothing is answered: an answer might end the connection before all is read.
    this.#server = createServer({ maxHeaderSize: HEADER_BYTES_MAX }, (request) => this.#gather(request))
    this.#server.maxHeadersCount = 0
    this.#server.on('clientError', (_error, socket) => {
      this.#news++
      socket.destroy()
    })
  }

  async run(random: Prng): Promise<void> {
    const bytes = damaged(random, Buffer.from(randomRequests(random), 'latin1'))
    const ours = readRequests([bytes])
    assert.deepEqual(meaningOf(readRequests(pieces(random, bytes))), meaningOf(ours), 'the cut makes a difference')
    const octets = readRequests([...bytes].map((octet) => Buffer.of(octet)))
    assert.deepEqual(meaningOf(octets), meaningOf(ours), 'octets one by one make a difference')
    const taken = knownToNode(octets.requests)
    // What follows may be wrong, at which node forgets what it has not handed out yet.
    const good = bytes.subarray(0, taken.at(-1)?.endPart ?? 0)
    const theirs = await this.#readByNode(good)
    for (const [at, request] of taken.entries()) compare(request, theirs[at], good)
  }

  close(): void {
    this.#server.removeAllListeners()
  }

  #gather(request: IncomingMessage): void {
    const { method = '', url = '', rawHeaders } = request
    const seen: NodeRequest = { method, url, fields: rawHeaders, body: '', isWhole: false }
    this.#requests.push(seen)
    this.#news++
    request.on('data', (chunk: Buffer) => (seen.body += chunk.toString('latin1')))
    request.on('end', () => {
      seen.isWhole = true
      this.#news++
    })
  }

  async #readByNode(bytes: Buffer): Promise<readonly NodeRequest[]> {
    this.#requests = []
    const socket = new OpenSocket()
    this.#server.emit('connection', socket)
    socket.push(bytes)
    for (let quiet = 0, news = -1; quiet < QUIET_TURNS; quiet++) {
      if (this.#news !== news) quiet = 0
      news = this.#news
      await setImmediate()
    }
    socket.destroy()
    return this.#requests
  }
}

/** What node:http asks of a socket, with nobody at the other end. */
class OpenSocket extends Duplex {
  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done()
  }

  setTimeout(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  destroySoon(): void {
    this.destroy()
  }
}

/** Whole requests. Node knows a list of methods, which is no matter of where a request ends. */
function knownToNode(requests: readonly ReadRequest[]): readonly ReadRequest[] {
  const end = requests.findIndex(({ head, isWhole }) => !isWhole || !METHODS.includes(head.method))
  return end < 0 ? requests : requests.slice(0, end)
}

function compare({ head, body }: ReadRequest, theirs: NodeRequest | undefined, bytes: Buffer): void {
  const said = `${head.method} ${head.target} in ${JSON.stringify(bytes.toString('latin1'))}`
  assert.ok(theirs !== undefined, `node does not see ${said}`)
  assert.deepEqual(
    [head.method, head.target, head.fields, body],
    [theirs.method, pathAndQuery(theirs.url), theirs.fields, theirs.body],
    said,
  )
  assert.ok(theirs.isWhole, `node does not see the end of ${said}`)
}

/** Of a target that is a whole URL, what follows its host. */
function pathAndQuery(url: string): string {
  if (!/^http/i.test(url)) return url
  const [, , , ...rest] = url.split(/(\/\/|[/?#])/)
  const text = rest.join('')
  return text.startsWith('/') ? text : `/${text}`
}

function randomRequests(random: Prng): string {
  let text = ''
  for (let count = random.between(1, 4); count > 0; count--) text += randomRequest(random)
  return text
}

function randomRequest(random: Prng): string {
  const line = random.pick(LINES)
  const fields = ['Host: a']
  for (let count = random.between(0, 4); count > 0; count--) {
    // Few of them fit together; most requests should.
    fields.push(random.chance(0.9) ? random.pick(FIELDS.slice(2, 13)) : random.pick(FIELDS))
  }
  const content = randomText(random, 30)
  const bytes = Buffer.from(content)
  let body = ''
  if (random.chance(0.3)) {
    fields.push(`Content-Length: ${bytes.length}`)
    body = bytes.toString('latin1')
  } else if (random.chance(0.4) && line.endsWith('1.1')) {
    fields.push('Transfer-Encoding: chunked')
    for (const piece of pieces(random, bytes)) {
      const size = `${piece.length.toString(16)}${random.pick(['', '', ';a', ';a=b', ';a="b c"'])}`
      body += `${size}\r\n${piece.toString('latin1')}\r\n`
    }
    body += random.pick(['0\r\n\r\n', '00\r\nX: y\r\n\r\n', '0;x\r\nX:\r\nY: z\r\n\r\n'])
  }
  return `${random.pick(['', '', '', '\r\n'])}${line}\r\n${fields.join('\r\n')}\r\n\r\n${body}`
}

function damaged(random: Prng, bytes: Buffer): Buffer {
  if (random.chance(0.2)) return bytes
  if (random.chance(0.3)) return mutate(random, bytes)
  let out = bytes
  for (let times = random.between(1, 3); times > 0; times--) {
    const at = random.between(0, out.length)
    const removed = random.chance(0.3) ? random.between(0, 4) : 0
    out = Buffer.concat([out.subarray(0, at), Buffer.from(random.pick(SNIPPETS), 'latin1'), out.subarray(at + removed)])
  }
  return out
}
