/** Apply that is far behind what is committed: new requests are refused, and with a gate those last that end leases. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { etcdErrors } from '../../../src/proto/etcd-errors.js'
import { encodeInternalRaftRequest } from '../../../src/proto/generated/etcdserverpb.js'
import { encodeExtension } from '../../../src/proto/generated/raftringpb.js'
import { RaftBody, raftRequestSize, writeRaftRequest } from '../../../src/proto/hot/raft-request.js'
import { RAFT_LIMITS_DEFAULT } from '../../../src/raft/core/raft-state.js'
import { ActorCluster } from './actor-cluster.js'
import type { ActorRig } from './actor-rig.js'

const GAP_MAX = 5
const GAP_MAX_FIRST = 10
const TOO_MANY = etcdErrors.requestTooManyRequests.id
const REVOKE = encodeInternalRaftRequest({ header: { ID: 1n }, lease_revoke: { ID: 5n } })
const GRANT = encodeInternalRaftRequest({ header: { ID: 1n }, lease_grant: { ID: 5n, TTL: 5 } })

let nowMs = 0

function leaderOf(unappliedCountMaxFirst = GAP_MAX): ActorRig {
  nowMs = 60_000
  const cluster = new ActorCluster([1n], { unappliedCountMax: GAP_MAX, unappliedCountMaxFirst })
  const leader = cluster.elect()
  cluster.settle()
  return leader
}

/** Proposed and committed, and not applied. The error of the refusal, 0 for none. */
function propose(leader: ActorRig, data: string | Uint8Array): number {
  leader.propose(data)
  for (let turn = 0; turn < 3; turn++) {
    leader.run(nowMs++)
    leader.sync()
  }
  const refused = leader.front.take().find(({ message }) => message === 'refused')
  if (refused === undefined) return 0
  assert.equal(refused['requestLow'], leader.lastRequestLow)
  return refused['error'] as number
}

function fill(leader: ActorRig, data: string | Uint8Array, count: number): void {
  for (let i = 0; i < count; i++) assert.equal(propose(leader, data), 0, `request ${i + 1}`)
}

test('etcd refuses at more than 5000', () => {
  assert.equal(RAFT_LIMITS_DEFAULT.unappliedCountMax, 5000)
  assert.equal(RAFT_LIMITS_DEFAULT.unappliedCountMaxFirst, 5000)
})

test('requests are refused while too much is committed and not applied, and taken again behind it', () => {
  const leader = leaderOf()
  fill(leader, 'a', GAP_MAX + 1)
  assert.equal(propose(leader, 'b'), TOO_MANY)
  assert.equal(propose(leader, REVOKE), TOO_MANY)
  leader.apply()
  assert.equal(propose(leader, 'c'), 0)
  leader.apply()
  assert.deepEqual(leader.texts, [...Array<string>(GAP_MAX + 1).fill('a'), 'c'])
})

test('with the gate PriorityRequest revokes are taken up to the double of it, other requests are not', () => {
  const leader = leaderOf(GAP_MAX_FIRST)
  fill(leader, 'a', GAP_MAX + 1)
  for (const other of ['b', GRANT]) assert.equal(propose(leader, other), TOO_MANY)
  fill(leader, REVOKE, 2)
  fill(leader, batchOfRevokes(), GAP_MAX_FIRST - GAP_MAX - 2)
  assert.equal(propose(leader, REVOKE), TOO_MANY)
})

/** As leases that expire are ended. */
function batchOfRevokes(): Uint8Array {
  const extension = encodeExtension({ revoke: { ids: [5n, 6n] } })
  const extras = { username: new Uint8Array(0), authRevision: 0, extension }
  const bytes = new Uint8Array(raftRequestSize(0, 7, RaftBody.none, 0, extras))
  writeRaftRequest(bytes, 0, 0, 7, RaftBody.none, bytes, 0, 0, extras)
  return bytes
}
