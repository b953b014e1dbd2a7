/** The bound of lock and election calls under way. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GrpcCall } from '../../../src/front/grpc/grpc-call.js'
import { InnerCall } from '../../../src/front/locks/inner-call.js'
import { OpenAskers } from '../../../src/front/locks/open-askers.js'
import { GrpcMetadata } from '../../../src/front/grpc/grpc-metadata.js'
import { grpcStatus } from '../../../src/proto/grpc-status.js'
import { QUIET_LOGGER } from '../../mvcc/support/quiet-logger.js'

/** All that an inner call takes of the call that it is made for. */
const behalf = { metadata: new GrpcMetadata([]), certificateName: '' } as GrpcCall

function newCall(): InnerCall {
  return new InnerCall({ method: '/v3lockpb.Lock/Lock', behalf, nowMs: 0, onNews: () => undefined })
}

const forEver = (): Promise<void> => new Promise(() => undefined)

test('a call beyond the bound is refused, and one more is taken when another ends', async () => {
  const open = new OpenAskers(QUIET_LOGGER, 3)
  let finish = (): void => undefined
  open.serve(newCall(), () => new Promise((resolve) => (finish = resolve)))
  for (let i = 1; i < 3; i++) open.serve(newCall(), forEver)
  const refused = newCall()
  open.serve(refused, forEver)
  assert.deepEqual(refused.end, { status: grpcStatus.unknown, message: 'etcdserver: too many requests' })
  finish()
  await new Promise(setImmediate)
  const taken: GrpcCall = newCall()
  open.serve(taken, forEver)
  assert.equal(taken.isOver, false)
})

test('a server that stops refuses new calls and ends those under way', () => {
  const open = new OpenAskers(QUIET_LOGGER)
  const waiting = newCall()
  let isTold = false
  open.serve(waiting, async (asker) => {
    asker.whenGone(() => (isTold = true))
    await forEver()
  })
  open.closeAll()
  const stopped = { status: grpcStatus.unavailable, message: 'etcdserver: server stopped' }
  assert.deepEqual([waiting.end, isTold], [stopped, true])
  const late = newCall()
  open.serve(late, forEver)
  assert.deepEqual(late.end, stopped)
})
