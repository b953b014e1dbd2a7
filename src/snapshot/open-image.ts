/**
 * Opens a snapshot, or a stopped server's own `snap/db`, and checks it: the SHA-256 behind it, if there is one, and
 * every page.
 */

import { createHash } from 'node:crypto'
import { equalBytes } from '../base/bytes.js'
import { BboltError } from '../bbolt/bbolt-error.js'
import { BboltReader } from '../bbolt/bbolt-reader.js'
import { ImageFile } from './image-file.js'

export interface OpenImage {
  readonly ok: true
  readonly reader: BboltReader
  close(): void
}

export type OpenImageResult = OpenImage | { readonly ok: false; readonly message: string }

/** Pages come in such multiples, so that what is over is a hash. */
const SECTOR_BYTES = 512
const HASH_BYTES = 32
const READ_BYTES = 1024 * 1024

export interface OpenImageOptions {
  /** `required`: as `snapshot restore` has it. `skipped`: of a copy of `snap/db`, or one that is known to be odd. */
  readonly hash: 'required' | 'ifThere' | 'skipped'
}

export function openImage(path: string, { hash }: OpenImageOptions): OpenImageResult {
  let file: ImageFile
  try {
    file = ImageFile.open(path)
  } catch (error) {
    return refused((error as Error).message)
  }
  const problem = checkHash(file, path, hash)
  if (problem !== null) {
    file.close()
    return refused(problem)
  }
  try {
    const reader = new BboltReader(file)
    reader.check()
    return { ok: true, reader, close: () => file.close() }
  } catch (error) {
    file.close()
    if (error instanceof BboltError) return refused(`snapshot file ${path}: integrity check failed: ${error.message}`)
    throw error
  }
}

/** Leaves the image without its hash; returns what is wrong. */
function checkHash(file: ImageFile, path: string, mode: OpenImageOptions['hash']): string | null {
  const hasHash = file.sizeBytes % SECTOR_BYTES === HASH_BYTES
  if (!hasHash) return mode === 'required' ? 'snapshot missing hash but --skip-hash-check=false' : null
  const imageBytes = file.sizeBytes - HASH_BYTES
  const expected = new Uint8Array(HASH_BYTES)
  file.read(expected, imageBytes)
  file.cutOff(imageBytes)
  if (mode === 'skipped') return null
  const found = hashOf(file)
  if (equalBytes(found, expected)) return null
  return `snapshot file ${path}: expected sha256 ${hex(expected)}, got ${hex(found)}`
}

function hashOf(file: ImageFile): Uint8Array {
  const hash = createHash('sha256')
  const buffer = new Uint8Array(READ_BYTES)
  for (let at = 0; at < file.sizeBytes;) {
    const count = file.read(buffer, at)
    if (count === 0) break
    hash.update(buffer.subarray(0, count))
    at += count
  }
  return hash.digest()
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function refused(message: string): OpenImageResult {
  return { ok: false, message }
}
