/**
 * A whole node behind a socket: connections of gRPC and JSON clients that are wrong in many ways, most of them cut off
 * in the middle. The node goes on serving others, and forgets those that have gone.
 */

import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { startNode, type EmbeddedNode } from 'raftring'
import type { Prng } from '../../../src/base/prng.js'
import { codecs } from '../../../src/proto/generated/registry.js'
import { methods, type Method } from '../../../src/proto/schema.js'
import { message, ping, PREFACE, settings, type Fields } from '../../front/http2/support/frames.js'
import { EtcdClient } from '../../support/etcd-client.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import type { FuzzTarget } from '../fuzz-target.js'
import { mutate, randomText } from '../mutation.js'
import { Conversation } from '../random-frames.js'
import { messageNamed, randomInput } from '../random-message.js'

/** What would turn the node into one that refuses, or start helper threads by the thousand. */
const LEFT_OUT = /Maintenance\/(?:Alarm|Snapshot|Defragment|Downgrade)|Auth\/(?:Auth|User|Role)|Lease\/LeaseGrant/u
const METHODS: readonly Method[] = [...methods.values()].filter(({ path }) => !LEFT_OUT.test(path))
const GATEWAY_PATHS = METHODS.flatMap(({ rpc }) => rpc.gatewayPaths)

/** A connection that says nothing by then is cut. */
const PATIENCE_MS = 20
const CASES_PER_LOOK = 50
/** Node and client share one thread, on a machine that may be busy. */
const SERVES_MS_MAX = 60_000
/** At the same time, in one case. */
const CONNECTIONS = 8
/** What the last ping of a connection carries, and so its answer. */
const PING = 'the last'

export class NodeTarget implements FuzzTarget {
  readonly #node: EmbeddedNode
  readonly #path: string
  readonly #removeDirectory: () => void
  readonly #client: EtcdClient
  #failure: Error | null = null
  #cases = 0

  private constructor(node: EmbeddedNode, path: string, removeDirectory: () => void) {
    this.#node = node
    this.#path = path
    this.#removeDirectory = removeDirectory
    this.#client = new EtcdClient(node.endpoint, { deadlineMs: SERVES_MS_MAX })
  }

  static async start(): Promise<NodeTarget> {
    const directory = temporaryDirectory()
    const socketPath = directory.path('node.sock')
    let target: NodeTarget | null = null
    const onFailure = (error: Error): void => {
      if (target !== null) target.#failure = error
    }
    const node = await startNode({ socketPath, logLevel: 'fatal', onFailure, flags: { 'max-request-bytes': 20_000 } })
    target = new NodeTarget(node, socketPath, () => directory.remove())
    return target
  }

  async run(random: Prng): Promise<void> {
    const connections = Array.from({ length: CONNECTIONS }, () => {
      const parts = random.chance(0.7) ? grpcConnection(random) : jsonConnection(random)
      return this.#talk(parts, random.chance(0.3))
    })
    await Promise.all(connections)
    if (this.#failure !== null) throw this.#failure
    if (++this.#cases % CASES_PER_LOOK === 0) await this.#checkServes()
  }

  finish(): Promise<void> {
    return this.#checkServes()
  }

  async close(): Promise<void> {
    this.#client.close()
    await this.#node.close()
    this.#removeDirectory()
  }

  async #checkServes(): Promise<void> {
    const value = String(this.#cases)
    await this.#client.put({ key: 'serves', value })
    const { kvs } = await this.#client.range({ key: 'serves' })
    assert.equal(kvs[0]?.value.toString(), value)
  }

  /** Until the node has closed the connection, answered the last ping, or said nothing for a while. */
  #talk(parts: readonly Buffer[], isRude: boolean): Promise<void> {
    return new Promise((resolve) => {
      const socket: Socket = connect(this.#path)
      const timer = setTimeout(() => socket.destroy(), PATIENCE_MS)
      socket.on('error', () => socket.destroy())
      socket.on('data', (chunk: Buffer) => {
        if (chunk.includes(PING)) socket.destroy()
      })
      socket.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
      for (const part of parts) socket.write(part)
      if (isRude) socket.end()
    })
  }
}

function grpcConnection(random: Prng): Buffer[] {
  let method = random.pick(METHODS)
  const conversation = new Conversation({
    fields: (chance) => {
      method = chance.pick(METHODS)
      return headOf(chance, method.path)
    },
    payload: (chance) => payloadOf(chance, method),
  })
  const parts: Buffer[] = [Buffer.concat([PREFACE, settings()])]
  for (let count = random.between(1, 8); count > 0; count--) parts.push(conversation.part(random))
  parts.push(ping(PING))
  return parts
}

function headOf(random: Prng, path: string): Fields {
  const head: [string, string][] = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'localhost'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
  ]
  if (random.chance(0.1)) head.push(['grpc-timeout', random.pick(['1S', '5m', '1n'])])
  if (random.chance(0.1)) head.push(['hasleader', random.pick(['true', 'false'])])
  if (random.chance(0.1)) head.push([random.pick(['token', 'authorization']), randomText(random, 20)])
  if (random.chance(0.1)) head.push(['client-api-version', randomText(random, 8)])
  return head
}

function payloadOf(random: Prng, { request }: Method): Buffer {
  const codec = codecs.get(request)
  assert.ok(codec !== undefined, request)
  const bytes = codec.encode(randomInput(random, messageNamed(request), 2))
  return message(random.chance(0.3) ? mutate(random, bytes) : bytes)
}

function jsonConnection(random: Prng): Buffer[] {
  const body = random.pick([
    '{"key":"Zm9v","value":"YmFy"}',
    '{"key":"Zm9v","range_end":"AA==","limit":"3"}',
    '{"create_request":{"key":"Zm9v"}}',
    '{"name":"bG9jaw==","value":"dg=="}',
    '{"compare":[{"key":"Zm9v"}],"success":[{"request_put":{"key":"Zm9v"}}]}',
    '{',
    '',
  ])
  const path = random.chance(0.9) ? random.pick(GATEWAY_PATHS) : `/${randomText(random, 12)}`
  const length = random.chance(0.9) ? body.length : random.between(0, 100_000)
  const head =
    `${random.pick(['POST', 'POST', 'POST', 'GET', 'OPTIONS'])} ${path} HTTP/1.1\r\nhost: a\r\n` +
    `content-type: ${random.pick(['application/json', 'text/plain'])}\r\n` +
    (random.chance(0.1) ? 'origin: http://a\r\n' : '') +
    (random.chance(0.1) ? 'transfer-encoding: chunked\r\n\r\n' : `content-length: ${length}\r\n\r\n`)
  const whole = Buffer.from(head + body)
  return [random.chance(0.4) ? mutate(random, whole) : whole]
}
