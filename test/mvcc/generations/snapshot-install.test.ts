/** A leader's store takes the place of a member's own; whatever ends the node, it goes on from one of the two. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { utf8 } from '../../../src/base/bytes.js'
import { Word, frontReader } from '../../../src/messages/shared-words.js'
import type { LmdbStore } from '../../../src/store/lmdb-store.js'
import type { MemoryStore } from '../../../src/store/memory-store.js'
import { compareStores } from '../../store/compare-stores.js'
import { MvccRig, type LoggedEntry } from '../support/mvcc-rig.js'
import type { RequestSpec } from '../support/requests.js'
import { LmdbDisk, MemoryDisk } from '../support/test-disk.js'

const HASH = Buffer.from('$2b$04$stands.for.a.hash').toString('base64')
const LEASE = 77n
/** Entries that the member has before it falls behind. */
const KNOWN = 20

function putOf(index: number): RequestSpec {
  return { kind: 'put', put: { key: `key ${index % 13}`, value: `${index}`.padEnd(index % 5 === 0 ? 3000 : 50, 'v') } }
}

/** A leader and a member that has missed what came after the first entries; of both kinds of stores. */
class Pair {
  readonly leader: MvccRig
  readonly member: MvccRig
  readonly #disk: LmdbDisk | MemoryDisk
  #images = 0

