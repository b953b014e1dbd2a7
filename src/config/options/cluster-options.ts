/** How members find each other and agree. */

import { option, type OptionSpec } from './option-spec.js'

export const CLUSTER_OPTIONS: readonly OptionSpec[] = [
  option({
    name: 'initial-cluster', kind: 'string', default: '', shown: 'default=http://localhost:2380',
    section: 'Clustering',
    text: "Initial cluster configuration for bootstrapping, 'name=url,...'; this member alone unless given.",
  }),
  option({
    name: 'initial-cluster-state', kind: 'choice', default: 'new', choices: ['new', 'existing'],
    section: 'Clustering',
    text: "'new' when bootstrapping a new cluster, 'existing' when joining one.",
  }),
  option({
    name: 'initial-cluster-token', kind: 'string', default: 'etcd-cluster', section: 'Clustering',
    text: 'Salt of the member and cluster ids.',
  }),
  option({
    name: 'strict-reconfig-check', kind: 'bool', default: 'true', section: 'Clustering',
    text: 'Refuse changes of the membership that would risk the quorum.',
  }),
  option({
    name: 'max-learners', kind: 'integer', default: '1', min: 0, section: 'Clustering', experimental: 'max-learners',
    text: 'Most learners in the cluster; the same on all members.',
  }),
  option({
    name: 'downgrade-check-time', kind: 'duration', default: '5s', section: 'Clustering',
    experimental: 'downgrade-check-time',
    text: 'How often the leader looks at the progress of a downgrade.',
  }),
  option({
    name: 'corrupt-check-time', kind: 'duration', default: '0s', section: 'Clustering',
    experimental: 'corrupt-check-time',
    text: 'Period in which the leader compares the hashes of all members (0 is never).',
  }),
  option({
    name: 'compact-hash-check-time', kind: 'duration', default: '1m0s', section: 'Clustering',
    experimental: 'compact-hash-check-time',
    text: 'Period in which hashes of compactions are compared, with the CompactHashCheck gate.',
  }),

  option({
    name: 'discovery-endpoints', kind: 'list', default: '', section: 'Discovery',
    text: 'Endpoints of an etcd v3 discovery service.',
  }),
  option({
    name: 'discovery-token', kind: 'string', default: '', section: 'Discovery',
    text: 'Token of this cluster in the discovery service.',
  }),
  option({
    name: 'discovery-dial-timeout', kind: 'duration', default: '2s', section: 'Discovery',
    text: 'Time to connect to the discovery service.',
  }),
  option({
    name: 'discovery-request-timeout', kind: 'duration', default: '5s', section: 'Discovery',
    text: 'Time for a request to the discovery service.',
  }),
  option({
    name: 'discovery-keepalive-time', kind: 'duration', default: '2s', section: 'Discovery',
    text: 'Period of pings to the discovery service.',
  }),
  option({
    name: 'discovery-keepalive-timeout', kind: 'duration', default: '6s', section: 'Discovery',
    text: 'Time for a ping to be answered by the discovery service.',
  }),
  option({
    name: 'discovery-insecure-transport', kind: 'bool', default: 'true', section: 'Discovery',
    text: 'Whether the discovery service may be asked without TLS.',
  }),
  option({
    name: 'discovery-insecure-skip-tls-verify', kind: 'bool', default: 'false', section: 'Discovery',
    text: 'Do not check the certificate of the discovery service.',
  }),
  option({
    name: 'discovery-cert', kind: 'string', default: '', section: 'Discovery',
    text: 'Client certificate for the discovery service.',
  }),
  option({
    name: 'discovery-key', kind: 'string', default: '', section: 'Discovery',
    text: 'Key of the client certificate for the discovery service.',
  }),
  option({
    name: 'discovery-cacert', kind: 'string', default: '', section: 'Discovery',
    text: 'Certificate authorities of the discovery service.',
  }),
  option({
    name: 'discovery-user', kind: 'string', default: '', section: 'Discovery',
    text: "User of the discovery service, 'name' or 'name:password'.",
  }),
  option({
    name: 'discovery-password', kind: 'string', default: '', section: 'Discovery',
    text: 'Password of that user.',
  }),
  option({
    name: 'discovery-srv', kind: 'string', default: '', section: 'Discovery',
    text: 'DNS domain whose SRV records name the members.',
  }),
  option({
    name: 'discovery-srv-name', kind: 'string', default: '', section: 'Discovery',
    text: 'Suffix of the service name in those records.',
  }),
  option({
    name: 'discovery-fallback', kind: 'choice', default: 'exit', choices: ['exit', 'proxy'], section: 'Discovery',
    text: 'What to do when discovery fails: exit is all there is.',
  }),
]
