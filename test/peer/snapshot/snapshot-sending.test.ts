/** What raft hears of snapshots that it asks to be sent, with a test in the place of the thread that sends them. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SenderOrder, SenderReport } from '../../../src/peer/snapshot/sender-protocol.js'
import { SnapshotSending } from '../../../src/peer/snapshot/snapshot-sending.js'
import { PeerSlot, PeerWord } from '../../../src/metrics/peer-page.js'
import { QUIET_LOGGER } from '../../mvcc/support/quiet-logger.js'

const TO = 7n
const MESSAGE = new Uint8Array(3)

class Rig {
  readonly orders: SenderOrder[] = []
  readonly told: string[] = []
  readonly slot = PeerSlot.unseen(TO)
  nowMs = 0
  hasRoom = true
  urls: readonly string[] = ['http://there:2380']
  starts = 0
  report: (report: SenderReport) => void = () => undefined
  end: (reason: string) => void = () => undefined
  readonly sending = new SnapshotSending({
    start: (onReport, onEnd) => {
      this.starts++
      this.report = onReport
      this.end = onEnd
      return { order: (order) => this.orders.push(order) }
    },
    urlsOf: () => this.urls,
    slotOf: () => this.slot,
    tellRaft: (to, ok) => {
      if (this.hasRoom) this.told.push(`${to} ${ok}`)
      return this.hasRoom
    },
    requestTurn: () => undefined,
    clock: { nowMs: () => this.nowMs, wallMs: () => 0 },
    logger: QUIET_LOGGER,
  })

  send(): void {
    this.sending.send(TO, MESSAGE)
    this.sending.work(this.nowMs)
  }

  settle(ok: boolean): void {
    this.report({ kind: 'sent', to: TO, ok, tookMs: 1 })
    this.sending.work(this.nowMs)
  }

  /** Taken out, so that the next look sees what came since. */
  take(): string[] {
    return this.told.splice(0)
  }
}

test('raft hears once what became of each, however often it asked meanwhile', () => {
  const rig = new Rig()
  rig.send()
  rig.send()
  assert.equal(rig.orders.length, 1)
  assert.equal(rig.slot.get(PeerWord.snapshotsBeingSent), 1)
  rig.settle(true)
  assert.deepEqual(rig.take(), ['7 true'])
  assert.deepEqual([rig.slot.get(PeerWord.snapshotsBeingSent), rig.slot.get(PeerWord.snapshotsSent)], [0, 1])
})

test('an outcome waits for room in the ring', () => {
  const rig = new Rig()
  rig.send()
  rig.hasRoom = false
  rig.settle(true)
  assert.ok(rig.sending.owes)
  rig.hasRoom = true
  rig.sending.work(0)
  assert.deepEqual(rig.take(), ['7 true'])
})

test('after a failure the next is not begun at once, and the pause grows', () => {
  const rig = new Rig()
  for (const [from, pauseMs] of [[0, 1000], [10_000, 2000], [20_000, 4000]] as const) {
    rig.nowMs = from
    rig.send()
    rig.settle(false)
    rig.nowMs = from + pauseMs - 1
    rig.send()
    assert.deepEqual(rig.take(), ['7 false', '7 false'])
  }
  assert.equal(rig.orders.length, 3)
  rig.nowMs = 30_000
  rig.send()
  rig.settle(true)
  rig.send()
  assert.equal(rig.orders.length, 5)
})

test('a thread that ends fails what it was sending, and another one is started', () => {
  const rig = new Rig()
  rig.send()
  rig.end('it was killed')
  rig.sending.work(0)
  assert.deepEqual(rig.take(), ['7 false'])
  rig.nowMs = 5000
  rig.send()
  assert.equal(rig.starts, 2)
})

test('a thread with nothing to do is told to end', () => {
  const rig = new Rig()
  rig.send()
  rig.settle(true)
  rig.nowMs = 29_000
  rig.sending.work(rig.nowMs)
  assert.equal(rig.orders.length, 1)
  rig.nowMs = 31_000
  rig.sending.work(rig.nowMs)
  assert.deepEqual(rig.orders.at(-1), { kind: 'stop' })
})

test('to a member without a URL nothing is sent', () => {
  const rig = new Rig()
  rig.urls = []
  rig.send()
  assert.deepEqual(rig.take(), ['7 false'])
  assert.equal(rig.starts, 0)
})
