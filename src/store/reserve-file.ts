/**
 * Room for the pages of the next commits, taken before they are needed: zeros behind the last page of the store file.
 * A commit that the disk has no room for must not begin. lmdb 3.5.6 describes a failed page write in a buffer that is
 * too short for it, which damages the process's heap; and a full disk is found out here, while the transaction can
 * still be given up as if it had never been.
 */

import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs'

/**
 * A page at a time: Linux keeps what one call writes in one folio of the page cache, and since 6.16 ext4 goes through
 * all blocks of a folio for each page that LMDB writes into it (31 us of CPU a put against 27 us, 256 clients).
 */
const ZEROS = Buffer.alloc(4096)
/**
 * How many commits of the present size are provided for at a time, within these bounds. The upper one is well below
 * what makes a file worth shrinking.
 */
const COMMITS_AHEAD = 8
const AHEAD_BYTES_MIN = 4 * 1024 * 1024
const AHEAD_BYTES_MAX = 16 * 1024 * 1024
/** Changed pages that are worth a look at how many the file has. */
const SCATTERED_UNCHECKED_MAX = 256

export interface ReserveOptions {
  readonly path: string
  readonly pageBytes: number
  /** Number of the last page in use, as the last commit left it. */
  readonly lastPage: () => number
}

export class StoreReserve {
  readonly #fd: number
  readonly #options: ReserveOptions
  /** Bytes that commits may still add without a look at the file; what they really added is less. */
  #leftBytes = 0
  #tookMany = false

  constructor(options: ReserveOptions) {
    this.#options = options
    this.#fd = openSync(options.path, 'r+')
  }

  /**
   * Makes sure of room for a commit that changes and adds at most so many pages; a page of the file is copied at most
   * once, however many rows of it change. Throws what the file system says if it is full, and takes nothing then.
   */
  take(changedPages: number, addedPages: number): void {
    const { pageBytes, lastPage } = this.#options
    const isMany = changedPages > SCATTERED_UNCHECKED_MAX
    const copies = isMany ? Math.min(changedPages, lastPage() + 1) : changedPages
    const bytes = (copies + addedPages) * pageBytes
    if (bytes > this.#leftBytes) this.#extend(bytes)
    this.#leftBytes -= bytes
    this.#tookMany = bytes > AHEAD_BYTES_MAX
  }

  /** After a commit: gives back what a rare large one was given and did not need. */
  trim(): void {
    if (!this.#tookMany) return
    this.#tookMany = false
    const keptBytes = (this.#options.lastPage() + 1) * this.#options.pageBytes + AHEAD_BYTES_MAX
    try {
      if (keptBytes < fstatSync(this.#fd).size) ftruncateSync(this.#fd, keptBytes)
    } catch {
      // The commit stands; what it did not need stays at the end of the file until another gives it back.
    }
    this.#leftBytes = 0
  }

  /** Everything behind the last page has to be looked at again, as after a commit that failed. */
  forget(): void {
    this.#leftBytes = 0
  }

  close(): void {
    closeSync(this.#fd)
  }

  #extend(neededBytes: number): void {
    const { pageBytes, lastPage } = this.#options
    const usedBytes = (lastPage() + 1) * pageBytes
    const before = fstatSync(this.#fd).size
    let size = before
    if (size - usedBytes < neededBytes) {
      const ahead = Math.min(Math.max(COMMITS_AHEAD * neededBytes, AHEAD_BYTES_MIN), AHEAD_BYTES_MAX)
      const target = usedBytes + Math.max(ahead, neededBytes)
      try {
        while (size < target) size += writeSync(this.#fd, ZEROS, 0, Math.min(ZEROS.length, target - size), size)
      } catch (error) {
        // Less than was hoped for may still be enough; if not, others need the room more.
        if (size - usedBytes < neededBytes) {
          ftruncateSync(this.#fd, before)
          throw error
        }
      }
    }
    this.#leftBytes = size - usedBytes
  }
}
