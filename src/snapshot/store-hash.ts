/**
 * Maintenance.Hash: CRC-32C over all of etcd's buckets as they would be with this store's contents, but for what moves
 * without a change of contents. Runs in a jobs thread, on one snapshot of the store.
 */

import { crc32cUpdate } from '../base/crc32c.js'
import { text, utf8 } from '../base/bytes.js'
import type { Slice } from '../base/slice.js'
import { openLmdbStore } from '../store/lmdb-store.js'
import type { StoreView } from '../store/store.js'
import { Bucket, MetaKey } from './etcd-buckets.js'
import { visitBuckets, type BucketVisitor } from './visit-buckets.js'

const NOT_HASHED: ReadonlySet<string> = new Set([MetaKey.consistentIndex, MetaKey.term, MetaKey.storageVersion])

/** `storePath` is a file that this process has open for writing. */
export function hashStore({ storePath }: { storePath: string }): number {
  const store = openLmdbStore({ path: storePath, readOnly: true })
  try {
    const view = store.beginRead()
    try {
      return hashOf(view)
    } finally {
      view.close()
    }
  } finally {
    store.close()
  }
}

export function hashOf(view: StoreView): number {
  const visitor = new HashVisitor()
  visitBuckets({ view, visitor })
  return visitor.crc
}

class HashVisitor implements BucketVisitor {
  crc = 0
  #isMeta = false

  startBucket(name: string): void {
    const bytes = utf8(name)
    this.#isMeta = name === Bucket.meta
    this.crc = crc32cUpdate(this.crc, bytes, 0, bytes.length)
  }

  pair(key: Slice, value: Slice): void {
    if (this.#isMeta && NOT_HASHED.has(text(key.copy()))) return
    const crc = crc32cUpdate(this.crc, key.bytes, key.start, key.end)
    this.crc = crc32cUpdate(crc, value.bytes, value.start, value.end)
  }

  endBucket(): void {
    return
  }
}
