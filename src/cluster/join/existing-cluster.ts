/**
 * A member that joins learns who it is from those who are there: its peer URLs are in their list, under the id that the
 * cluster gave it when it was added.
 */

import { compareVersions } from '../../config/versions.js'
import type { NamedMember } from '../initial-cluster.js'
import type { MemberRecord } from '../member-record.js'
import type { AskPeer } from '../peer-request-socket.js'
import { areEqualUrls, type ResolveHost } from './equal-urls.js'
import { parseMembersJson } from './members-json.js'

export interface ExistingCluster {
  readonly clusterId: bigint
  readonly members: readonly MemberRecord[]
}

export type JoinResult =
  | (ExistingCluster & { readonly ok: true; readonly memberId: bigint })
  | { readonly ok: false; readonly message: string }

export interface JoinOptions {
  readonly name: string
  /** As `--initial-cluster` names them. */
  readonly members: readonly NamedMember[]
  readonly learnersMax: number
  readonly ask: AskPeer
  readonly resolve: ResolveHost
  /** The newest cluster version that this program can take part in. */
  readonly clusterVersion: string
}

const ASK_MS_MAX = 10_000

export async function joinExisting(options: JoinOptions): Promise<JoinResult> {
  const { name, members, ask } = options
  if (!members.some((member) => member.name === name)) {
    return refused(`couldn't find local name "${name}" in the initial cluster configuration`)
  }
  const urls = members.filter((member) => member.name !== name).flatMap(({ peerUrls }) => peerUrls)
  const existing = await fetchCluster(urls.sort(), ask)
  if (typeof existing === 'string') return refused(`cannot fetch cluster info from peer urls: ${existing}`)
  const matched = await matchMembers(members, existing.members, options.resolve)
  if (typeof matched === 'string') {
    return refused(`error validating peerURLs ${describe(existing)}: ${matched}`)
  }
  const learners = existing.members.filter(({ isLearner }) => isLearner).length
  if (learners > options.learnersMax) return refused('membership: too many learner members in cluster')
  const problem = await versionProblem(urls, ask, options.clusterVersion)
  if (problem !== null) return refused(problem)
  return { ok: true, clusterId: existing.clusterId, memberId: matched.get(name) as bigint, members: existing.members }
}

/** The first member that answers tells of all; or the reason why none did. */
async function fetchCluster(urls: readonly string[], ask: AskPeer): Promise<ExistingCluster | string> {
  const failures: string[] = []
  for (const url of urls) {
    const answer = await ask(url, { method: 'GET', path: '/members', timeoutMs: ASK_MS_MAX })
    if (!answer.ok) {
      failures.push(answer.message)
      continue
    }
    const clusterId = idOf(answer.headers['x-etcd-cluster-id'])
    const members = answer.status === 200 ? parseMembersJson(answer.body.toString('utf8')) : null
    if (clusterId !== null && members !== null && members.length > 0) return { clusterId, members }
    failures.push(`GET ${url}/members: HTTP status ${answer.status} and no list of members`)
  }
  return ['could not retrieve cluster information from the given URLs', ...failures].join('; ')
}

function idOf(header: string | string[] | undefined): bigint | null {
  return typeof header === 'string' && /^[0-9a-f]{1,16}$/i.test(header) ? BigInt(`0x${header}`) : null
}

/** Ids by name; every member of one list must be in the other, under the same URLs. */
async function matchMembers(
  named: readonly NamedMember[],
  existing: readonly MemberRecord[],
  resolve: ResolveHost,
): Promise<ReadonlyMap<string, bigint> | string> {
  if (named.length !== existing.length) return 'member count is unequal'
  const ids = new Map<string, bigint>()
  for (const { id, peerUrls } of existing) {
    let found: NamedMember | null = null
    for (const member of named) {
      if (await areEqualUrls(peerUrls, member.peerUrls, resolve)) found = member
      if (found !== null) break
    }
    if (found === null) {
      return `PeerURLs: no match found for existing member (${id.toString(16)}, [${peerUrls.join(' ')}])`
    }
    ids.set(found.name, id)
  }
  return ids.size === named.length ? ids : 'member count is unequal'
}

/** A cluster that has agreed on a later version writes what this program cannot read. */
async function versionProblem(urls: readonly string[], ask: AskPeer, own: string): Promise<string | null> {
  for (const url of urls) {
    const answer = await ask(url, { method: 'GET', path: '/version', timeoutMs: ASK_MS_MAX })
    const version = answer.ok && answer.status === 200 ? clusterVersionOf(answer.body) : null
    if (version === null) continue
    if (compareVersions(version, own) <= 0) return null
    return `incompatible with current running cluster: its version is ${version}, this program's is ${own}`
  }
  return null
}

function clusterVersionOf(body: Buffer): string | null {
  const found = /"etcdcluster"\s*:\s*"(\d+\.\d+\.\d+)"/.exec(body.toString('utf8'))
  return found?.[1] ?? null
}

function describe({ clusterId, members }: ExistingCluster): string {
  const texts = members.map(({ id, name, peerUrls }) => `${id.toString(16)} "${name}" [${peerUrls.join(' ')}]`)
  return `{ClusterID:${clusterId.toString(16)} Members:[${texts.join(', ')}]}`
}

function refused(message: string): JoinResult {
  return { ok: false, message }
}
