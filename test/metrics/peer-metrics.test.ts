/** Slots of other members, and how a scrape tells them. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Exposition } from '../../src/metrics/exposition.js'
import { addPeerMetrics } from '../../src/metrics/peer-metrics.js'
import { PEER_SLOTS_MAX, PeerPage, PeerWord, allocatePeerPage, type PeerSlot } from '../../src/metrics/peer-page.js'

const SELF = 0x1en
const OTHER = 0xd07d5325fff892c1n

function slotOf(page: PeerPage, id: bigint): PeerSlot {
  const slot = page.claim(id)
  assert.ok(slot !== null)
  slot.set(PeerWord.isKnown, 1)
  return slot
}

function scrapeOf(page: PeerPage): string[] {
  const exposition = new Exposition()
  addPeerMetrics(exposition, page, SELF)
  return exposition.render().split('\n')
}

test('what is counted of a member is told under its id, as etcd does', () => {
  const page = new PeerPage(allocatePeerPage())
  const slot = slotOf(page, OTHER)
  slot.set(PeerWord.activeSinceMs, 12)
  slot.add(PeerWord.sentBytes, 5)
  slot.add(PeerWord.receivedBytes, 6)
  slot.add(PeerWord.sentFailures)
  slot.add(PeerWord.snapshotsSent, 2)
  slot.observeRoundTrip(0.00015)
  slot.observeRoundTrip(100)
  slot.observeSnapshotSend(0.1)
  const lines = scrapeOf(page)
  for (const line of [
    'etcd_network_active_peers{Local="1e",Remote="d07d5325fff892c1"} 1',
    'etcd_network_known_peers{Local="1e",Remote="d07d5325fff892c1"} 1',
    'etcd_network_disconnected_peers_total{Local="1e",Remote="d07d5325fff892c1"} 0',
    'etcd_network_peer_sent_bytes_total{To="d07d5325fff892c1"} 5',
    'etcd_network_peer_received_bytes_total{From="d07d5325fff892c1"} 6',
    'etcd_network_peer_sent_failures_total{To="d07d5325fff892c1"} 1',
    'etcd_network_peer_received_failures_total{From="d07d5325fff892c1"} 0',
    'etcd_network_snapshot_send_success{To="d07d5325fff892c1"} 2',
    'etcd_network_peer_round_trip_time_seconds_bucket{To="d07d5325fff892c1",le="0.0001"} 0',
    'etcd_network_peer_round_trip_time_seconds_bucket{To="d07d5325fff892c1",le="0.0002"} 1',
    'etcd_network_peer_round_trip_time_seconds_bucket{To="d07d5325fff892c1",le="+Inf"} 2',
    'etcd_network_peer_round_trip_time_seconds_count{To="d07d5325fff892c1"} 2',
    'etcd_network_snapshot_send_total_duration_seconds_bucket{To="d07d5325fff892c1",le="0.1"} 1',
  ]) assert.ok(lines.includes(line), line)
})

test('a member that is gone keeps its numbers until another one needs its slot', () => {
  const page = new PeerPage(allocatePeerPage())
  for (let id = 1n; id <= BigInt(PEER_SLOTS_MAX); id++) slotOf(page, id).set(PeerWord.sentBytes, Number(id))
  assert.equal(page.claim(1000n), null)
  const gone = page.find(7n) as PeerSlot
  gone.set(PeerWord.isKnown, 0)
  assert.ok(scrapeOf(page).includes('etcd_network_known_peers{Local="1e",Remote="7"} 0'))
  const next = slotOf(page, 1000n)
  assert.equal(next.get(PeerWord.sentBytes), 0)
  assert.equal(page.find(7n), null)
  assert.equal(page.slots().length, PEER_SLOTS_MAX)
})

test('a member is found again by whoever looks at the same memory', () => {
  const memory = allocatePeerPage()
  slotOf(new PeerPage(memory), OTHER).set(PeerWord.activeSinceMs, 1000)
  const seen = new PeerPage(memory)
  assert.equal(seen.find(OTHER)?.get(PeerWord.activeSinceMs), 1000)
  assert.deepEqual(seen.activeFor(5000, 5999), [])
  assert.deepEqual(seen.activeFor(5000, 6000), [OTHER])
})
