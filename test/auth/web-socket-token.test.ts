/** The two ways in which a browser, which sets no header fields on a WebSocket, says who it is. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { startNode, type EmbeddedNode } from 'raftring'
import WebSocket from 'ws'
import { EtcdClient } from '../support/etcd-client.js'
import { b64, pick } from '../support/http/gateway-client.js'
import { ALICE_PASSWORD, withUsers } from './auth-client.js'

const PREFIX = 'sockets/'
const DENIED = 'rpc error: code = PermissionDenied desc = etcdserver: permission denied'
const NOBODY = 'rpc error: code = InvalidArgument desc = etcdserver: user name is empty'
const UNKNOWN = 'rpc error: code = Unauthenticated desc = etcdserver: invalid auth token'

let node: EmbeddedNode
let client: EtcdClient

before(async () => {
  node = await startNode({ flags: { 'bcrypt-cost': 4 } })
  client = new EtcdClient(node.endpoint)
})

after(async () => {
  client.close()
  await node.close()
})

/** The first line of the answer to a watch of `key`. */
async function watch(key: string, protocols: string[], headers: Record<string, string> = {}): Promise<unknown> {
  const socket = new WebSocket(`ws://${node.endpoint}/v3/watch`, protocols, { headers })
  await once(socket, 'open')
  socket.send(JSON.stringify({ create_request: { key: b64(key) } }))
  const [data] = (await once(socket, 'message')) as [Buffer]
  socket.terminate()
  return JSON.parse(data.toString())
}

/** Why the watch was canceled at once; undefined when it was not. */
function reasonOf(answer: unknown): unknown {
  return pick(answer, 'result.canceled') === true ? pick(answer, 'result.cancel_reason') : undefined
}

test('a WebSocket is its user by the token in its protocol or its cookie, and nobody without one', async () => {
  await withUsers(client, PREFIX, async ({ nobody }) => {
    const token = await nobody.authenticate('alice', ALICE_PASSWORD)
    const ways: readonly (readonly [string[], Record<string, string>])[] = [
      [['Bearer', token], {}],
      [[], { cookie: `token=${token}` }],
      [[], { cookie: `theme=dark; token=${token}; last=1` }],
    ]
    for (const [protocols, headers] of ways) {
      const way = JSON.stringify([protocols, headers])
      const created = await watch(`${PREFIX}k`, protocols, headers)
      assert.deepEqual([pick(created, 'result.created'), reasonOf(created)], [true, undefined], way)
      // Alice herself, and not somebody who may do everything.
      assert.equal(reasonOf(await watch('other', protocols, headers)), DENIED, way)
    }
    assert.equal(reasonOf(await watch(`${PREFIX}k`, [])), NOBODY)
    assert.equal(reasonOf(await watch(`${PREFIX}k`, [], { cookie: `tokens=${token}` })), NOBODY)
    assert.equal(reasonOf(await watch(`${PREFIX}k`, ['Bearer', 'wrong.token'])), UNKNOWN)
  })
})
