/**
 * Who this member is at its first start: by `--initial-cluster`, by DNS, by a discovery service, or by those who are
 * members of an existing cluster. Later starts go by the log alone.
 */

import type { Config } from '../config/config.js'
import type { DiscoveryConfig } from '../config/sections/cluster-config.js'
import { CLUSTER_VERSION } from '../config/versions.js'
import { identityOf, storeDirOf, type IdentityResult, type LoggedIdentity } from './identity.js'
import { initialClusterFromSrv, type Dns } from './discovery/srv-records.js'
import { discoverCluster, type DiscoveryClient, type V3DiscoveryOptions } from './discovery/v3-discovery.js'
import { parseInitialCluster } from './initial-cluster.js'
import { firstStartProblem } from './join/first-start-check.js'
import { joinExisting } from './join/existing-cluster.js'
import { memberIdOf } from './member-ids.js'
import type { AskPeer } from './peer-request-socket.js'

/** What a first start may have to ask. */
export interface BootstrapDevices {
  readonly askPeer: AskPeer
  readonly dns: Dns
  readonly openDiscovery: (config: DiscoveryConfig) => Promise<DiscoveryClient & { close(): void }>
  readonly pause: V3DiscoveryOptions['pause']
  readonly log: V3DiscoveryOptions['log']
}

type BootstrapConfig = Pick<
  Config,
  | 'name' | 'dataDir' | 'initialCluster' | 'initialClusterState' | 'initialClusterToken' | 'advertisePeerUrls'
  | 'discovery' | 'discoverySrv' | 'discoverySrvName' | 'learnersMax'
>

/** `logged` is what the head of a log says, null before there is one. */
export async function findIdentity(
  config: BootstrapConfig,
  logged: LoggedIdentity | null,
  devices: BootstrapDevices,
): Promise<IdentityResult> {
  if (logged !== null) return identityOf(config, logged)
  const named = await nameMembers(config, devices)
  if (!named.ok) return named
  const { initialCluster, initialClusterToken } = named
  if (config.initialClusterState === 'existing') return join({ ...config, initialCluster }, devices)
  const first = identityOf({ ...config, initialCluster, initialClusterToken }, null)
  const parsed = parseInitialCluster(initialCluster)
  if (!first.ok || !parsed.ok) return first
  const urls = parsed.members.filter(({ name }) => name !== config.name).flatMap(({ peerUrls }) => peerUrls)
  const { memberId, clusterId } = first.identity
  const problem = await firstStartProblem({ memberId, clusterId, urls, ask: devices.askPeer })
  return problem === null ? first : { ok: false, message: problem }
}

type Named =
  | { readonly ok: true; readonly initialCluster: string; readonly initialClusterToken: string }
  | { readonly ok: false; readonly message: string }

/** The first configuration's names and URLs, wherever they come from. */
async function nameMembers(config: BootstrapConfig, devices: BootstrapDevices): Promise<Named> {
  const { initialCluster, initialClusterToken, name, advertisePeerUrls } = config
  if (config.discovery !== null) return discover(config, config.discovery, devices)
  if (config.discoverySrv === '') return { ok: true, initialCluster, initialClusterToken }
  const { discoverySrv: domain, discoverySrvName: serviceName } = config
  const found = await initialClusterFromSrv({ domain, serviceName, name, advertisePeerUrls, dns: devices.dns })
  if (!found.ok) return { ok: false, message: `error setting up initial cluster: ${found.message}` }
  for (const note of found.notes) devices.log('failed to resolve during SRV discovery', { problem: note })
  devices.log('got bootstrap from DNS', { initialCluster: found.initialCluster })
  return { ok: true, initialCluster: found.initialCluster, initialClusterToken }
}

async function discover(
  { name, advertisePeerUrls, initialClusterState }: BootstrapConfig,
  discovery: DiscoveryConfig,
  devices: BootstrapDevices,
): Promise<Named> {
  if (initialClusterState === 'existing') {
    return { ok: false, message: 'discovery URL should not be set when joining existing initial cluster' }
  }
  const { token } = discovery
  const { pause, log } = devices
  const client = await devices.openDiscovery(discovery)
  try {
    const self = advertisePeerUrls.map((url) => `${name}=${url}`).join(',')
    const memberId = memberIdOf(advertisePeerUrls, token)
    const found = await discoverCluster({ token, memberId, self, client, pause, log })
    return found.ok ? { ...found, initialClusterToken: token } : found
  } catch (error) {
    return { ok: false, message: `discovery failed: ${(error as Error).message}` }
  } finally {
    client.close()
  }
}

async function join(config: BootstrapConfig, { askPeer, dns }: BootstrapDevices): Promise<IdentityResult> {
  const parsed = parseInitialCluster(config.initialCluster)
  if (!parsed.ok) return parsed
  const { name, learnersMax } = config
  const joined = await joinExisting({
    name, members: parsed.members, learnersMax, ask: askPeer, resolve: dns.resolveHost, clusterVersion: CLUSTER_VERSION,
  })
  if (!joined.ok) return joined
  // What the log begins with comes from the leader.
  const { memberId, clusterId } = joined
  return { ok: true, identity: { memberId, clusterId, bootstrapEntries: [], storeDir: storeDirOf(config) } }
}
