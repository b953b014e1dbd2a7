/**
 * Before a member begins a new log: whether its cluster is there already. A member that has served clients once and has
 * lost its data must not vote as if it had promised nothing; and a peer URL of another cluster is a mistake of flags.
 */

import { hexId } from '../../base/bytes.js'
import type { AskPeer } from '../peer-request-socket.js'
import { parseMembersJson } from './members-json.js'

export interface FirstStart {
  readonly memberId: bigint
  readonly clusterId: bigint
  /** Peer URLs of the others. */
  readonly urls: readonly string[]
  readonly ask: AskPeer
}

/** Others may be on their way as well, and answer later. */
const ASK_MS_MAX = 1000

/** Why this member does not start anew, or null. */
export async function firstStartProblem({ memberId, clusterId, urls, ask }: FirstStart): Promise<string | null> {
  const answers = await Promise.all(urls.map(async (url) => {
    return { url, answer: await ask(url, { method: 'GET', path: '/members', timeoutMs: ASK_MS_MAX }) }
  }))
  for (const { url, answer } of answers) {
    const members = answer.ok && answer.status === 200 ? parseMembersJson(answer.body.toString('utf8')) : null
    if (!answer.ok || members === null) continue
    const other = answer.headers['x-etcd-cluster-id']
    if (typeof other === 'string' && other !== hexId(clusterId)) {
      return `cluster ID mismatch: ${url} belongs to cluster ${other}, and these flags make cluster ` +
        `${hexId(clusterId)}; look at --initial-cluster, --initial-cluster-token and --initial-cluster-state`
    }
    const own = members.find(({ id }) => id === memberId)
    if (own !== undefined && own.clientUrls.length > 0) {
      return `member ${hexId(memberId)} has already been bootstrapped: its data is missing here; remove it from the ` +
        'cluster and add it again'
    }
  }
  return null
}
