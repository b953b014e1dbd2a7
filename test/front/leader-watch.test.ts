/** What a front makes of the leaders it sees: the errors of requests that had no outcome are etcd's. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FrontContext } from '../../src/front/front-context.js'
import { LeaderWatch } from '../../src/front/requests/leader-watch.js'
import { allocateWords, SharedWords, Word } from '../../src/messages/shared-words.js'
import { allocatePeerPage, PeerPage, PeerWord } from '../../src/metrics/peer-page.js'
import { errorById, etcdErrors } from '../../src/proto/etcd-errors.js'

const SELF = 1n
const ELECTION_MS = 1000
const LEADER_FAILED = 'etcdserver: request timed out, possibly due to previous leader failure'
const CONNECTION_LOST = 'etcdserver: request timed out, possibly due to connection lost'

class Rig {
  readonly words = new SharedWords(allocateWords())
  readonly peers = new PeerPage(allocatePeerPage())
  readonly watch: LeaderWatch

  constructor() {
    const { words, peers } = this
    const context = { memberId: SELF, words, node: { peers }, config: { electionMs: ELECTION_MS } }
    this.watch = new LeaderWatch(context as unknown as FrontContext)
  }

  /** Raft has another leader, or none (0). */
  leads(id: bigint, nowMs: number): boolean {
    this.words.storeId(Word.leaderId, id)
    if (id !== 0n) this.words.add(Word.leadersSeen, 1)
    assert.equal(this.watch.hasNews(), true)
    return this.watch.update(nowMs)
  }

  reaches(id: bigint, sinceMs: number): void {
    const slot = this.peers.claim(id)
    slot?.set(PeerWord.isKnown, 1)
    slot?.set(PeerWord.activeSinceMs, sinceMs)
  }

  errorAt(startMs: number): string | undefined {
    return errorById(this.watch.timeoutError(startMs))?.message
  }
}

test('a leader comes once, however often it is looked for', () => {
  const rig = new Rig()
  assert.equal(rig.watch.hasNews(), false)
  assert.equal(rig.leads(SELF, 10), true)
  assert.equal(rig.watch.hasNews(), false)
  assert.equal(rig.watch.update(11), false)
  assert.equal(rig.leads(0n, 20), false)
  assert.equal(rig.leads(SELF, 30), true, 'the same one again is another beginning')
})

test('a request that had nobody to go to ends as its context does', () => {
  const rig = new Rig()
  rig.leads(SELF, 0)
  rig.leads(0n, 5000)
  assert.equal(rig.errorAt(5001), etcdErrors.contextDeadlineExceeded.message)
  assert.equal(rig.errorAt(4999), etcdErrors.timeout.message)
  assert.equal(rig.watch.lackedSinceMs, 5000)
})

test('a request from shortly before an election blames the leader before', () => {
  const rig = new Rig()
  rig.leads(SELF, 10_000)
  rig.leads(0n, 20_000)
  rig.leads(SELF, 21_000)
  assert.equal(rig.errorAt(20_500), LEADER_FAILED)
  assert.equal(rig.errorAt(19_000), etcdErrors.timeout.message)
  assert.equal(rig.errorAt(21_500), etcdErrors.timeout.message)
})

test('a follower that has not reached its leader all the time blames the connection', () => {
  const rig = new Rig()
  rig.leads(2n, 0)
  rig.reaches(2n, 100)
  rig.reaches(3n, 0)
  assert.equal(rig.errorAt(5000), etcdErrors.timeout.message)
  rig.reaches(2n, 6000)
  assert.equal(rig.errorAt(5000), CONNECTION_LOST)
  rig.reaches(2n, 0)
  assert.equal(rig.errorAt(5000), CONNECTION_LOST)
})

test('a leader that has not reached a quorum all the time blames the connection', () => {
  const rig = new Rig()
  rig.leads(SELF, 0)
  rig.reaches(2n, 100)
  rig.reaches(3n, 0)
  assert.equal(rig.errorAt(5000), etcdErrors.timeout.message)
  rig.reaches(2n, 6000)
  assert.equal(rig.errorAt(5000), CONNECTION_LOST)
})
