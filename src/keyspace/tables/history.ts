/**
 * The revisions of a key form a chain from the newest back, each naming the one before it and one further back (its
 * jump). Every 16th revision is a post; the others jump to the last post. Posts jump to posts by the skew-binary
 * numbers: among n of them any is found in about 2 log2 n look-ups, though a row names only one. So old revisions are
 * found by index alone, rows stay of fixed size, and writing a revision reads older rows only when it is a post.
 *
 * Compaction cuts chains at their old end; a link that leads to a missing row leads to something no read may ask for.
 */

import { Slice } from '../../base/slice.js'
import { TABLE, type StoreView } from '../../store/store.js'
import type { KeyRecord } from '../key-record.js'
import { LargeValues } from './large-values.js'
import {
  FORM_IN_VALUES,
  FORM_MASK,
  FORM_VALUE_SHIFT,
  REVISION_KEY_BYTES,
  STEM_BYTES,
  compareRevisions,
  writeRevisionKey,
  type RowBuilder,
} from './revision-row.js'

/** A longer chain starts a new one, whose jumps do not reach behind its start. */
const DEPTH_MAX = 0xffff_fffe

/** Revisions between posts. Keys that are written less often between compactions never need a jump. */
const POST_EVERY = 16

export class History {
  #view: StoreView
  readonly #key = new Uint8Array(REVISION_KEY_BYTES)
  readonly #row = new Slice()
  readonly #large = new LargeValues()

  constructor(view: StoreView) {
    this.#view = view
  }

  reset(view: StoreView): void {
    this.#view = view
  }

  /** The row of exactly this revision; a large value is left out. */
  read(main: number, sub: number, into: KeyRecord): boolean {
    writeRevisionKey(this.#key, main, sub)
    if (!this.#view.get(TABLE.revisions, this.#key, 0, REVISION_KEY_BYTES, this.#row)) return false
    into.readRow(this.#row)
    return true
  }

  /**
   * Reads the value that a stub leaves out. False if that row is gone, which only a reader behind the compaction sees.
   */
  readWhole(record: KeyRecord): boolean {
    const form = record.form & FORM_MASK
    if (form === 0) return true
    const row = this.#row
    if (form === FORM_IN_VALUES) {
      const bytes = record.record.length + (record.form >>> FORM_VALUE_SHIFT)
      if (!this.#large.read(this.#view, record.modRevision, record.modSub, bytes, row)) return false
    } else {
      writeRevisionKey(this.#key, record.modRevision, record.modSub)
      if (!this.#view.get(TABLE.revisions, this.#key, 0, REVISION_KEY_BYTES, row)) return false
      row.start += STEM_BYTES
    }
    record.readWhole(row)
    return true
  }

  /** Moves `record` back to the newest revision of its key at or before (main, sub). True if the key was live then. */
  moveBack(record: KeyRecord, main: number, sub: number): boolean {
    while (compareRevisions(record.modRevision, record.modSub, main, sub) > 0) {
      const { jumpMain, jumpSub } = record
      const jumps = jumpMain !== 0 && compareRevisions(jumpMain, jumpSub, main, sub) >= 0
      const toMain = jumps ? jumpMain : record.previousMain
      const toSub = jumps ? jumpSub : record.previousSub
      if (toMain === 0 || !this.read(toMain, toSub, record)) return false
    }
    return !record.isTombstone
  }

  /** Sets the links of a row that is built to follow `previous`. Revisions up to `compactRevision` need no jumps. */
  link(previous: KeyRecord, compactRevision: number, row: RowBuilder, scratch: KeyRecord): void {
    row.previousMain = previous.modRevision
    row.previousSub = previous.modSub
    row.previousInValues = (previous.form & FORM_MASK) === FORM_IN_VALUES
    row.jumpMain = 0
    row.jumpSub = 0
    row.depth = 1
    if (previous.modRevision <= compactRevision || previous.depth > DEPTH_MAX) return
    row.depth = previous.depth + 1
    if (previous.depth % POST_EVERY === 0) {
      row.jumpMain = previous.modRevision
      row.jumpSub = previous.modSub
    } else {
      row.jumpMain = previous.jumpMain
      row.jumpSub = previous.jumpSub
    }
    if (row.depth % POST_EVERY === 0 && row.jumpMain !== 0) this.#linkPost(compactRevision, row, scratch)
  }

  /** The row jumps to the post before it, whose own jump and the jump of that it may have to take over. */
  #linkPost(compactRevision: number, row: RowBuilder, scratch: KeyRecord): void {
    if (lastTreeSize(row.depth / POST_EVERY) === 1) return
    const { jumpMain, jumpSub } = row
    row.jumpMain = 0
    row.jumpSub = 0
    if (jumpMain <= compactRevision || !this.read(jumpMain, jumpSub, scratch)) return
    if (scratch.jumpMain <= compactRevision || !this.read(scratch.jumpMain, scratch.jumpSub, scratch)) return
    row.jumpMain = scratch.jumpMain
    row.jumpSub = scratch.jumpSub
  }
}

/** The size of the last tree when n nodes are laid out as the largest complete trees, in order: 7 is 7, 8 is 7 + 1. */
function lastTreeSize(n: number): number {
  let rest = n
  for (;;) {
    // 2^k - 1 <= rest; k is at most 32, and shifts end at 31.
    const size = 2 ** (32 - Math.clz32(rest + 1) - 1) - 1
    if (rest === size) return size
    rest -= size
  }
}
