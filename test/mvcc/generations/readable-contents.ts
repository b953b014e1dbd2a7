/**
 * All that can be read of a store, as text: what its revisions are linked to, and which of them compaction has come to,
 * may differ between stores with the same entries.
 */

import { LATEST, KeyspaceView } from '../../../src/keyspace/keyspace-view.js'
import type { KeyRecord } from '../../../src/keyspace/key-record.js'
import type { Store } from '../../../src/store/store.js'

const LAST_SUB = 0xffff_ffff
const ALL = { from: new Uint8Array(0), to: null, single: false } as const

export function readableContents(store: Store): string[] {
  const snapshot = store.beginRead()
  const view = new KeyspaceView(snapshot)
  const { appliedIndex, currentRevision, compactRevision, liveKeys } = view
  const lines = [`applied ${appliedIndex}, at ${currentRevision}, compacted to ${compactRevision}, ${liveKeys} keys`]
  const add = (where: string) => (record: KeyRecord): boolean => {
    const { modRevision, modSub, isTombstone, kv } = record
    lines.push(`${where} ${modRevision}.${modSub} ${isTombstone} ${Buffer.from(kv.view()).toString('base64')}`)
    return true
  }
  view.scan(ALL, LATEST, 0, add('now'))
  view.scan(ALL, Math.max(compactRevision, 1), LAST_SUB, add('compacted'))
  view.scanRevisions(compactRevision + 1, 0, add('later'))
  snapshot.close()
  return lines
}
