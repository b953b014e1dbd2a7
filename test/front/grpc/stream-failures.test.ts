/** Streams of clients that break off: a client that is cut for not reading could not be sent to, others went. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallMeters } from '../../../src/front/grpc/call-meter.js'
import type { GrpcCall, GrpcService } from '../../../src/front/grpc/grpc-call.js'
import { GrpcServer } from '../../../src/front/grpc/grpc-server.js'
import { http2Limits } from '../../../src/front/http2/session/http2-limits.js'
import { counters } from '../../../src/metrics/counter-catalogue.js'
import { memoryCounters } from '../../support/metrics/memory-counters.js'
import { GRPC_REQUEST, headers, reset, settings } from '../http2/support/frames.js'
import { WirePeer } from '../http2/support/wire-peer.js'

const WATCH = '/etcdserverpb.Watch/Watch'
const KEEP_ALIVE = '/etcdserverpb.Lease/LeaseKeepAlive'
const OBSERVE = '/v3electionpb.Election/Observe'
const LIMITS = http2Limits({
  stallMs: 1000,
  serverPingMs: 5000,
  serverPingTimeoutMs: 100,
  outputSoftBytes: 10_000,
  outputBytesMax: 100_000,
  settingsCountMax: 1e9,
})

/** A client with one open call of each path. */
class Bench {
  readonly counters = memoryCounters()
  readonly peer: WirePeer

  constructor(...paths: readonly string[]) {
    const meters = new CallMeters(this.counters, false)
    const service: GrpcService = {
      onCallStart: (call: GrpcCall) => meters.start(call),
      onMessage: () => undefined,
      onHalfClose: () => undefined,
      onCancel: () => undefined,
      onWritable: () => undefined,
    }
    this.peer = new WirePeer({ limits: LIMITS, handler: new GrpcServer({ service, messageBytesMax: 100 }) })
    paths.forEach((path, i) => {
      const fields = GRPC_REQUEST.map(([name, value]) => [name, name === ':path' ? path : value] as const)
      this.peer.send(headers(2 * i + 1, fields))
    })
    this.peer.frames()
    assert.equal(this.peer.session.streams.size, paths.length)
  }

  /** By the labels of the series. */
  get failures(): Record<string, number> {
    const { at, stride } = counters.streamFailures
    const names = ['receive watch', 'receive lease-keepalive', 'send watch', 'send lease-keepalive']
    return Object.fromEntries(names
      .map((name, i) => [name, this.counters.page.values[at + i * stride] as number] as const)
      .filter(([, count]) => count > 0))
  }
}

test('streams of a client that takes nothing for too long are failures to send, by their API', () => {
  const bench = new Bench(WATCH, KEEP_ALIVE, WATCH, OBSERVE)
  bench.peer.session.deadlines.onStall(bench.peer.nowMs)
  bench.peer.pass(1000)
  assert.ok(bench.peer.session.isCut)
  assert.deepEqual(bench.failures, { 'send watch': 2, 'send lease-keepalive': 1 })
})

test('so are those of a client that asks for more than it takes', () => {
  const bench = new Bench(WATCH)
  while (!bench.peer.session.isFinished) bench.peer.send(settings())
  assert.equal(bench.peer.counters.slowReadersCut, 1)
  assert.deepEqual(bench.failures, { 'send watch': 1 })
})

test('a call that has ended before its client is cut is none', () => {
  const bench = new Bench(WATCH, KEEP_ALIVE)
  bench.peer.send(reset(1))
  bench.peer.session.deadlines.onStall(bench.peer.nowMs)
  bench.peer.pass(1000)
  assert.deepEqual(bench.failures, { 'send lease-keepalive': 1 })
})

test('a client that resets its stream, hangs up or answers no ping has gone, as with etcd', () => {
  const resets = new Bench(WATCH, KEEP_ALIVE)
  resets.peer.send(reset(1), reset(3, 2))
  const hangsUp = new Bench(WATCH, KEEP_ALIVE)
  hangsUp.peer.session.onSocketGone()
  const silent = new Bench(WATCH, KEEP_ALIVE)
  silent.peer.pass(5000)
  silent.peer.pass(100)
  assert.equal(silent.peer.counters.keepaliveTimedOut, 1)
  for (const { peer, failures } of [resets, hangsUp, silent]) {
    assert.equal(peer.session.streams.size, 0)
    assert.deepEqual(failures, {})
  }
})
