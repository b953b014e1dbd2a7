/**
 * Leases under everything at once: renewals, client revokes, slow and refusing logs, lost entries, restarts, changes of
 * leader. The rig's log fails when expiry takes a lease before its time; here the rest is checked: every question has
 * one answer, nobody was promised a lease that then ended early, and every lease ends in the end.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { etcdErrors } from '../../src/proto/etcd-errors.js'
import { LeaseRig, REQUEST_TIMEOUT_MS, SAFETY_MS, type Answer } from './lease-rig.js'

const LEASES = 5
const TTL_SECONDS_MAX = 6
/** Beyond TTL and safety: the clock's ticks, pauses after refusals, the retry of a revoke. */
const SLACK_MS = 2500

const lease = fc.integer({ min: 1, max: LEASES }).map(BigInt)

type Action =
  | { readonly kind: 'grant'; readonly lease: bigint; readonly ttl: number }
  | { readonly kind: 'revoke' | 'keepAlive' | 'timeToLive'; readonly lease: bigint }
  | { readonly kind: 'pass' | 'passApplying'; readonly ms: number }
  | { readonly kind: 'apply' | 'list' | 'lead' | 'follow' | 'lose' }
  | { readonly kind: 'restart'; readonly replay: boolean }
  | { readonly kind: 'refuse'; readonly error: number }

const { requestTooManyRequests, noLeader, noSpace } = etcdErrors
const refusals = [requestTooManyRequests, noLeader, noSpace].map(({ id }) => id)

const kind = <T extends Action['kind']>(...kinds: readonly T[]) => fc.constantFrom(...kinds)
const weighted = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary })

const action: fc.Arbitrary<Action> = fc.oneof(
  weighted(4, fc.record({ kind: kind('grant'), lease, ttl: fc.integer({ min: 2, max: TTL_SECONDS_MAX }) })),
  weighted(1, fc.record({ kind: kind('revoke'), lease })),
  weighted(8, fc.record({ kind: kind('keepAlive'), lease })),
  weighted(2, fc.record({ kind: kind('timeToLive'), lease })),
  weighted(6, fc.record({ kind: kind('pass'), ms: fc.constantFrom(0, 1, 60, 400, 2100) })),
  weighted(8, fc.record({ kind: kind('passApplying'), ms: fc.constantFrom(1, 500, 1900, 3000) })),
  weighted(6, fc.record({ kind: kind('apply') })),
  weighted(1, fc.record({ kind: kind('list', 'lead', 'follow', 'lose') })),
  weighted(1, fc.record({ kind: kind('restart'), replay: fc.boolean() })),
  weighted(2, fc.record({ kind: kind('refuse'), error: fc.constantFrom(...refusals) })),
)

function act(rig: LeaseRig, each: Action): void {
  switch (each.kind) {
    case 'grant':
      return rig.grant(each.lease, each.ttl)
    case 'revoke':
      return rig.revoke(each.lease)
    case 'keepAlive':
      rig.keepAlive(each.lease)
      return rig.run()
    case 'timeToLive':
      rig.timeToLive(each.lease)
      return rig.run()
    case 'list':
      rig.list()
      return rig.run()
    case 'pass':
      return rig.pass(each.ms)
    case 'passApplying':
      return rig.passApplying(each.ms)
    case 'apply':
      rig.applyNext()
      return rig.run()
    case 'lose':
      rig.log.pop()
      return
    case 'refuse':
      rig.refuseNext(each.error)
      return rig.run()
    case 'restart':
      rig.restart(each.replay)
      return rig.lead()
    case 'lead':
      return rig.lead()
    case 'follow':
      return rig.isLeading ? rig.follow() : undefined
  }
}

function checkAnswer(answer: Answer): void {
  switch (answer.kind) {
    case 'kept':
      assert.ok(answer.error === 0 || answer.ttlSeconds === 0)
      break
    case 'times':
      assert.ok(answer.remaining <= answer.granted + SAFETY_MS / 1000, `${answer.remaining} of ${answer.granted} s`)
      break
    case 'list':
      assert.equal(new Set(answer.ids).size, answer.ids.length)
      break
  }
}

test('no lease ends early, none lives for ever, and every question has one answer', () => {
  fc.assert(fc.property(fc.array(action, { minLength: 10, maxLength: 100 }), (actions) => {
    const rig = new LeaseRig()
    rig.lead()
    for (const each of actions) act(rig, each)
    if (!rig.isLeading) rig.lead()
    // Lost entries are given up only after the time of a request.
    rig.passApplying(REQUEST_TIMEOUT_MS + 1000)
    rig.passApplying(TTL_SECONDS_MAX * 1000 + SAFETY_MS + SLACK_MS)
    assert.deepEqual([...rig.store.keys()], [])
    assert.deepEqual(rig.unanswered(), [])
    for (const answer of rig.answers.values()) checkAnswer(answer)
  }), { numRuns: 300 })
})

test('a lease that is kept alive in time never ends, over any number of restarts and leaders', () => {
  const event = fc.constantFrom('keep', 'restart', 'lead', 'wait')
  fc.assert(fc.property(fc.array(event, { minLength: 5, maxLength: 40 }), (events) => {
    const rig = new LeaseRig()
    rig.lead()
    rig.grant(1n, 3)
    let sinceKeptMs = 0
    for (const each of events) {
      if (each === 'restart') rig.restart()
      if (each !== 'keep' && each !== 'wait') rig.lead()
      if (each === 'keep' || sinceKeptMs >= 1900) {
        const question = rig.keepAlive(1n)
        rig.passApplying(1)
        assert.deepEqual(rig.answer(question), { kind: 'kept', ttlSeconds: 3, error: 0 })
        sinceKeptMs = 0
      }
      rig.passApplying(1000)
      sinceKeptMs += 1000
    }
    assert.deepEqual(rig.expired, [])
  }), { numRuns: 100 })
})
