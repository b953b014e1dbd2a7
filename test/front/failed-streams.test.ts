/** Streams that the server itself ends: nothing of them stays. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startNode, type EmbeddedNode } from 'raftring'
import { encodeLeaseKeepAliveRequest, encodeWatchRequest } from '../../src/proto/generated/etcdserverpb.js'
import { encodeHealthCheckRequest } from '../../src/proto/generated/grpc-health-v1.js'
import { scrape } from '../support/metrics/scrape-server.js'
import { frame, openSession, rawCall, statusText } from '../support/raw-call.js'

const SCRAPES_MAX = 100

/** Open watch streams and watchers, as the node counts them. */
async function watchCounts(node: EmbeddedNode): Promise<string> {
  const text = await (await fetch(`http://${node.endpoint}/metrics`)).text()
  const count = (name: string): string => {
    return new RegExp(`^etcd_debugging_mvcc_${name} (\\d+)$`, 'mu').exec(text)?.[1] ?? '?'
  }
  return `${count('watch_stream_total')} streams, ${count('watcher_total')} watchers`
}

test('a watch stream that is ended for a malformed request leaves no watchers behind', async (t) => {
  const node = await startNode()
  const session = await openSession(node.endpoint)
  t.after(() => {
    session.destroy()
    return node.close()
  })
  const creates = ['a', 'b', 'c'].map((key) => {
    return frame(Buffer.from(encodeWatchRequest({ create_request: { key: Buffer.from(key) } })))
  })
  const body = Buffer.concat([...creates, frame(Buffer.from([0xff]))])
  for (let round = 0; round < 3; round++) {
    const answer = await rawCall(session, '/etcdserverpb.Watch/Watch', body)
    assert.match(statusText(answer), /^Internal grpc: error unmarshalling request/u)
  }
  let counts = ''
  for (let i = 0; i < SCRAPES_MAX && counts !== '0 streams, 0 watchers'; i++) counts = await watchCounts(node)
  assert.equal(counts, '0 streams, 0 watchers')
  const failures = { Type: 'receive', API: 'watch' }
  assert.equal((await scrape(node.endpoint)).value('etcd_network_server_stream_failures_total', failures), 3)
})

const OTHERS: readonly (readonly [string, Uint8Array])[] = [
  ['/etcdserverpb.Lease/LeaseKeepAlive', encodeLeaseKeepAliveRequest({ ID: 1n })],
  ['/grpc.health.v1.Health/Watch', encodeHealthCheckRequest({})],
  ['/v3electionpb.Election/Observe', Buffer.alloc(0)],
]

for (const [path, good] of OTHERS) {
  test(`${path} that is ended for a malformed request ends once`, async (t) => {
    const node = await startNode()
    const session = await openSession(node.endpoint)
    t.after(() => {
      session.destroy()
      return node.close()
    })
    const bad = frame(Buffer.from([0xff]))
    const body = good.length > 0 ? Buffer.concat([frame(Buffer.from(good)), bad]) : bad
    assert.match(statusText(await rawCall(session, path, body)), /^Internal grpc: error unmarshalling request/u)
    const grpc_method = path.split('/')[2] as string
    const seen = await scrape(node.endpoint)
    assert.equal(seen.value('grpc_server_started_total', { grpc_method }), 1)
    assert.equal(seen.value('grpc_server_handled_total', { grpc_method }), 1)
    assert.equal(seen.value('grpc_server_handled_total', { grpc_method, grpc_code: 'Internal' }), 1)
    const failures = seen.value('etcd_network_server_stream_failures_total', { Type: 'receive' })
    assert.equal(failures, grpc_method === 'LeaseKeepAlive' ? 1 : 0)
    assert.equal(await watchCounts(node), '0 streams, 0 watchers')
  })
}
