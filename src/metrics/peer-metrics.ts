/** etcd's metrics of what goes between members, from the slots that the peer actor writes. */

import type { Exposition } from './exposition.js'
import { PeerWord, ROUND_TRIP_BOUNDS, SNAPSHOT_TIME_BOUNDS, type PeerPage, type PeerSlot } from './peer-page.js'

/** The labels under which etcd tells them: both members, or the other one as receiver or sender. */
type LabelKind = 'pair' | 'To' | 'From'

interface Told {
  readonly type: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly labels: LabelKind
  readonly value: (slot: PeerSlot) => number
}

const word = (index: PeerWord) => (slot: PeerSlot) => slot.get(index)

const TOLD: readonly Told[] = [
  {
    type: 'gauge', name: 'etcd_network_active_peers', labels: 'pair',
    help: '1 while messages reach this member.',
    value: (slot) => (slot.get(PeerWord.activeSinceMs) > 0 ? 1 : 0),
  },
  {
    type: 'gauge', name: 'etcd_network_known_peers', labels: 'pair',
    help: '1 for a member of the cluster, 0 once it is removed.', value: word(PeerWord.isKnown),
  },
  {
    type: 'counter', name: 'etcd_network_disconnected_peers_total', labels: 'pair',
    help: 'How often this member could not be reached any more.', value: word(PeerWord.disconnects),
  },
  {
    type: 'counter', name: 'etcd_network_peer_sent_bytes_total', labels: 'To',
    help: 'Bytes of messages sent to this member.', value: word(PeerWord.sentBytes),
  },
  {
    type: 'counter', name: 'etcd_network_peer_received_bytes_total', labels: 'From',
    help: 'Bytes of messages received from this member.', value: word(PeerWord.receivedBytes),
  },
  {
    type: 'counter', name: 'etcd_network_peer_sent_failures_total', labels: 'To',
    help: 'Messages to this member that were dropped: it was not reached, or took them too slowly.',
    value: word(PeerWord.sentFailures),
  },
  {
    type: 'counter', name: 'etcd_network_peer_received_failures_total', labels: 'From',
    help: 'Messages of this member that could not be taken, and streams of it that broke the protocol.',
    value: word(PeerWord.receivedFailures),
  },
  {
    type: 'counter', name: 'etcd_network_snapshot_send_success', labels: 'To',
    help: 'Snapshots sent to this member.', value: word(PeerWord.snapshotsSent),
  },
  {
    type: 'counter', name: 'etcd_network_snapshot_send_failures', labels: 'To',
    help: 'Snapshots to this member that did not come to their end.', value: word(PeerWord.snapshotSendFailures),
  },
  {
    type: 'gauge', name: 'etcd_network_snapshot_send_inflights_total', labels: 'To',
    help: 'Snapshots on their way to this member.', value: word(PeerWord.snapshotsBeingSent),
  },
  {
    type: 'counter', name: 'etcd_network_snapshot_receive_success', labels: 'From',
    help: 'Snapshots received from this member.', value: word(PeerWord.snapshotsReceived),
  },
  {
    type: 'counter', name: 'etcd_network_snapshot_receive_failures', labels: 'From',
    help: 'Snapshots of this member that did not come to their end.', value: word(PeerWord.snapshotReceiveFailures),
  },
  {
    type: 'gauge', name: 'etcd_network_snapshot_receive_inflights_total', labels: 'From',
    help: 'Snapshots on their way from this member.', value: word(PeerWord.snapshotsBeingReceived),
  },
  {
    type: 'gauge', name: 'raftring_peer_clock_ahead_seconds', labels: 'To',
    help: "How far this member's wall clock is ahead of ours.",
    value: (slot) => slot.get(PeerWord.clockAheadMs) / 1000,
  },
]

const HISTOGRAMS: readonly {
  readonly name: string
  readonly help: string
  readonly label: 'To' | 'From'
  readonly bounds: readonly number[]
  readonly words: (slot: PeerSlot) => number[]
}[] = [
  {
    name: 'etcd_network_peer_round_trip_time_seconds', label: 'To', bounds: ROUND_TRIP_BOUNDS,
    help: 'Time from a ping to its answer.', words: (slot) => slot.roundTrips(),
  },
  {
    name: 'etcd_network_snapshot_send_total_duration_seconds', label: 'To', bounds: SNAPSHOT_TIME_BOUNDS,
    help: 'Time of sending one snapshot.', words: (slot) => slot.snapshotSends(),
  },
  {
    name: 'etcd_network_snapshot_receive_total_duration_seconds', label: 'From', bounds: SNAPSHOT_TIME_BOUNDS,
    help: 'Time of receiving one snapshot.', words: (slot) => slot.snapshotReceives(),
  },
]

export function addPeerMetrics(to: Exposition, page: PeerPage, memberId: bigint): void {
  const local = memberId.toString(16)
  for (const slot of page.slots()) {
    const remote = slot.id.toString(16)
    for (const { type, name, help, labels, value } of TOLD) {
      const shown = labels === 'pair' ? { Local: local, Remote: remote } : { [labels]: remote }
      to.single(type, name, help, value(slot), shown)
    }
    for (const { name, help, label, bounds, words } of HISTOGRAMS) {
      to.family({ name, type: 'histogram', help }).histogram(`${label}="${remote}"`, bounds, words(slot))
    }
  }
}
