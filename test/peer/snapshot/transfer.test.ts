/** An image of a store goes from one member to another over real sockets, whatever happens to the connection. */

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { afterEach, test } from 'node:test'
import { systemClock } from '../../../src/base/system-clock.js'
import { PeerWord } from '../../../src/metrics/peer-page.js'
import { CHUNK_BYTES } from '../../../src/peer/snapshot/transfer-format.js'
import { decodeMessage } from '../../../src/proto/generated/raftpb.js'
import { openLmdbStore } from '../../../src/store/lmdb-store.js'
import { compareStores } from '../../store/compare-stores.js'
import { SENDER, TransferRig, type Wire } from './transfer-rig.js'

const KEYS = 2000
/** What a cut may cost: a chunk, what sockets hold, and heads. */
const SLACK_BYTES = 8 * 1024 * 1024

const rigs: TransferRig[] = []

afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close()
})

function rigOf(keys = KEYS, valueBytes = 1000): TransferRig {
  const rig = new TransferRig(keys, valueBytes)
  rigs.push(rig)
  return rig
}

function slot(rig: TransferRig, word: PeerWord): number | undefined {
  return rig.receiver?.page.find(SENDER)?.get(word)
}

function assertArrived(rig: TransferRig): void {
  assert.equal(rig.delivered.length, 1)
  const path = rig.delivered[0]?.path as string
  const store = openLmdbStore({ path })
  try {
    compareStores(store, rig.store.node.switching)
  } finally {
    store.close()
  }
}

test('what arrives is the store, and the message says how far it is', async () => {
  const rig = await rigOf().start()
  assert.ok(await rig.send(5))
  assertArrived(rig)
  const { snapshot } = decodeMessage(rig.delivered[0]?.message as Uint8Array)
  assert.deepEqual([snapshot?.metadata?.index, snapshot?.metadata?.term], [rig.lastIndex, 2])
  assert.deepEqual(rig.images, [])
  assert.equal(slot(rig, PeerWord.snapshotsReceived), 1)
  assert.equal(slot(rig, PeerWord.snapshotsBeingReceived), 0)
})

test('a connection that is cut is followed by one that goes on where it ended', async () => {
  const rig = await rigOf(20_000).start({ faults: [{ cutAfter: 5_000_000 }, { cutAfter: 9_000_000 }] })
  assert.ok(await rig.send())
  assertArrived(rig)
  const { connections, forwarded } = rig.wire as Wire
  const bytes = rig.received.length
  assert.ok(connections >= 3, `${connections} connections`)
  assert.ok(bytes > 20_000_000, `an image of ${bytes} bytes`)
  assert.ok(forwarded < bytes + SLACK_BYTES, `${forwarded} bytes sent for an image of ${bytes}`)
})

test('a chunk that was changed on the way is refused, and sent again', async () => {
  const rig = await rigOf().start({ faults: [{ flipAt: 3 * CHUNK_BYTES }] })
  assert.ok(await rig.send())
  assertArrived(rig)
  assert.ok(rig.log.some((line) => line.includes('wrong checksum')), rig.log.join('\n'))
  assert.equal(rig.wire?.connections, 2)
})

test('an image with other pages is refused, once and for all', async () => {
  const rig = await rigOf(100).start({ pageBytes: 8192 })
  assert.ok(!(await rig.send()))
  assert.equal(rig.wire?.connections, 1)
  assert.deepEqual(rig.delivered, [])
  assert.deepEqual(rig.images, [])
  assert.equal(slot(rig, PeerWord.snapshotReceiveFailures), 1)
  assert.deepEqual(readdirSync(rig.receiveDir), [])
})

test('while raft is busy the whole image waits, and is not sent again', async () => {
  const rig = rigOf()
  rig.deliverResults.push(false, false)
  await rig.start()
  assert.ok(await rig.send())
  assertArrived(rig)
  const { connections, forwarded } = rig.wire as Wire
  assert.equal(connections, 3)
  assert.ok(forwarded < rig.received.length + SLACK_BYTES)
})

test('members that ask at the same time share an image', async () => {
  const rig = await rigOf().start()
  await Promise.all([rig.send(), rig.send()])
  assert.equal(rig.delivered.length, 2)
  const made = rig.reports.filter((report) => report.kind === 'log' && report.message.startsWith('an image'))
  assert.equal(made.length, 1)
  assert.deepEqual(rig.images, [])
})

test('bytes leave no faster than the bound', async () => {
  const rig = await rigOf().start({ bytesPerSecond: 10_000_000 })
  const startedMs = systemClock.nowMs()
  assert.ok(await rig.send())
  const seconds = (systemClock.nowMs() - startedMs) / 1000
  const rate = (rig.received.length - 1_000_000) / seconds
  assert.ok(rate < 10_000_000, `${Math.round(rate)} bytes per second`)
})

test('a transfer that is stopped ends', async () => {
  const rig = await rigOf(20_000).start({ bytesPerSecond: 1_000_000 })
  const sending = rig.send()
  while (rig.wire?.connections === 0) await new Promise(setImmediate)
  rig.sender?.stop()
  assert.ok(!(await sending))
  assert.deepEqual(rig.images, [])
})

test('a member without a URL is sent nothing', async () => {
  const rig = await rigOf(10).start()
  assert.ok(!(await rig.send(rig.lastIndex, [])))
})
