/** What services ask of each other, and what becomes of it when the client behind it goes. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GrpcCall, GrpcService } from '../../../src/front/grpc/grpc-call.js'
import { GrpcMetadata } from '../../../src/front/grpc/grpc-metadata.js'
import { Asker } from '../../../src/front/locks/asker.js'
import { InnerCall } from '../../../src/front/locks/inner-call.js'
import { InnerClient } from '../../../src/front/locks/inner-client.js'
import { encodeWatchResponse } from '../../../src/proto/generated/etcdserverpb.js'
import { grpcStatus } from '../../../src/proto/grpc-status.js'

/** Hears everything and answers nothing by itself. */
class SilentService implements GrpcService {
  readonly heard: string[] = []
  call: GrpcCall | null = null

  onCallStart(call: GrpcCall): void {
    this.call = call
    call.context = this
    this.heard.push('start')
  }

  onMessage(): void {
    this.heard.push('message')
  }

  onHalfClose(): void {
    this.heard.push('half-close')
  }

  onCancel(): void {
    this.heard.push('cancel')
  }

  onWritable(): void {
    this.heard.push('writable')
  }
}

const behalf = { metadata: new GrpcMetadata([]), certificateName: '' } as GrpcCall

function rig(): { service: SilentService; client: InnerClient; outer: InnerCall; asker: Asker } {
  const service = new SilentService()
  const clock = { nowMs: () => 0, wallMs: () => 0 }
  const client = new InnerClient({ service, clock, requestTurn: () => undefined })
  const outer = new InnerCall({ method: '/v3lockpb.Lock/Lock', behalf, nowMs: 0, onNews: () => undefined })
  return { service, client, outer, asker: new Asker(outer) }
}

test('a watch ends with the call that it is for', async () => {
  const { service, client, outer, asker } = rig()
  const watch = client.watch(asker, { key: Buffer.from('k') })
  const next = watch.next()
  outer.abort(grpcStatus.canceled, 'gone')
  asker.leave()
  assert.equal(await next, null)
  assert.deepEqual(service.heard, ['start', 'message', 'cancel'])
})

test('a watch for a client that has gone never begins', async () => {
  const { service, client, outer, asker } = rig()
  outer.abort(grpcStatus.canceled, 'gone')
  asker.leave()
  assert.equal(await client.watch(asker, { key: Buffer.from('k') }).next(), null)
  assert.deepEqual(service.heard, [])
})

test('a watch whose reader is slow tells the writer to stop, and later to go on', async () => {
  const { service, client, asker } = rig()
  const watch = client.watch(asker, { key: Buffer.from('k') })
  const call = service.call as GrpcCall
  const response = encodeWatchResponse({ events: [{}] })
  let sent = 0
  for (; !call.wantsWritable; sent++) call.sendMessage(response)
  assert.ok(sent > 1 && sent <= 100)
  for (let taken = 0; taken < sent; taken++) assert.notEqual(await watch.next(), null)
  assert.equal(call.wantsWritable, false)
  assert.deepEqual(service.heard, ['start', 'message', 'writable'])
})
