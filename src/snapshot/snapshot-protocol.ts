/**
 * What a front and the helper thread that makes its snapshot tell each other over the thread's port:
 *
 *   front: (start) .......... next ....... next ... ..... next | stop
 *   helper: ........ ready ........ chunk ...... chunk ... end | failed
 *
 * The helper reads the store at one instant, writes it into a file as fast as the disk takes it, lets go of the store,
 * and only then hands out the file, one chunk whenever it is asked: a slow client holds up nobody, and costs a file.
 */

import type { Bytes } from '../base/bytes.js'

export interface SnapshotJobStart {
  /** The store's file, which this process has open for writing. */
  readonly storePath: string
  /** Where the image is written; the file is unlinked as soon as it is open. */
  readonly imagePath: string
}

export type SnapshotOrder = 'next' | 'stop'

export type SnapshotReport =
  | { readonly kind: 'ready'; readonly imageBytes: number }
  | { readonly kind: 'chunk'; readonly bytes: Bytes }
  | { readonly kind: 'end'; readonly sha256: Bytes }
  | { readonly kind: 'failed'; readonly message: string }

/** A port of either end; the helper's own thread port, and a Worker, are such. */
export interface SnapshotPort {
  postMessage(message: SnapshotReport, transfer?: readonly ArrayBuffer[]): void
  on(event: 'message', listener: (order: SnapshotOrder) => void): unknown
  close(): void
}

/** What is read of the image at a time. */
export const CHUNK_BYTES = 1024 * 1024
