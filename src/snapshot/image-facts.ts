/** What an image says about itself in its meta bucket, read before anything else is done with it. */

import { text, type Bytes } from '../base/bytes.js'
import type { BboltReader } from '../bbolt/bbolt-reader.js'
import { BboltError } from '../bbolt/bbolt-error.js'
import { Bucket, MetaKey, readNumber, readRevision } from './etcd-buckets.js'

export interface ImageFacts {
  /** 0 when it is not there. */
  readonly consistentIndex: number
  /** 0 before etcd 3.5. */
  readonly term: number
  /** -1 when nothing was compacted. */
  readonly scheduledCompact: number
  readonly finishedCompact: number
  /** Such as 3.6.0; empty before etcd 3.6. */
  readonly storageVersion: string
}

export function readImageFacts(image: BboltReader): ImageFacts {
  const values = new Map<string, Bytes>()
  for (const { key, value } of image.pairs(Bucket.meta)) values.set(text(key.view()), value.copy())
  const finishedCompact = revisionOf(values, MetaKey.finishedCompact)
  return {
    consistentIndex: numberOf(values, MetaKey.consistentIndex),
    term: numberOf(values, MetaKey.term),
    scheduledCompact: Math.max(finishedCompact, revisionOf(values, MetaKey.scheduledCompact)),
    finishedCompact,
    storageVersion: text(values.get(MetaKey.storageVersion) ?? new Uint8Array(0)),
  }
}

function numberOf(values: ReadonlyMap<string, Bytes>, key: string): number {
  const bytes = values.get(key)
  if (bytes === undefined) return 0
  if (bytes.length !== 8) throw new BboltError(`meta ${key}: ${bytes.length} bytes long`)
  return readNumber(bytes, 0)
}

function revisionOf(values: ReadonlyMap<string, Bytes>, key: string): number {
  const bytes = values.get(key)
  if (bytes === undefined) return -1
  const revision = readRevision(bytes)
  if (revision === null) throw new BboltError(`meta ${key} is not a revision`)
  return revision.main
}
