/** Performs a random request and says what came of it, as a text that two servers are compared by. */

import { EtcdError, type EtcdClient } from '../../support/etcd-client.js'
import type { RandomRequest } from '../request-source.js'

/** 3.4 looks at all puts of a txn before its ranges, 3.7 at the operations in order. */
const CHECKS = /been compacted|future revision|lease not found|key not found/u

export interface Outcome {
  readonly revision: number
  readonly text: string
}

export async function outcomeOf(client: EtcdClient, request: RandomRequest): Promise<Outcome> {
  try {
    const answer = await perform(client, request)
    return { revision: answer.header?.revision ?? 0, text: toText(answer) }
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error
    const isCheck = request.kind === 'txn' && CHECKS.test(error.message)
    return { revision: 0, text: isCheck ? 'refused by a check' : error.toText() }
  }
}

async function perform(
  client: EtcdClient,
  request: RandomRequest,
): Promise<{ header: { revision: number } | undefined }> {
  switch (request.kind) {
    case 'put':
      return await client.put(request.body)
    case 'delete':
      return await client.deleteRange(request.body)
    case 'range':
      return await client.range(request.body)
    case 'txn':
      return await client.txn(request.body)
    case 'compact':
      return await client.compact(request.body)
    case 'grant':
      return await client.leaseGrant(request.body)
    case 'revoke':
      return await client.leaseRevoke(request.body.id)
    case 'keys': {
      const answer = await client.leaseTimeToLive(request.body.id, true)
      // What is left of the time is a clock's business, and the keys come in no order.
      const keys = answer.keys.map(String).toSorted().map((key) => Buffer.from(key))
      return { ...answer, ttl: Math.sign(answer.ttl), keys } as typeof answer
    }
  }
}

/** Ids of cluster and member differ between the two; everything else counts. */
export function toText(value: unknown): string {
  return JSON.stringify(value, (key, one: unknown) => {
    if (key === 'clusterId' || key === 'memberId' || key === 'raftTerm') return undefined
    if (typeof one === 'bigint') return `${one}`
    const isBytes =
      typeof one === 'object' && one !== null && (one as { type?: unknown }).type === 'Buffer'
    return isBytes ? Buffer.from((one as { data: number[] }).data).toString('latin1') : one
  })
}
