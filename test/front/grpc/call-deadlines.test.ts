/** The wheel of deadlines against a plain list. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CallDeadlines } from '../../../src/front/grpc/call-deadlines.js'
import { GrpcServer } from '../../../src/front/grpc/grpc-server.js'
import type { GrpcStream } from '../../../src/front/grpc/grpc-stream.js'
import { GRPC_REQUEST, headers } from '../http2/support/frames.js'
import { WirePeer } from '../http2/support/wire-peer.js'
import { EchoService } from './support/echo-service.js'

const TICK_MS = 16

/** Real calls whose deadlines are moved by hand: the wheel under test is the only one that knows them. */
function makeCalls(count: number): GrpcStream[] {
  const service = new EchoService()
  const peer = new WirePeer({ handler: new GrpcServer({ service, messageBytesMax: 100 }) })
  const fields = GRPC_REQUEST.map(([name, value]) => [name, name === ':path' ? '/echo.Echo/Hang' : value] as const)
  for (let i = 0; i < count; i++) peer.send(headers(2 * i + 1, fields))
  return service.started as GrpcStream[]
}

function at(call: GrpcStream, deadlineMs: number): GrpcStream {
  return Object.assign(call, { deadlineMs })
}

test('every call is due once, not before its deadline and at most a tick after it, removed ones never', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), ms: fc.integer({ min: 0, max: 200_000 }) }),
    fc.record({ kind: fc.constant('remove' as const), ms: fc.nat(30) }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 90_000 }) }),
  )
  const calls = makeCalls(60)
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const wheel = new CallDeadlines<GrpcStream>()
      const waiting: GrpcStream[] = []
      let nowMs = 5_000_000.5
      let next = 0
      const pass = (): void => {
        const due: GrpcStream[] = []
        wheel.expire(nowMs, (call) => due.push(call))
        for (const call of due) {
          assert.ok(call.deadlineMs <= nowMs)
          assert.ok(waiting.includes(call))
          waiting.splice(waiting.indexOf(call), 1)
        }
        for (const call of waiting) {
          assert.ok(call.deadlineMs > nowMs - TICK_MS, 'a call is late')
          assert.ok(wheel.wakeAtMs() < call.deadlineMs + TICK_MS)
        }
      }
      for (const { kind, ms } of steps) {
        if (kind === 'add') {
          const call = at(calls[next++] as GrpcStream, nowMs + ms)
          wheel.add(call, nowMs)
          waiting.push(call)
        } else if (kind === 'remove') {
          const call = waiting[ms]
          if (call === undefined) continue
          wheel.remove(call)
          waiting.splice(ms, 1)
        } else {
          nowMs += ms
          pass()
        }
      }
      nowMs += 400_000
      pass()
      assert.deepEqual(waiting, [])
      assert.equal(wheel.wakeAtMs(), Infinity)
    }),
  )
})

test('a service that ends other calls of the same tick does not disturb the wheel', () => {
  const wheel = new CallDeadlines<GrpcStream>()
  const calls = makeCalls(6).map((call, i) => at(call, 1000 + (i % 2)))
  for (const call of calls) wheel.add(call, 900)
  const due: GrpcStream[] = []
  wheel.expire(1020, (call) => {
    due.push(call)
    if (due.length === 1) for (const other of calls.slice(0, 5)) wheel.remove(other)
  })
  assert.ok(due.length >= 1 && due.length <= 2)
  assert.equal(wheel.wakeAtMs(), Infinity)
})
