/**
 * The log of a cluster, without Raft: who leads is the test's choice, and it alone appends. An entry is committed some
 * time after; a new leader keeps what was committed, and as much of the rest as the test says.
 */

import assert from 'node:assert/strict'

export interface ClusterEntry {
  readonly term: number
  readonly data: Uint8Array
}

export class ClusterLog {
  readonly #entries: ClusterEntry[] = []
  /** When each committed entry was committed; the next one to commit follows. */
  readonly #committedAtMs: number[] = []
  term = 0

  get length(): number {
    return this.#entries.length
  }

  /** Committed entries; their indexes are 1 to this. */
  get committed(): number {
    return this.#committedAtMs.length
  }

  entry(index: number): ClusterEntry {
    const entry = this.#entries[index - 1]
    assert.ok(entry !== undefined, `the log has no entry ${index}`)
    return entry
  }

  committedAtMs(index: number): number {
    return this.#committedAtMs[index - 1] as number
  }

  append(data: Uint8Array): void {
    this.#entries.push({ term: this.term, data })
  }

  commit(nowMs: number): void {
    assert.ok(this.committed < this.length, 'nothing to commit')
    this.#committedAtMs.push(nowMs)
  }

  /** A leader of a new term, whose log has `keep` of the entries that are not committed. */
  beginTerm(keep: number): void {
    this.term++
    this.#entries.length = Math.min(this.length, this.committed + keep)
    // Its empty entry.
    this.append(new Uint8Array(0))
  }
}