  constructor(kind: 'lmdb' | 'memory', limits = {}) {
    this.#disk = kind === 'lmdb' ? new LmdbDisk() : new MemoryDisk()
    this.leader = new MvccRig({ disk: kind === 'lmdb' ? new LmdbDisk() : new MemoryDisk() })
    this.member = new MvccRig({ disk: this.#disk, limits })
    for (let i = 1; i <= KNOWN; i++) this.leader.send(putOf(i))
    this.leader.run()
    this.replicate(KNOWN)
    this.leader.send({ kind: 'grant', lease: LEASE, ttl: 60 })
    this.leader.send({ kind: 'put', put: { key: 'held', value: 'by a lease', lease: LEASE } })
    for (let i = KNOWN; i <= 3 * KNOWN; i++) this.leader.send(putOf(i))
    this.leader.run()
    this.hear()
  }

  get last(): LoggedEntry {
    return this.leader.log.at(-1) as LoggedEntry
  }

  /** The member applies what the leader has, up to this entry. */
  replicate(upTo = this.leader.log.length): void {
    for (const entry of this.leader.log.slice(this.member.log.length, upTo)) {
      this.member.log.push(entry)
      assert.ok(this.member.node.apply(entry, 0))
    }
    this.member.run()
  }

  /** An image of the leader's store as peer leaves it on the member's disk. */
  async image(): Promise<string> {
    const name = `image ${++this.#images}`
    const { store } = this.leader.node.store
    if (this.#disk instanceof MemoryDisk) {
      this.#disk.put(name, (store as unknown as { readonly inner: MemoryStore }).inner)
      return name
    }
    const path = join(this.#disk.directory, name)
    await (store as LmdbStore).copyTo(path)
    return path
  }

  install(path: string): void {
    const { index, term } = this.last
    assert.ok(this.member.node.toMvcc.installSnapshot({ index, term, path: utf8(path) }))
    this.member.node.publish()
  }

  switch(): void {
    assert.ok(this.member.node.toMvcc.switchSnapshot({ index: this.last.index }))
    this.member.node.publish()
  }

  /** What raft was told, but for checkpoints. */
  raftHeard(): string[] {
    return this.member.node.raft.take().map(({ message }) => message).filter((name) => name !== 'checkpointed')
  }

  /** Everything that all neighbours were told is forgotten. */
  hear(): void {
    const { fronts, lease, raft, events } = this.member.node
    for (const mailbox of [...fronts, lease, raft]) mailbox.take()
    events.take()
  }

  /** Raft's part, all at once. The log of the member is behind the snapshot then. */
  async catchUp(): Promise<void> {
    this.install(await this.image())
    this.member.pass(100)
    this.switch()
    this.member.run()
    this.skipLog()
  }

  skipLog(): void {
    this.member.log.push(...this.leader.log.slice(this.member.log.length))
  }

  assertEqual(): void {
    compareStores(this.member.node.switching, this.leader.node.switching)
  }

  close(): void {
    this.member.close()
    this.leader.close()
  }
}

for (const kind of ['lmdb', 'memory'] as const) {
  test(`${kind}: the store is prepared first, and switched when raft says so`, async () => {
    const pair = new Pair(kind)
    const { words } = pair.member
    pair.install(await pair.image())
    pair.member.run()
    assert.deepEqual(pair.raftHeard(), ['snapshotPrepared'])
    assert.equal(words.load(Word.appliedIndex), KNOWN)
    assert.equal(words.load(Word.storeGeneration), 1)
    pair.switch()
    pair.member.run()
    assert.equal(words.load(Word.appliedIndex), pair.last.index)
    assert.equal(words.load(Word.storeGeneration), 2)
    pair.assertEqual()
    pair.close()
  })

  test(`${kind}: what follows the snapshot is applied to the new store`, async () => {
    const pair = new Pair(kind)
    await pair.catchUp()
    for (let i = 0; i < 10; i++) pair.leader.send(putOf(i))
    pair.leader.run()
    pair.replicate()
    pair.assertEqual()
    pair.member.restart()
    pair.assertEqual()
    pair.close()
  })

  test(`${kind}: a crash after any turn begins with one of the two stores`, async () => {
    const found = new Set<string>()
    for (let turns = 0; turns < 12; turns++) {
      const pair = new Pair(kind, { checkpointMs: 60_000 })
      pair.install(await pair.image())
      for (let turn = 0; turn < turns; turn++) {
        pair.member.node.turn.run()
        pair.member.clock.advance(5)
        if (pair.raftHeard().includes('snapshotPrepared')) pair.switch()
      }
      pair.member.node.store.abandon()
      pair.member.startAgain()
      const [restored] = pair.member.node.raft.take()
      assert.equal(restored?.message, 'storeRestored')
      const { appliedIndex, installed } = restored
      if (appliedIndex === pair.last.index) {
        pair.skipLog()
        assert.equal(installed, 1)
        found.add('new')
      } else {
        assert.deepEqual([appliedIndex, installed], [0, 0])
        pair.member.replay()
        pair.replicate()
        found.add('old')
      }
      pair.member.run()
      pair.assertEqual()
      pair.close()
    }
    assert.deepEqual([...found], ['old', 'new'])
  })

  test(`${kind}: a clean end after any turn does, too`, async () => {
    for (let turns = 0; turns < 12; turns++) {
      const pair = new Pair(kind, { checkpointMs: 60_000 })
      pair.install(await pair.image())
      for (let turn = 0; turn < turns; turn++) {
        pair.member.node.turn.run()
        pair.member.clock.advance(5)
        if (pair.raftHeard().includes('snapshotPrepared')) pair.switch()
      }
      pair.member.node.close()
      pair.member.startAgain()
      const isNew = pair.member.node.appliedIndex() === pair.last.index
      if (isNew) pair.skipLog()
      else pair.member.replay()
      pair.replicate()
      pair.assertEqual()
      pair.close()
    }
  })
}

test('lease hears of all leases anew, before the applied word moves', async () => {
  const pair = new Pair('memory')
  await pair.catchUp()
  const heard = pair.member.node.lease.take()
  assert.deepEqual(heard.map(({ message }) => message), ['replaced', 'granted', 'restored'])
  assert.equal(heard[1]?.['leaseId'], LEASE)
  pair.close()
})

test('watchers find a gap up to the revision of the new store', async () => {
  const pair = new Pair('memory')
  await pair.catchUp()
  const revision = pair.leader.words.load(Word.currentRevision)
  assert.deepEqual(pair.member.node.events.take(), [revision])
  assert.equal(pair.member.words.load(Word.currentRevision), revision)
  pair.close()
})

test('users that have changed make tokens void, and the stamp is there before the store', async () => {
  const pair = new Pair('memory')
  await pair.catchUp()
  assert.deepEqual(pair.member.node.fronts[0]?.take(), [])
  pair.leader.send({ kind: 'other', request: { auth_user_add: { name: 'root', hashedPassword: HASH } } })
  pair.leader.run()
  await pair.catchUp()
  const stamp = pair.leader.words.load(Word.authStamp)
  assert.equal(pair.member.words.load(Word.authStamp), stamp)
  assert.deepEqual(pair.member.node.fronts[0]?.take().map(({ message, voidsAll }) => [message, voidsAll]), [
    ['authChanged', 1],
  ])
  pair.close()
})

test('alarms and the compact revision are those of the new store', async () => {
  const pair = new Pair('memory')
  pair.leader.send({ kind: 'compact', revision: 30 })
  const alarm = { action: 1, memberID: 5n, alarm: 1 }
  pair.leader.send({ kind: 'other', request: { alarm } })
  pair.leader.run()
  await pair.catchUp()
  assert.equal(pair.member.words.load(Word.compactRevision), 30)
  assert.equal(pair.member.words.load(Word.alarms), pair.leader.words.load(Word.alarms))
  pair.leader.send(putOf(1))
  pair.leader.run()
  pair.replicate()
  pair.leader.pass(1000)
  pair.member.pass(1000)
  assert.equal(pair.member.words.load(Word.compactedPhysically), 30)
  pair.assertEqual()
  pair.close()
})

test('the old file stays until its readers have let go of it', async () => {
  const pair = new Pair('lmdb')
  const { words } = pair.member
  words.store(frontReader(0), 1)
  await pair.catchUp()
  pair.member.pass(1000)
  assert.ok(pair.member.node.store.isOpen)
  words.store(frontReader(0), 0)
  pair.member.pass(1000)
  assert.ok(!pair.member.node.store.isOpen)
  pair.close()
})

test('a checkpoint that finds no space is made when there is some', async () => {
  const pair = new Pair('memory')
  const disk = pair.member.disk as MemoryDisk
  disk.isFull = true
  pair.install(await pair.image())
  pair.member.pass(3000)
  assert.deepEqual(pair.raftHeard(), [])
  disk.isFull = false
  pair.member.pass(3000)
  assert.deepEqual(pair.raftHeard(), ['snapshotPrepared'])
  pair.close()
})

test('a batch for which there was no space is in the new store', async () => {
  const pair = new Pair('memory')
  const disk = pair.member.disk as MemoryDisk
  pair.install(await pair.image())
  pair.member.run()
  disk.isFull = true
  pair.replicate(KNOWN + 1)
  pair.switch()
  pair.member.run()
  disk.isFull = false
  pair.skipLog()
  pair.member.pass(1000)
  assert.deepEqual(pair.raftHeard(), ['snapshotPrepared', 'space', 'space'])
  pair.assertEqual()
  pair.close()
})

test('a copy to a smaller file is given up for a store that replaces it anyway', async () => {
  const limits = { spareBytesMax: 1, spareFactorMax: 1, spareHeldMs: 0, shrinkPauseMs: 0, checkpointMs: 60_000 }
  const pair = new Pair('lmdb', limits)
  pair.member.words.add(Word.shrinkAsked, 1)
  pair.member.node.turn.run()
  await pair.catchUp()
  pair.member.pass(5000)
  assert.equal(pair.member.words.load(Word.shrinkAnswered), 1)
  pair.assertEqual()
  pair.close()
})

test('a second snapshot follows the first', async () => {
  const pair = new Pair('lmdb')
  await pair.catchUp()
  pair.leader.send(putOf(4))
  pair.leader.run()
  pair.member.pass(1000)
  await pair.catchUp()
  pair.assertEqual()
  assert.equal(pair.member.words.load(Word.storeGeneration), 3)
  pair.close()
})
