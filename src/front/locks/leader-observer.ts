/** Tells a client who leads, from now on: the leader's key at first and whenever it changes or another one leads. */

import { EventType, type KeyValue } from '../../proto/generated/mvccpb.js'
import { encodeLeaderResponse } from '../../proto/generated/v3electionpb.js'
import type { ResponseHeader } from '../../proto/generated/etcdserverpb.js'
import { passOn, type Inner } from './inner-client.js'
import { oldestKey, prefixEnd, type Line } from './place-in-line.js'

interface Leader {
  readonly header: ResponseHeader | undefined
  readonly kv: KeyValue
}

/** Ends when the client has gone, or with an error that ends its call. */
export async function observe(line: Line): Promise<void> {
  const { call } = line.asker
  while (!line.asker.isGone) {
    const leader = await nextLeader(line)
    if (line.asker.isGone) return
    if (!leader.ok) return passOn(call, leader)
    if (leader.value === null) continue
    const followed = await follow(line, leader.value)
    if (!followed.ok && !line.asker.isGone) return passOn(call, followed)
  }
}

/** Who leads now, or next; null if the line must be looked at again. */
async function nextLeader({ client, asker, prefix }: Line): Promise<Inner<Leader | null>> {
  const oldest = await client.range(asker, oldestKey(prefix))
  if (!oldest.ok) return oldest
  const { header, kvs } = oldest.value
  if (kvs[0] !== undefined) return { ok: true, value: { header, kv: kvs[0] } }
  if (asker.isGone) return { ok: true, value: null }
  const range = { key: prefix, range_end: prefixEnd(prefix), start_revision: (header?.revision ?? 0) + 1 }
  const watch = client.watch(asker, range)
  for (;;) {
    const response = await watch.next()
    const kv = response?.events.find((event) => event.type === EventType.PUT)?.kv
    if (response !== null && kv === undefined && !response.canceled) continue
    watch.close()
    if (response === null || (response.canceled && response.compact_revision > 0)) return { ok: true, value: null }
    if (kv === undefined || response.header === undefined) return { ok: false, message: response.cancel_reason }
    // Its own revision: a response may hold several.
    return { ok: true, value: { header: { ...response.header, revision: kv.mod_revision }, kv } }
  }
}

/** Sends this leader and what it proclaims until its key is gone. */
async function follow({ client, asker }: Line, leader: Leader): Promise<Inner<null>> {
  const { call } = asker
  call.sendMessage(encodeLeaderResponse(leader))
  const revision = leader.header?.revision ?? 0
  const watch = client.watch(asker, { key: leader.kv.key, start_revision: revision + 1 })
  try {
    for (;;) {
      await asker.whenWritable()
      const response = await watch.next()
      // What compaction took away may have been the end of this leader.
      if (response === null || response.compact_revision > 0) return { ok: true, value: null }
      if (response.canceled) return { ok: false, message: response.cancel_reason }
      for (const { type, kv } of response.events) {
        if (type === EventType.DELETE) return { ok: true, value: null }
        if (!asker.isGone) call.sendMessage(encodeLeaderResponse({ header: response.header, kv }))
      }
    }
  } finally {
    watch.close()
  }
}
