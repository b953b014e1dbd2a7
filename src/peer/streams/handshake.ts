/**
 * How two members find out that they belong together: header fields of the upgrade to a stream. etcd's names where it
 * has some. Members of two versions run side by side while a cluster is renewed: each names its features and uses what
 * both know.
 */

import { hexId } from '../../base/bytes.js'
import { SERVER_VERSION } from '../../config/versions.js'

export const STREAM_PATH = '/raftring/stream/'
/** Named in Upgrade fields: what is spoken on the connection afterwards. */
export const UPGRADE_NAME = 'raftring'

/** Urgent messages, and those with clients' bytes in them. */
export const STREAM_KINDS = ['message', 'append'] as const
export type StreamKind = (typeof STREAM_KINDS)[number]

/** Of the frames and of these fields. */
export const PROTOCOL_VERSION = 1
/** The oldest server version that this one works with. */
const MIN_SERVER_VERSION = '3.0.0'
/** What may be said beyond version 1 of the protocol, to whoever names it as well. */
export const Feature = Object.freeze({
  /**
   * State marks. The number is that of the way in which entries are folded (keyspace-writer.ts): whoever changes that
   * tells its marks under the next one, because those of two ways say nothing about each other.
   */
  stateMarks: 'state-marks-1',
})
/** Those of this version. */
export const FEATURES: readonly string[] = Object.freeze(Object.values(Feature))
/** No version has more. */
const FEATURES_MAX = 64
/** No member of a healthy cluster has more. */
const URLS_MAX = 16
const URLS_LENGTH_MAX = 4096

export type Headers = Readonly<Record<string, string | string[] | undefined>>

/** Who this member is. */
export interface OwnIdentity {
  readonly clusterId: bigint
  readonly memberId: bigint
  /** Where others reach it. */
  readonly peerUrls: readonly string[]
  readonly features: readonly string[]
}

export interface Caller {
  readonly from: bigint
  readonly peerUrls: readonly string[]
  readonly serverVersion: string
  readonly features: readonly string[]
}

export interface Refusal {
  readonly status: number
  /** The answer's body, in etcd's words where it has some. */
  readonly message: string
}

/** Fields of a request to another member that anybody of the cluster may send. */
export function callFields({ clusterId, memberId, peerUrls }: Omit<OwnIdentity, 'features'>): Record<string, string> {
  return {
    'X-Etcd-Cluster-ID': hexId(clusterId),
    'X-Server-From': hexId(memberId),
    'X-Server-Version': SERVER_VERSION,
    'X-Min-Cluster-Version': MIN_SERVER_VERSION,
    'X-PeerURLs': peerUrls.join(','),
  }
}

export function upgradeFields(self: OwnIdentity, to: bigint): Record<string, string> {
  return {
    Connection: 'Upgrade',
    Upgrade: UPGRADE_NAME,
    ...callFields(self),
    'X-Raft-To': hexId(to),
    'X-Raftring-Protocol': String(PROTOCOL_VERSION),
    'X-Raftring-Features': self.features.join(','),
  }
}

/** Fields of the answer that turns a connection into a stream. */
export function acceptFields({ clusterId, memberId, features }: OwnIdentity): Record<string, string> {
  return {
    Connection: 'Upgrade',
    Upgrade: UPGRADE_NAME,
    'X-Etcd-Cluster-ID': hexId(clusterId),
    'X-Server-From': hexId(memberId),
    'X-Server-Version': SERVER_VERSION,
    'X-Raftring-Protocol': String(PROTOCOL_VERSION),
    'X-Raftring-Features': features.join(','),
  }
}

/** Who calls, or why this member does not listen to it. `isRemoved` knows who once was a member. */
export function checkCaller(
  headers: Headers,
  self: OwnIdentity,
  isRemoved: (id: bigint) => boolean,
): { readonly caller: Caller } | { readonly refusal: Refusal } {
  const refuse = (status: number, message: string): { refusal: Refusal } => ({ refusal: { status, message } })
  if (!areVersionsFit(headers)) return refuse(412, 'incompatible version')
  if (fieldOf(headers, 'x-etcd-cluster-id') !== hexId(self.clusterId)) return refuse(412, 'cluster ID mismatch')
  const from = idOf(fieldOf(headers, 'x-server-from'))
  if (from === null || from === self.memberId) return refuse(404, 'invalid from')
  if (isRemoved(from)) return refuse(410, 'removed member')
  const urls = fieldOf(headers, 'x-peerurls')
  return {
    caller: {
      from,
      peerUrls: urls.length > URLS_LENGTH_MAX ? [] : listOf(urls).slice(0, URLS_MAX),
      serverVersion: fieldOf(headers, 'x-server-version'),
      features: featuresOf(headers),
    },
  }
}

/** As `checkCaller` for a stream: it must be meant for this member, in a protocol that it speaks. */
export function checkStream(headers: Headers, self: OwnIdentity): Refusal | null {
  if (fieldOf(headers, 'x-raft-to') !== hexId(self.memberId)) return { status: 412, message: 'to field mismatch' }
  const protocol = Number(fieldOf(headers, 'x-raftring-protocol'))
  if (protocol !== PROTOCOL_VERSION) return { status: 412, message: 'incompatible stream protocol' }
  return null
}

/** Which stream is asked for; null when there is no such. */
export function streamKindOf(path: string): StreamKind | null {
  if (!path.startsWith(STREAM_PATH)) return null
  const name = path.slice(STREAM_PATH.length)
  return STREAM_KINDS.find((kind) => kind === name) ?? null
}

/** What is wrong with the answer to an upgrade, or null. */
export function acceptProblem(headers: Headers, self: OwnIdentity, to: bigint): string | null {
  if (fieldOf(headers, 'x-etcd-cluster-id') !== hexId(self.clusterId)) return 'cluster ID mismatch'
  const from = fieldOf(headers, 'x-server-from')
  if (from !== hexId(to)) return `another member answers there: ${from}`
  return Number(fieldOf(headers, 'x-raftring-protocol')) === PROTOCOL_VERSION ? null : 'incompatible stream protocol'
}

/** What the other side names; none for what came before there were any. */
export function featuresOf(headers: Headers): string[] {
  return listOf(fieldOf(headers, 'x-raftring-features')).slice(0, FEATURES_MAX)
}

/** Each side names the oldest version that it can live with. One that names none is taken for very old, as by etcd. */
function areVersionsFit(headers: Headers): boolean {
  const remote = fieldOf(headers, 'x-server-version') || '2.0.0'
  const remoteMin = fieldOf(headers, 'x-min-cluster-version') || '2.0.0'
  return compareVersions(SERVER_VERSION, remoteMin) >= 0 && compareVersions(remote, MIN_SERVER_VERSION) >= 0
}

function compareVersions(a: string, b: string): number {
  const left = a.split(/[.-]/).map(Number)
  const right = b.split(/[.-]/).map(Number)
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function fieldOf(headers: Headers, name: string): string {
  const value = headers[name]
  return (Array.isArray(value) ? value[0] : value) ?? ''
}

function listOf(text: string): string[] {
  return text.split(',').filter((part) => part !== '')
}

/** Hex digits without padding, as ids are printed. */
export function idOf(text: string): bigint | null {
  return /^[0-9a-f]{1,16}$/.test(text) ? BigInt(`0x${text}`) : null
}
