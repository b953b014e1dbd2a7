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

const PREFIX = 'etcd_network_'

const TOLD: readonly Told[] = [
  {
    type: 'gauge', name: `${PREFIX}active_peers`, labels: 'pair', help: '1 while messages reach this member.',
    value: (slot) => (slot.get(PeerWord.activeSinceMs) > 0 ? 1 : 0),
  },
  gauge('pair', 'known_peers', PeerWord.isKnown, '1 for a member of the cluster, 0 once it is removed.'),
  counter('pair', 'disconnected_peers_total', PeerWord.disconnects,
    'How often this member could not be reached any more.'),
  counter('To', 'peer_sent_bytes_total', PeerWord.sentBytes, 'Bytes of messages sent to this member.'),
  counter('From', 'peer_received_bytes_total', PeerWord.receivedBytes, 'Bytes of messages received from this member.'),
  counter('To', 'peer_sent_failures_total', PeerWord.sentFailures,
    'Messages to this member that were dropped: it was not reached, or took them too slowly.'),
  counter('From', 'peer_received_failures_total', PeerWord.receivedFailures,
    'Messages of this member that could not be taken, and streams of it that broke the protocol.'),
  counter('To', 'snapshot_send_success', PeerWord.snapshotsSent, 'Snapshots sent to this member.'),
  counter('To', 'snapshot_send_failures', PeerWord.snapshotSendFailures,
    'Snapshots to this member that did not come to their end.'),
  gauge('To', 'snapshot_send_inflights_total', PeerWord.snapshotsBeingSent, 'Snapshots on their way to this member.'),
  counter('From', 'snapshot_receive_success', PeerWord.snapshotsReceived, 'Snapshots received from this member.'),
  counter('From', 'snapshot_receive_failures', PeerWord.snapshotReceiveFailures,
    'Snapshots of this member that did not come to their end.'),
  gauge('From', 'snapshot_receive_inflights_total', PeerWord.snapshotsBeingReceived,
    'Snapshots on their way from this member.'),
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
    name: `${PREFIX}peer_round_trip_time_seconds`, label: 'To', bounds: ROUND_TRIP_BOUNDS,
    help: 'Time from a ping to its answer.', words: (slot) => slot.roundTrips(),
  },
  {
    name: `${PREFIX}snapshot_send_total_duration_seconds`, label: 'To', bounds: SNAPSHOT_TIME_BOUNDS,
    help: 'Time of sending one snapshot.', words: (slot) => slot.snapshotSends(),
  },
  {
    name: `${PREFIX}snapshot_receive_total_duration_seconds`, label: 'From', bounds: SNAPSHOT_TIME_BOUNDS,
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

function counter(labels: LabelKind, name: string, index: PeerWord, help: string): Told {
  return { type: 'counter', name: `${PREFIX}${name}`, labels, help, value: (slot) => slot.get(index) }
}

function gauge(labels: LabelKind, name: string, index: PeerWord, help: string): Told {
  return { ...counter(labels, name, index, help), type: 'gauge' }
}
