/** What flags of keep-alive come to, and how bounds relate. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { http2Limits, keepaliveLimits } from '../../../src/front/http2/session/http2-limits.js'

const GIVEN = { keepaliveIntervalMs: 7000, keepaliveTimeoutMs: 3000, keepaliveMinMs: 2000 }

test('flags of keep-alive are taken as they are', () => {
  assert.deepEqual(keepaliveLimits(GIVEN), { serverPingMs: 7000, serverPingTimeoutMs: 3000, pingMinTimeMs: 2000 })
})

test('without an interval or a timeout the server asks nobody', () => {
  for (const missing of [{ keepaliveIntervalMs: 0 }, { keepaliveTimeoutMs: 0 }]) {
    const { serverPingMs, serverPingTimeoutMs } = keepaliveLimits({ ...GIVEN, ...missing })
    assert.deepEqual([serverPingMs, serverPingTimeoutMs], [Infinity, Infinity])
  }
})

test("no least time between a client's questions means gRPC's five minutes", () => {
  assert.equal(keepaliveLimits({ ...GIVEN, keepaliveMinMs: 0 }).pingMinTimeMs, 300_000)
})

test('bounds that contradict each other are refused', () => {
  assert.throws(() => http2Limits({ outputSoftBytes: 2, outputBytesMax: 1 }), /soft output bound/u)
  assert.throws(() => http2Limits({ callQueueLowBytes: 2, callQueueHighBytes: 1 }), /call queue marks/u)
})
