/**
 * A member's leases when raft and mvcc tell their news in any order, as two roads may: leaders come and go, stores are
 * replaced, and entries of this term or another are heard of more than once.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Lessor } from '../../src/lease/lessor.js'

const lease = fc.integer({ min: 1, max: 3 }).map(BigInt)
const kind = <T extends string>(...kinds: readonly T[]) => fc.constantFrom(...kinds)

const event = fc.oneof(
  fc.record({ kind: kind('grant', 'renew', 'revoke'), lease }),
  fc.record({ kind: kind('lead', 'confirm', 'confirmAgain', 'confirmAnother', 'follow'), lease }),
  fc.record({ kind: kind('restored', 'replaced', 'hearClock', 'pass'), lease }),
)

test('in any order of news the clock of a leader stands still until its own entry is applied, and starts once', () => {
  fc.assert(fc.property(fc.array(event, { minLength: 5, maxLength: 60 }), (events) => {
    const lessor = new Lessor(1000)
    let nowMs = 5000
    let clockMs = 0
    let term = 0
    const confirm = (epoch: number): void => {
      const mayBeNews = !lessor.isConfirmed && epoch === lessor.epoch && epoch !== 0
      assert.equal(lessor.confirm(epoch, nowMs), mayBeNews)
      if (mayBeNews) assert.equal(lessor.clock.isRunning, lessor.size > 0)
    }
    for (const each of events) {
      switch (each.kind) {
        case 'grant':
          lessor.grant(each.lease, 2, ++clockMs, nowMs)
          break
        case 'renew':
          lessor.renew(each.lease, ++clockMs, nowMs)
          break
        case 'revoke':
          lessor.revoke(each.lease)
          break
        case 'lead':
          lessor.lead(++term)
          break
        case 'confirm':
          confirm(lessor.epoch)
          break
        case 'confirmAgain':
          confirm(lessor.epoch)
          confirm(lessor.epoch)
          break
        case 'confirmAnother':
          confirm(lessor.epoch + 1)
          break
        case 'follow':
          lessor.follow()
          break
        case 'restored':
          lessor.restored(++clockMs, nowMs)
          break
        case 'replaced':
          lessor.replaced()
          break
        case 'hearClock':
          lessor.hearClock(++clockMs, nowMs)
          break
        case 'pass':
          nowMs += 700
          break
      }
      if (lessor.epoch !== 0 && !lessor.isConfirmed) assert.equal(lessor.clock.isRunning, false, each.kind)
      if (lessor.size === 0) assert.equal(lessor.clock.isRunning, false, each.kind)
    }
  }), { numRuns: 1000 })
})
