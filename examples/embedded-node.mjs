/** A node inside a program: start it, use it like any etcd, close it. Run with `node examples/embedded-node.mjs`. */

import { Etcd3 } from 'etcd3'
import { startNode } from 'raftring'

const node = await startNode()
console.log(`etcd v3 on ${node.endpoint}`)

const client = new Etcd3({ hosts: node.endpoint })
await client.put('greeting').value('hello')
console.log(`greeting is ${await client.get('greeting').string()}`)
client.close()

await node.close()
