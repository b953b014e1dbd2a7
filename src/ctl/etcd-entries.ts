/**
 * Entries of etcd's log as this server may apply them. Until 3.5 a member's own attributes and the cluster's version
 * went through the log as requests of the v2 API. This server says both anew when it starts, so such an entry keeps its
 * place and asks for nothing.
 */

import { EMPTY_BYTES, type Bytes } from '../base/bytes.js'
import { EntryType } from '../proto/generated/raftpb.js'
import { ProtoError } from '../proto/proto-error.js'
import { ProtoReader } from '../proto/proto-reader.js'
import type { NewEntry } from '../wal/new-log.js'

/**
 * Field 2 is the v2 request of an InternalRaftRequest, and the method of a v2 request that stands alone; no v3 request
 * has it.
 */
const V2_TAG = (2 << 3) | 2
const FIELDS_MAX = 64

export function v3Entries(entries: readonly NewEntry[]): NewEntry[] {
  return entries.map((entry) =>
    entry.type === EntryType.EntryNormal && isV2(entry.data) ? { ...entry, data: EMPTY_BYTES } : entry)
}

function isV2(data: Bytes): boolean {
  const reader = new ProtoReader()
  reader.open(data, 0, data.length)
  try {
    for (let fields = 0; reader.at < data.length && fields < FIELDS_MAX; fields++) {
      const tag = reader.tag()
      if (tag === V2_TAG) return true
      reader.skip(tag, data.length)
    }
  } catch (error) {
    if (!(error instanceof ProtoError)) throw error
  }
  return false
}
