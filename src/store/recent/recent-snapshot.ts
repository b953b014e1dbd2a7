/** Snapshots of a store with its recent rows, on the thread of one reader. */

import type { ReadableStore, ReadSnapshot } from '../store.js'
import type { RecentMemory } from './recent-memory.js'
import type { RecentRows } from './recent-rows.js'
import { RecentState } from './recent-state.js'
import { RecentView } from './recent-view.js'

export class RecentReader {
  readonly #memory: RecentMemory
  readonly #reader: number
  readonly #state = new RecentState()
  readonly #slots: (RecentRows | undefined)[] = []
  #snapshot: RecentSnapshot | null = null

  /** `reader`: its place among all readers of the memory. */
  constructor(memory: RecentMemory, reader: number) {
    this.#memory = memory
    this.#reader = reader
  }

  /**
   * A snapshot of the file with its recent rows. Null when the file is not the newest any more and its rows are gone.
   */
  begin(store: ReadableStore): ReadSnapshot | null {
    const memory = this.#memory
    const oldest = memory.use(this.#reader)
    const file = this.#openFile(store)
    const state = this.#state
    state.read(file)
    const { slot, hasOlder, stamp } = state
    if (slot !== 0 && (hasOlder ? slot - 1 : slot) < oldest) {
      file.close()
      memory.leave(this.#reader)
      return null
    }
    const snapshot = this.#snapshot ?? new RecentSnapshot(file, () => memory.leave(this.#reader))
    this.#snapshot = snapshot
    snapshot.begin(file)
    if (slot !== 0) {
      memory.awaitStamp(stamp)
      snapshot.newer = this.#rows(slot)
      snapshot.newerStamp = stamp - snapshot.newer.base
      if (hasOlder) {
        snapshot.older = this.#rows(slot - 1)
        snapshot.olderStamp = stamp - snapshot.older.base
      }
    }
    return snapshot
  }

  #openFile(store: ReadableStore): ReadSnapshot {
    try {
      return store.beginRead()
    } catch (error) {
      this.#memory.leave(this.#reader)
      throw error
    }
  }

  #rows(slot: number): RecentRows {
    const memory = this.#memory
    const index = memory.indexOf(slot)
    const known = this.#slots[index]
    if (known !== undefined && known.number === slot) return known
    const rows = memory.rows(slot)
    this.#slots[index] = rows
    return rows
  }
}

class RecentSnapshot extends RecentView implements ReadSnapshot {
  readonly #leave: () => void
  #snapshot: ReadSnapshot

  constructor(file: ReadSnapshot, leave: () => void) {
    super(file)
    this.#snapshot = file
    this.#leave = leave
  }

  begin(file: ReadSnapshot): void {
    this.file = file
    this.#snapshot = file
    this.newer = this.older = null
    this.dropCursors()
  }

  close(): void {
    // From here on the file refuses what is asked.
    this.newer = this.older = null
    this.#snapshot.close()
    this.#leave()
  }
}
