/** All that a server can still tell of its past. */

import type { EtcdClient } from '../../support/etcd-client.js'
import { eventText, revisionOf } from '../../support/expect.js'
import { openWatch } from '../../support/watch-stream.js'

const WATCH_MS_MAX = 10_000

/** A watch on everything, from just behind what is compacted, with what was there before. */
export async function history(client: EtcdClient): Promise<string[]> {
  const all = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]), prevKv: true }
  const now = revisionOf(await client.range({ key: 'none' }))
  const first = await openWatch(client, { ...all, startRevision: 1 })
  const { compactRevision } = await first.stream.next()
  first.stream.cancel()
  const { stream } = await openWatch(client, { ...all, startRevision: compactRevision + 1 })
  const texts = [`compacted to ${compactRevision}`]
  for (let last = compactRevision; last < now; ) {
    for (const event of (await stream.next(WATCH_MS_MAX)).events) {
      last = event.kv?.modRevision ?? 0
      texts.push(`${last} ${eventText(event)} version ${event.kv?.version} lease ${event.kv?.lease}`)
    }
  }
  stream.cancel()
  return texts
}
