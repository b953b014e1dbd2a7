/** Who this member is, where it keeps its data, and where it can be reached. */

import { option, type OptionSpec } from './option-spec.js'

const PEER_URL = 'http://localhost:2380'
const CLIENT_URL = 'http://localhost:2379'

export const MEMBER_OPTIONS: readonly OptionSpec[] = [
  option({
    name: 'name', kind: 'string', default: 'default', section: 'Member',
    text: 'Human-readable name for this member.',
  }),
  option({
    name: 'data-dir', kind: 'string', default: '', shown: '${name}.etcd', section: 'Member',
    text: 'Path to the data directory.',
  }),
  option({
    name: 'wal-dir', kind: 'string', default: '', section: 'Member',
    text: 'Path to a separate directory for the write-ahead log; in the data directory when empty.',
  }),

  option({
    name: 'listen-client-urls', kind: 'urls', default: CLIENT_URL, section: 'Addresses',
    text: 'URLs to listen on for client traffic: gRPC, and HTTP unless --listen-client-http-urls is set.',
  }),
  option({
    name: 'listen-client-http-urls', kind: 'urls', default: '', section: 'Addresses',
    text: 'URLs that serve HTTP and JSON alone; --listen-client-urls then serve gRPC alone.',
  }),
  option({
    name: 'advertise-client-urls', kind: 'urls', default: CLIENT_URL, section: 'Addresses',
    text: "This member's client URLs, told to clients in the member list.",
  }),
  option({
    name: 'listen-peer-urls', kind: 'urls', default: PEER_URL, section: 'Addresses',
    text: 'URLs to listen on for other members.',
  }),
  option({
    name: 'initial-advertise-peer-urls', kind: 'urls', default: PEER_URL, section: 'Addresses',
    text: "This member's peer URLs, told to the rest of the cluster.",
  }),
  option({
    name: 'listen-metrics-urls', kind: 'urls', default: '', section: 'Addresses',
    text: 'Further URLs that serve /metrics and the health paths.',
  }),
  option({
    name: 'socket-reuse-port', kind: 'bool', default: 'false', section: 'Addresses',
    text: 'Let other processes listen on the same ports (needs Node 22.12 or later).',
  }),
  option({
    name: 'socket-reuse-address', kind: 'bool', default: 'false', section: 'Addresses',
    text: 'Listen on addresses whose old connections have not timed out yet. Always so here.',
  }),
]
