/**
 * The checkpoint file: which store file, and which of its trees, a start begins with. There is one, replaced as a
 * whole.
 *
 * ```
 * 0            8           12               16
 * | "rrckpt01" | CRC-32C   | header length  | header (msgpack) | the store file's first pages ...
 * |            | of all behind it
 * ```
 */

import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { pack, unpack } from 'msgpackr'
import { concatBytes, equalBytes, utf8, type Bytes } from '../base/bytes.js'
import { crc32cUpdate } from '../base/crc32c.js'

export interface Checkpoint {
  /** Number of the store file. */
  readonly generation: number
  /** Everything up to this entry is in the tree. */
  readonly appliedIndex: number
  readonly appliedTerm: number
  readonly pageBytes: number
  /**
   * The tree is a leader's, and the log may not know of it: then the log begins anew behind it. Otherwise a log that
   * does not reach the tree has lost something.
   */
  readonly isInstalled?: boolean
  /** Length of the store file when the tree was taken; it can only have grown since. */
  readonly fileBytes: number
  /** The store file's meta pages, which name the tree. */
  readonly metaPages: Bytes
}

export type CheckpointWrite =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: 'no-space'; readonly message: string }

export type CheckpointRead =
  | { readonly kind: 'none' }
  | { readonly kind: 'found'; readonly checkpoint: Checkpoint }
  | { readonly kind: 'corrupt'; readonly message: string }

export const CHECKPOINT_FILE = 'checkpoint'
export const CHECKPOINT_TEMPORARY = 'checkpoint.tmp'

const MAGIC = utf8('rrckpt01')
const PREFIX_BYTES = 16
const CRC_AT = 8
const HEADER_LENGTH_AT = 12

const NO_SPACE: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/**
 * Puts the checkpoint in place of the one before, durably. Without space the one before stands. A failed sync is
 * thrown: what is on disk is unknown then, and the process must end.
 */
export function writeCheckpoint(dir: string, checkpoint: Checkpoint): CheckpointWrite {
  const temporary = join(dir, CHECKPOINT_TEMPORARY)
  const refused = writeTemporary(temporary, encodeCheckpoint(checkpoint))
  if (refused !== null) return refused
  renameSync(temporary, join(dir, CHECKPOINT_FILE))
  syncDirectory(dir)
  return { ok: true }
}

export function readCheckpoint(dir: string): CheckpointRead {
  const path = join(dir, CHECKPOINT_FILE)
  if (!existsSync(path)) return { kind: 'none' }
  const checkpoint = decodeCheckpoint(readFileSync(path))
  if (checkpoint === null) return { kind: 'corrupt', message: `checkpoint file ${path} is damaged` }
  return { kind: 'found', checkpoint }
}

export function syncDirectory(dir: string): void {
  const fd = openSync(dir, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

export function encodeCheckpoint(checkpoint: Checkpoint): Bytes {
  const { metaPages, ...facts } = checkpoint
  const header = pack(facts)
  const bytes = concatBytes(new Uint8Array(PREFIX_BYTES), header, metaPages)
  const numbers = new DataView(bytes.buffer)
  bytes.set(MAGIC)
  numbers.setUint32(HEADER_LENGTH_AT, header.length, true)
  numbers.setUint32(CRC_AT, crc32cUpdate(0, bytes, HEADER_LENGTH_AT, bytes.length), true)
  return bytes
}

/** Null if these are not the bytes of a whole checkpoint. */
export function decodeCheckpoint(bytes: Bytes): Checkpoint | null {
  if (bytes.length < PREFIX_BYTES || !equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) return null
  const numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const crc = crc32cUpdate(0, bytes, HEADER_LENGTH_AT, bytes.length)
  if (numbers.getUint32(CRC_AT, true) !== crc) return null
  const headerEnd = PREFIX_BYTES + numbers.getUint32(HEADER_LENGTH_AT, true)
  const facts = unpack(bytes.subarray(PREFIX_BYTES, headerEnd)) as Omit<Checkpoint, 'metaPages'>
  return { ...facts, metaPages: bytes.slice(headerEnd) }
}

function writeTemporary(path: string, bytes: Bytes): CheckpointWrite | null {
  let fd = -1
  try {
    fd = openSync(path, 'w', 0o600)
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
  } catch (error) {
    if (fd >= 0) closeSync(fd)
    const { code, message } = error as NodeJS.ErrnoException
    if (!NO_SPACE.has(code)) throw error
    return { ok: false, code: 'no-space', message: `checkpoint ${path}: ${message}` }
  }
  fsyncSync(fd)
  closeSync(fd)
  return null
}
