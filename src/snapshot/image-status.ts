/** The figures that etcdutl tells of a snapshot, computed as it computes them. */

import { utf8 } from '../base/bytes.js'
import { crc32cUpdate } from '../base/crc32c.js'
import type { Slice } from '../base/slice.js'
import { BboltError } from '../bbolt/bbolt-error.js'
import type { BboltReader } from '../bbolt/bbolt-reader.js'
import { peekKeyValue } from '../proto/generated/mvccpb.js'
import { Bucket, readRevision, type Revision } from './etcd-buckets.js'
import { readImageFacts } from './image-facts.js'

export interface ImageStatus {
  /** CRC-32C over the names, keys and values of all buckets. */
  readonly hash: number
  readonly revision: number
  /** Keys that a client would find. */
  readonly totalKey: number
  readonly totalSize: number
  readonly version: string
}

export interface ImageHash {
  readonly hash: number
  readonly hashRevision: number
  readonly compactRevision: number
}

export type ImageHashResult =
  | { readonly ok: true; readonly result: ImageHash }
  | { readonly ok: false; readonly message: string }

export function readImageStatus(image: BboltReader): ImageStatus {
  const liveKeys = new Set<string>()
  let hash = 0
  let revision = 0
  for (const bucket of image.bucketNames()) {
    hash = crcOf(hash, utf8(bucket))
    for (const { key, value } of image.pairs(bucket)) {
      hash = crcOfSlice(crcOfSlice(hash, key), value)
      if (bucket !== Bucket.key) continue
      const { main, isTombstone } = revisionOf(key)
      revision = main
      const name = keyOf(value)
      if (isTombstone) liveKeys.delete(name)
      else if (name !== '') liveKeys.add(name)
    }
  }
  const { storageVersion } = readImageFacts(image)
  return { hash, revision, totalKey: liveKeys.size, totalSize: image.sizeBytes, version: storageVersion }
}

/**
 * As the HashKV RPC of a member that holds this image: over the revisions up to the one asked for, of those that are
 * compacted only what a compaction there would leave; 0 asks for the newest.
 */
export function hashImage(image: BboltReader, atRevision: number): ImageHashResult {
  const compactRevision = readImageFacts(image).scheduledCompact
  const current = newestRevision(image, compactRevision)
  const hashRevision = atRevision === 0 ? current : atRevision
  if (hashRevision > current) return refused('mvcc: required revision is a future revision')
  if (hashRevision < compactRevision) return refused('mvcc: required revision has been compacted')
  const kept = keptRevisions(image, hashRevision)
  let hash = crcOf(0, utf8(Bucket.key))
  for (const { key, value } of image.pairs(Bucket.key)) {
    const revision = revisionOf(key)
    if (revision.main > hashRevision) break
    // As in etcd: where no key is left, nothing is left out.
    if (revision.main <= compactRevision && kept.size > 0 && !kept.has(nameOf(revision))) continue
    hash = crcOfSlice(crcOfSlice(hash, key), value)
  }
  return { ok: true, result: { hash, hashRevision, compactRevision } }
}

function newestRevision(image: BboltReader, compactRevision: number): number {
  let newest = Math.max(1, compactRevision)
  for (const { key } of image.pairs(Bucket.key)) newest = Math.max(newest, revisionOf(key).main)
  return newest
}

/** For every key that is live at a revision, the newest of its own up to there. */
function keptRevisions(image: BboltReader, atRevision: number): ReadonlySet<string> {
  const newest = new Map<string, string>()
  for (const { key, value } of image.pairs(Bucket.key)) {
    const revision = revisionOf(key)
    if (revision.main > atRevision) break
    if (revision.isTombstone) newest.delete(keyOf(value))
    else newest.set(keyOf(value), nameOf(revision))
  }
  return new Set(newest.values())
}

function nameOf({ main, sub }: Revision): string {
  return `${main} ${sub}`
}

function revisionOf(key: Slice): Revision {
  const revision = readRevision(key.view())
  if (revision === null) throw new BboltError('bucket key: a key that is not a revision')
  return revision
}

/** The user's key as a string of its bytes. */
function keyOf(value: Slice): string {
  const { key } = peekKeyValue(value.bytes, value.start, value.end)
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}

function crcOf(crc: number, bytes: Uint8Array): number {
  return crc32cUpdate(crc, bytes, 0, bytes.length)
}

function crcOfSlice(crc: number, { bytes, start, end }: Slice): number {
  return crc32cUpdate(crc, bytes, start, end)
}

function refused(message: string): ImageHashResult {
  return { ok: false, message }
}
