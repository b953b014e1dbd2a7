/**
 * A program with a node in it, which ends by itself when nothing holds it any more. Prints one line of JSON: what each
 * start of the node cost, and what was found in it. Arguments: the options as JSON, and how often.
 */

import { startNode, type NodeOptions } from 'raftring'
import { EtcdClient } from '../support/etcd-client.js'

const options = JSON.parse(process.argv[2] ?? '{}') as NodeOptions
const rounds = Number(process.argv[3] ?? 1)

const startCpuMs: number[] = []
const values: string[] = []
for (let round = 0; round < rounds; round++) {
  const before = process.cpuUsage()
  const node = await startNode(options)
  const { user, system } = process.cpuUsage(before)
  startCpuMs.push((user + system) / 1000)
  const client = new EtcdClient(node.endpoint)
  const found = await client.range({ key: 'round' })
  values.push(found.kvs[0]?.value.toString() ?? 'nothing')
  await client.put({ key: 'round', value: String(round) })
  client.close()
  await node.close()
}
console.log(JSON.stringify({ startCpuMs, values }))
