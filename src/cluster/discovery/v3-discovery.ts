/**
 * A first configuration out of etcd's v3 discovery protocol. Somebody has put the cluster's size under
 * `/_etcd/registry/<token>/_config/size`; every member puts its name and peer URLs under
 * `/_etcd/registry/<token>/members/<id>` and waits until there are as many. The first so many to register are the
 * cluster; whoever comes later is told that it is full.
 */

import { text } from '../../base/bytes.js'

/** Of the service, a store that speaks etcd's API. */
export interface DiscoveryClient {
  /** Pairs under the prefix, and the store's revision. Rejects when the service cannot be asked. */
  list(prefix: string): Promise<{ readonly pairs: readonly DiscoveredPair[]; readonly revision: number }>
  put(key: string, value: string): Promise<void>
  /** Resolves at the next put under the prefix after the revision; the pairs are read again then. */
  changed(prefix: string, afterRevision: number): Promise<void>
}

export interface DiscoveredPair {
  readonly key: string
  readonly value: Uint8Array
  readonly createRevision: number
}

export interface V3DiscoveryOptions {
  readonly token: string
  readonly memberId: bigint
  /** `name=url,name=url` of this member. */
  readonly self: string
  readonly client: DiscoveryClient
  /** Waits before a request is tried again; rejects when it is time to give up. */
  readonly pause: (attempt: number, problem: string) => Promise<void>
  readonly log: (message: string, fields: Readonly<Record<string, string | number>>) => void
}

export type V3DiscoveryResult =
  | { readonly ok: true; readonly initialCluster: string }
  | { readonly ok: false; readonly message: string }

const PREFIX = '/_etcd/registry'

export async function discoverCluster(options: V3DiscoveryOptions): Promise<V3DiscoveryResult> {
  const { token, memberId, self, client, log } = options
  const membersKey = `${PREFIX}/${token}/members`
  const ownKey = `${membersKey}/${memberId.toString(16)}`
  const size = await clusterSize(options)
  if (typeof size === 'string') return { ok: false, message: size }
  const before = await members(options, membersKey)
  if (isFull(before.pairs, size, ownKey)) return { ok: false, message: FULL }
  log('registering with the discovery service', { key: ownKey, size })
  await again(options, () => client.put(ownKey, self))
  for (;;) {
    const { pairs, revision } = await members(options, membersKey)
    // Several may have registered at the same time: the order of their first revisions decides.
    if (isFull(pairs, size, ownKey)) return { ok: false, message: FULL }
    if (pairs.length >= size) {
      return { ok: true, initialCluster: pairs.slice(0, size).map(({ value }) => text(value)).join(',') }
    }
    log('waiting for other members to register', { found: pairs.length, size })
    await again(options, () => client.changed(membersKey, revision))
  }
}

const FULL = 'discovery: cluster is full'

async function clusterSize(options: V3DiscoveryOptions): Promise<number | string> {
  const key = `${PREFIX}/${options.token}/_config/size`
  const { pairs } = await again(options, () => options.client.list(key))
  const found = pairs.find((pair) => pair.key === key)
  if (found === undefined) return 'discovery: size key not found'
  const size = Number(text(found.value))
  return Number.isInteger(size) && size > 0 ? size : 'discovery: size key is bad'
}

async function members(
  options: V3DiscoveryOptions,
  membersKey: string,
): Promise<{ pairs: DiscoveredPair[]; revision: number }> {
  const { pairs, revision } = await again(options, () => options.client.list(`${membersKey}/`))
  return { pairs: [...pairs].sort((a, b) => a.createRevision - b.createRevision), revision }
}

function isFull(pairs: readonly DiscoveredPair[], size: number, ownKey: string): boolean {
  const first = pairs.slice(0, size)
  return first.length === size && !first.some(({ key }) => key === ownKey)
}

/** Asks until there is an answer, or until `pause` gives up. */
async function again<T>({ pause }: V3DiscoveryOptions, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      await pause(attempt, (error as Error).message)
    }
  }
}
