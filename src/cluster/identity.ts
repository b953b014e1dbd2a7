/**
 * Who this member is. A log that exists decides; without one the flags do, and the same flags always give the same
 * answer, so that a start that was interrupted before its first entry can be repeated.
 */

import { join } from 'node:path'
import type { Identity } from '../actor/thread-start.js'
import type { Config } from '../config/config.js'
import { bootstrapEntries } from './bootstrap-entries.js'
import { bootstrapProblem, parseInitialCluster } from './initial-cluster.js'
import { clusterIdOf, memberIdOf } from './member-ids.js'
import type { MemberRecord } from './member-record.js'

export type IdentityResult =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly message: string }

/** What the head of a log says. */
export interface LoggedIdentity {
  readonly nodeId: bigint
  readonly clusterId: bigint
}

type IdentityOptions = Pick<
  Config,
  'name' | 'dataDir' | 'initialCluster' | 'initialClusterState' | 'initialClusterToken' | 'advertisePeerUrls'
>

export function identityOf(config: IdentityOptions, logged: LoggedIdentity | null): IdentityResult {
  const fromFlags = identityFromFlags(config)
  if (logged === null) return fromFlags
  const identity = { memberId: logged.nodeId, clusterId: logged.clusterId, storeDir: storeDirOf(config) }
  // The flags of a first start are ignored later, but a log without entries still needs the entries that they give.
  const isSame = fromFlags.ok && fromFlags.identity.memberId === logged.nodeId
  if (isSame && fromFlags.identity.clusterId === logged.clusterId) return fromFlags
  return { ok: true, identity: { ...identity, bootstrapEntries: [] } }
}

/** Where the generations of store files lie; `member/wal` beside it is etcd's. */
export function storeDirOf(config: Pick<Config, 'dataDir'>): string {
  return join(config.dataDir, 'member', 'store')
}

function identityFromFlags(config: IdentityOptions): IdentityResult {
  if (config.initialClusterState === 'existing') {
    return refused('--initial-cluster-state=existing: who joins is told by the members that are there who it is')
  }
  const parsed = parseInitialCluster(config.initialCluster)
  if (!parsed.ok) return parsed
  const problem = bootstrapProblem(parsed.members, config.name, config.advertisePeerUrls)
  if (problem !== null) return refused(problem)
  const members = parsed.members.map(({ name, peerUrls }): MemberRecord => ({
    id: memberIdOf(peerUrls, config.initialClusterToken),
    peerUrls,
    isLearner: false,
    name,
    clientUrls: [],
  }))
  const own = members.find((member) => member.name === config.name) as MemberRecord
  return {
    ok: true,
    identity: {
      memberId: own.id,
      clusterId: clusterIdOf(members.map((member) => member.id)),
      bootstrapEntries: bootstrapEntries(members),
      storeDir: storeDirOf(config),
    },
  }
}

function refused(message: string): IdentityResult {
  return { ok: false, message }
}
