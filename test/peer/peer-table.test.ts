/** Whom a member talks to, as its store, its flags and strangers have it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PeerPage, PeerWord, allocatePeerPage } from '../../src/metrics/peer-page.js'
import { Peer } from '../../src/peer/peer.js'
import { PeerTable, type PlainMember } from '../../src/peer/peer-table.js'
import type { Caller } from '../../src/peer/streams/handshake.js'
import { throwingLogger } from '../support/throwing-logger.js'
import { LIMITS } from './peer-rig.js'
import { FakeClock } from './streams/link-rig.js'

const SELF = 1n
const NOBODY: ReadonlySet<bigint> = new Set()

class Rig {
  readonly clock = new FakeClock()
  readonly page = new PeerPage(allocatePeerPage())
  readonly dialed: string[] = []
  readonly table: PeerTable

  constructor(first: readonly PlainMember[] = []) {
    this.table = new PeerTable(SELF, first, this.page, {
      clock: this.clock,
      random: () => 0.5,
      logger: throwingLogger,
      limits: LIMITS,
      dial: (to, kind, url) => {
        this.dialed.push(`${to} ${kind} ${url}`)
        return () => undefined
      },
      onLost: () => undefined,
      onWay: () => undefined,
      onActivity: () => undefined,
    })
  }

  get ids(): bigint[] {
    return [...this.table.peers].map(({ id }) => id)
  }
}

function at(id: bigint): PlainMember {
  return { id, peerUrls: [`http://m${id}:1`] }
}

function caller(from: bigint, peerUrls: readonly string[] = [`http://m${from}:1`]): Caller {
  return { from, peerUrls, serverVersion: '3.7.1', features: [] }
}

test('a member dials every other one twice, and never itself', () => {
  const rig = new Rig([at(SELF), at(2n), at(3n)])
  assert.deepEqual(rig.dialed, [
    '2 message http://m2:1', '2 append http://m2:1', '3 message http://m3:1', '3 append http://m3:1',
  ])
})

test('members of the first configuration stay until they are removed; others while they are listed', () => {
  const rig = new Rig([at(SELF), at(2n)])
  rig.table.update([at(SELF)], NOBODY)
  assert.deepEqual(rig.ids, [2n])
  rig.table.update([at(SELF), at(3n)], NOBODY)
  assert.deepEqual(rig.ids, [2n, 3n])
  rig.table.update([at(SELF)], NOBODY)
  assert.deepEqual(rig.ids, [2n])
  rig.table.update([at(SELF)], new Set([2n]))
  assert.deepEqual(rig.ids, [])
  assert.ok(rig.table.isRemoved(2n))
  assert.equal(rig.page.find(2n)?.get(PeerWord.isKnown), 0)
})

test('a stranger with URLs is talked to, one without is not', () => {
  const rig = new Rig()
  assert.deepEqual(rig.table.admit(caller(9n, [])), { status: 404, message: 'unknown member' })
  const peer = rig.table.admit(caller(9n))
  assert.ok(peer instanceof Peer && peer.isRemote)
  assert.equal(rig.table.admit(caller(9n)), peer)
  rig.table.update([at(9n)], NOBODY)
  assert.equal(rig.table.find(9n), peer)
  assert.equal(peer.isRemote, false)
})

test('strangers are few, and those that are silent are forgotten', () => {
  const rig = new Rig()
  for (let id = 10n; id < 26n; id++) assert.ok(rig.table.admit(caller(id)) instanceof Peer)
  assert.ok(!(rig.table.admit(caller(26n)) instanceof Peer))
  rig.clock.now += 59_000
  rig.table.expire(rig.clock.now)
  assert.equal(rig.ids.length, 16)
  rig.clock.now += 2000
  rig.table.expire(rig.clock.now)
  assert.equal(rig.ids.length, 0)
  assert.ok(rig.table.admit(caller(26n)) instanceof Peer)
})

test('a member whose place in the page nobody has left talks all the same', () => {
  const rig = new Rig()
  rig.table.update(Array.from({ length: 70 }, (_, i) => at(BigInt(100 + i))), NOBODY)
  assert.equal(rig.ids.length, 70)
  assert.equal(rig.page.slots().length, 64)
})
