/**
 * When the newest syncs of the log were written and finished, in shared memory: wal writes, mvcc reads. An entry that
 * mvcc applies because it is durable here learns from this which write it went to disk with.
 *
 *   i32 number of syncs so far | ... | per slot f64: index of its last entry, write start, written, synced,
 *   committed (ms)
 */

const SLOTS = 64
const SLOT_WORDS = 5
const HEADER_BYTES = 64

export interface SyncTimesOfEntry {
  writeStartMs: number
  writtenMs: number
  syncedMs: number
}

export interface CommitTimesOfEntry extends SyncTimesOfEntry {
  committedMs: number
}

export function allocateSyncTimes(): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_BYTES + SLOTS * SLOT_WORDS * 8)
}

export class SyncTimesWriter {
  readonly #count: Int32Array
  readonly #slots: Float64Array

  constructor(memory: SharedArrayBuffer) {
    this.#count = new Int32Array(memory, 0, 1)
    this.#slots = new Float64Array(memory, HEADER_BYTES)
  }

  /** Everything up to entry `index` is on disk with this write, or was before. */
  add(index: number, times: Readonly<SyncTimesOfEntry>, committedMs: number): void {
    const count = Atomics.load(this.#count, 0)
    const at = slotAt(count)
    const slots = this.#slots
    slots[at] = index
    slots[at + 1] = times.writeStartMs
    slots[at + 2] = times.writtenMs
    slots[at + 3] = times.syncedMs
    slots[at + 4] = committedMs
    Atomics.store(this.#count, 0, (count + 1) | 0)
  }
}

export class SyncTimesReader {
  readonly #count: Int32Array
  readonly #slots: Float64Array
  /** Of the sync found last: entries come in order, so it mostly serves the next one too. */
  #firstIndex = Infinity
  #lastIndex = -1
  readonly #times: CommitTimesOfEntry = { writeStartMs: 0, writtenMs: 0, syncedMs: 0, committedMs: 0 }

  constructor(memory: SharedArrayBuffer) {
    this.#count = new Int32Array(memory, 0, 1)
    this.#slots = new Float64Array(memory, HEADER_BYTES)
  }

  /**
   * The sync that brought an entry to disk; the oldest still known when the writer has gone round since, and zeros
   * while the entry is not on disk. Valid until the next call.
   */
  of(index: number): Readonly<CommitTimesOfEntry> {
    if (index < this.#firstIndex || index > this.#lastIndex) this.#find(index)
    return this.#times
  }

  #find(index: number): void {
    const slots = this.#slots
    const count = Atomics.load(this.#count, 0)
    this.#firstIndex = Infinity
    const times = this.#times
    times.writeStartMs = times.writtenMs = times.syncedMs = times.committedMs = 0
    // A slot short of all of them: the writer may be filling the oldest.
    for (let back = 1; back < SLOTS; back++) {
      const at = slotAt(count - back)
      if ((slots[at] as number) < index) break
      this.#lastIndex = slots[at] as number
      this.#firstIndex = index
      times.writeStartMs = slots[at + 1] as number
      times.writtenMs = slots[at + 2] as number
      times.syncedMs = slots[at + 3] as number
      times.committedMs = slots[at + 4] as number
    }
  }
}

function slotAt(count: number): number {
  return (count & (SLOTS - 1)) * SLOT_WORDS
}
