/**
 * What the log needs of a disk: one directory of files. `wal-file.ts` is the real one; tests and the simulator hand
 * in one that forgets what was not synced.
 */

import type { Bytes } from '../base/bytes.js'

export interface WalFile {
  sizeBytes(): number
  /** Reads into target[start, end) from `position`; returns the bytes read, fewer only at the end of the file. */
  read(target: Bytes, start: number, end: number, position: number): number
  /**
   * Writes source[start, end) at `position`. False when the disk is full: then a part may have been written. Any other
   * failure throws, and the process ends.
   */
  write(source: Bytes, start: number, end: number, position: number): boolean
  truncate(sizeBytes: number): void
  /**
   * Returns when all that was written is on the medium. A failure throws and is never tried again: pages may be
   * lost.
   */
  sync(): void
  close(): void
}

export interface WalDevice {
  /** For messages. */
  readonly path: string
  /** Names of the directory's files, in no order. */
  list(): readonly string[]
  /** A new empty file; one of that name is emptied. Null when the disk is full. */
  create(name: string): WalFile | null
  open(name: string, mode: 'read' | 'write'): WalFile
  /** Visible at once, durable after `syncNames`. */
  rename(from: string, to: string): void
  remove(name: string): void
  /** Makes creations, renames and removals durable. */
  syncNames(): void
}

/**
 * Where the next segment comes from: filled with zeros and synced before it is needed, so that appends change no
 * metadata.
 */
export interface SegmentSupply {
  /** Begins to fill the file `name`. Only while idle or failed. */
  prepare(name: string): void
  status(): SupplyStatus
  /** The file asked for is taken over by the caller; status is idle again. Only while ready. */
  take(): void
  /** The system's error number when the last `prepare` failed, 0 otherwise. */
  failure(): number
  /** Removes a file some time later; removing a large one takes too long for the log's own thread. */
  discard(name: string): void
  /** The system's error number when the last removal failed, 0 otherwise. The file goes at the next start. */
  discardFailure(): number
  close(): void
}

export type SupplyStatus = 'idle' | 'preparing' | 'ready' | 'failed'
