/** The law of lease times over random pauses, crashes, lost messages, stalls and changes of leader. */

import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { REQUEST_TIMEOUT_MS } from './cluster-member.js'
import { LeaseCluster } from './lease-cluster.js'

const LEASES = 4
const TTL_SECONDS_MAX = 6

const lease = fc.integer({ min: 1, max: LEASES }).map(BigInt)
const member = fc.integer({ min: 0, max: 2 })
const afterMs = fc.constantFrom(0, 1, 4, 10, 100, 390, 405, 800, 1500, 2500)
const weighted = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary })
const kind = <T extends string>(...kinds: readonly T[]) => fc.constantFrom(...kinds)

const action = fc.oneof(
  weighted(4, fc.record({ kind: kind('grant'), lease, ttl: fc.integer({ min: 2, max: TTL_SECONDS_MAX }), afterMs })),
  weighted(12, fc.record({ kind: kind('keepAlive'), lease, member, afterMs })),
  weighted(2, fc.record({ kind: kind('timeToLive', 'revoke'), lease, member, afterMs })),
  weighted(3, fc.record({ kind: kind('pause', 'crash'), member, afterMs })),
  weighted(8, fc.record({ kind: kind('back'), member, afterMs })),
  weighted(6, fc.record({ kind: kind('elect'), member, keep: fc.integer({ min: 0, max: 3 }), afterMs })),
  weighted(1, fc.record({ kind: kind('lose', 'deliver', 'depose'), afterMs })),
  weighted(1, fc.record({ kind: kind('stall'), ms: fc.constantFrom(600, 2000, 5000), afterMs })),
  weighted(1, fc.record({ kind: kind('slow'), commitMs: fc.constantFrom(1, 5, 60), afterMs })),
)
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never

function act(cluster: LeaseCluster, each: Action): void {
  switch (each.kind) {
    case 'grant':
      return cluster.grant(each.lease, each.ttl)
    case 'revoke':
      return cluster.revoke(each.lease)
    case 'keepAlive':
      return void cluster.keepAlive(cluster.member(each.member), each.lease)
    case 'timeToLive':
      return void cluster.timeToLive(cluster.member(each.member), each.lease)
    case 'pause':
      return cluster.pause(cluster.member(each.member))
    case 'crash':
      return cluster.crash(cluster.member(each.member))
    case 'back':
      cluster.resume(cluster.member(each.member))
      return cluster.restart(cluster.member(each.member))
    case 'elect':
      return cluster.elect(cluster.member(each.member), each.keep)
    case 'depose':
      return cluster.depose()
    case 'lose':
    case 'deliver':
      cluster.losesForwarded = each.kind === 'lose'
      return
    case 'stall':
      return cluster.stall(each.ms)
    case 'slow':
      cluster.commitMs = each.commitMs
      return
  }
}

test('no lease ends before its time or long after, whoever leads, and every question is answered', () => {
  fc.assert(fc.property(fc.array(action, { minLength: 10, maxLength: 80 }), (actions) => {
    const cluster = new LeaseCluster()
    cluster.elect(cluster.member(0))
    for (const each of actions) {
      act(cluster, each)
      cluster.pass(each.afterMs)
    }
    cluster.losesForwarded = false
    for (const each of cluster.members) {
      cluster.resume(each)
      cluster.restart(each)
    }
    cluster.pass(10)
    cluster.elect(cluster.member(1))
    cluster.pass(REQUEST_TIMEOUT_MS + TTL_SECONDS_MAX * 1000 + 3000)
    for (const { isExpected, answer } of cluster.questions) assert.ok(answer !== null || !isExpected, 'no answer')
    cluster.assertEqualStores()
  }), { numRuns: 60 })
})
