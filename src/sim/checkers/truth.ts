/**
 * What has happened, as the members themselves applied it: every revision's changes and every log entry, the same on
 * each member and in each of its lives. The other checkers hold answers against it.
 */

export interface Change {
  readonly key: string
  /** Null: the key was deleted. */
  readonly value: string | null
  readonly createRevision: number
  readonly modRevision: number
  readonly version: number
  readonly leaseId: bigint
}

export interface Revision {
  readonly revision: number
  readonly changes: readonly Change[]
  /** When the first member applied it. */
  readonly atMs: number
}

export interface LogPlace {
  readonly term: number
  readonly type: number
  readonly digest: number
}

export class Truth {
  /** By revision; 1 is the empty store. */
  readonly revisions: (Revision | undefined)[] = []
  readonly log: (LogPlace | undefined)[] = []
  readonly #byKey = new Map<string, Change[]>()
  #lastRevision = 1
  #lastIndex = 0

  get lastRevision(): number {
    return this.#lastRevision
  }

  get lastIndex(): number {
    return this.#lastIndex
  }

  /** A member was given this entry to apply. Returns what is wrong with that, or null. */
  onEntry(who: string, index: number, place: LogPlace): string | null {
    const known = this.log[index]
    if (known === undefined) {
      this.log[index] = place
      this.#lastIndex = Math.max(this.#lastIndex, index)
      return null
    }
    if (known.term === place.term && known.digest === place.digest && known.type === place.type) return null
    const shown = ({ term, digest }: LogPlace): string => `term ${term} digest ${digest.toString(16)}`
    return `${who} applies another entry at index ${index}: ${shown(place)}, where it was ${shown(known)}`
  }

  /** A member applied these changes. Returns what is wrong with that, or null. */
  onRevision(who: string, revision: number, changes: readonly Change[], atMs: number): string | null {
    const known = this.revisions[revision]
    if (known !== undefined) {
      const before = describeChanges(known.changes)
      const now = describeChanges(changes)
      return before === now ? null : `${who} has at revision ${revision} ${now}, where it was ${before}`
    }
    if (revision !== this.#lastRevision + 1) {
      return `${who} goes to revision ${revision} after ${this.#lastRevision}`
    }
    this.#lastRevision = revision
    this.revisions[revision] = { revision, changes, atMs }
    for (const change of changes) {
      const problem = this.#addChange(who, change)
      if (problem !== null) return problem
    }
    return null
  }

  /** The key as it was at that revision. */
  at(key: string, revision: number): Change | null {
    const changes = this.#byKey.get(key)
    if (changes === undefined) return null
    let low = 0
    let high = changes.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((changes[middle] as Change).modRevision <= revision) low = middle + 1
      else high = middle
    }
    const found = changes[low - 1]
    return found === undefined || found.value === null ? null : found
  }

  /** Live keys of a range at that revision, in order. */
  rangeAt(range: KeyRange, revision: number): Change[] {
    const keys = [...this.#byKey.keys()].filter((key) => isInside(range, key)).sort()
    return keys.map((key) => this.at(key, revision)).filter((change) => change !== null)
  }

  changesOf(key: string): readonly Change[] {
    return this.#byKey.get(key) ?? []
  }

  /** Versions count up, a key's life begins with version 1. */
  #addChange(who: string, change: Change): string | null {
    let changes = this.#byKey.get(change.key)
    if (changes === undefined) this.#byKey.set(change.key, (changes = []))
    const last = changes.at(-1)
    const isAlive = last !== undefined && last.value !== null
    changes.push(change)
    if (change.value === null) return isAlive ? null : `${who} deletes ${change.key}, which is not there`
    const version = isAlive ? last.version + 1 : 1
    const createRevision = isAlive ? last.createRevision : change.modRevision
    if (change.version === version && change.createRevision === createRevision) return null
    const given = `version ${change.version} of ${change.createRevision}`
    return `${who} gives ${change.key} ${given}, not ${version} of ${createRevision}`
  }
}

export interface KeyRange {
  readonly key: string
  /** Empty: the key alone. */
  readonly end: string
}

export function isInside({ key, end }: KeyRange, candidate: string): boolean {
  return end === '' ? candidate === key : candidate >= key && (end === '\0' || candidate < end)
}

export function describeChanges(changes: readonly Change[]): string {
  return changes.map(describeChange).join(', ')
}

export function describeChange({ key, value, version, modRevision, createRevision, leaseId }: Change): string {
  if (value === null) return `${key} deleted @${modRevision}`
  const lease = leaseId === 0n ? '' : ` lease ${leaseId.toString(16)}`
  return `${key}=${value} v${version} c${createRevision} m${modRevision}${lease}`
}
