/**
 * Everything known to be true of the store under test, round after round. `settle` takes what the
 * clients did and what the store shows, and finds the one place of every operation in the store's
 * own order of revisions: acknowledged ones at the revision they were told, with the answer they
 * were given; cut-off ones anywhere or nowhere, but whole; reads at the revision they name.
 */

import { strict as assert } from 'node:assert'
import type { Change } from './answers.js'
import { describeEntry, type Entry } from './journal.js'
import { LeaseLedger } from './lease-ledger.js'
import { eventText, ModelStore, sameEvents, type Draft } from './model-store.js'
import { isKvOp } from './operation.js'

export interface Observed {
  /** Every change from the revision after the last settled one on, without a gap. */
  readonly changes: readonly Change[]
  readonly revision: number
}

type KvEntry = Entry & { readonly op: Parameters<ModelStore['draft']>[0] }

export class Ledger {
  readonly leases = new LeaseLedger()
  /** The store at the last settled revision. */
  readonly model = new ModelStore()
  /** Changes behind `base`, up to the settled revision. */
  window: Change[] = []
  /** The store before the window. */
  readonly base = new ModelStore()
  settledWrites = 0
  settledReads = 0
  survivedCutOff = 0
  /** An operation takes effect above every revision that was told before it was asked for. */
  #seenBefore = new Map<KvEntry, number>()

  settle(entries: readonly Entry[], observed: Observed): void {
    this.leases.note(entries)
    const kv = entries.filter((entry): entry is KvEntry => isKvOp(entry.op))
    checkRealTime(kv)
    const answered = kv.filter((entry) => entry.outcome.kind === 'answered')
    const pending = new Set(kv.filter((entry) => entry.outcome.kind === 'unknown'))
    this.#seenBefore = revisionsSeenBefore([...pending], answered)
    const atRevision = groupByRevision(answered)
    this.#checkReads(atRevision)
    for (const change of observed.changes) {
      assert.equal(change.revision, this.model.revision + 1, 'revisions are continuous')
      this.#settleChange(change, atRevision, pending)
      this.window.push(change)
      this.#checkReads(atRevision)
    }
    assert.equal(this.model.revision, observed.revision, 'the changes lead to the present')
    for (const [revision, lost] of atRevision) {
      if (lost.length > 0)
        assert.fail(`acknowledged at ${revision}, now at ${observed.revision}: ${describeAll(lost)}`)
    }
  }

  /** Forgets what lies before this revision. */
  advanceBase(revision: number): void {
    let count = 0
    for (const change of this.window) {
      if (change.revision > revision) break
      this.base.apply(change.revision, change.events)
      count++
    }
    this.window = this.window.slice(count)
  }

  /** One revision's events belong to exactly one acknowledged, cut-off or lease-ending act. */
  #settleChange(change: Change, atRevision: Map<number, KvEntry[]>, pending: Set<KvEntry>): void {
    const { revision, events } = change
    const candidates = atRevision.get(revision) ?? []
    const drafted = candidates.map((entry): [KvEntry, Draft] => [entry, this.model.draft(entry.op)])
    const found = drafted.find(([, draft]) => sameEvents(draft.events, events))
    if (found !== undefined) {
      checkAnswer(found[0], found[1])
      candidates.splice(candidates.indexOf(found[0]), 1)
      this.settledWrites++
    } else {
      // An acknowledged write whose effect differs would show up as a read that does not fit.
      const cutOff = [...pending].find(
        (entry) =>
          (this.#seenBefore.get(entry) ?? 0) < revision &&
          sameEvents(this.model.draft(entry.op).events, events),
      )
      if (cutOff !== undefined) {
        pending.delete(cutOff)
        this.survivedCutOff++
      } else if (!this.leases.explains(events, this.model)) {
        assert.fail(
          `revision ${revision} is no one's: ${events.map(eventText).join('; ')}\n` +
            `acknowledged there: ${describeAll(candidates)}\n` +
            `cut off: ${describeAll([...pending])}`,
        )
      }
    }
    this.model.apply(revision, events)
  }

  /** What was answered at the present revision without writing must be true of it. */
  #checkReads(atRevision: Map<number, KvEntry[]>): void {
    const { revision } = this.model
    const entries = atRevision.get(revision)
    if (entries === undefined) return
    const left = entries.filter((entry) => {
      const draft = this.model.draft(entry.op)
      if (draft.events.length > 0) return true
      checkAnswer(entry, draft)
      this.settledReads++
      return false
    })
    if (left.length > 0) assert.fail(`acknowledged at ${revision} but without effect: ${describeAll(left)}`)
    atRevision.delete(revision)
  }
}

function checkAnswer(entry: KvEntry, draft: Draft): void {
  const { outcome } = entry
  assert(outcome.kind === 'answered')
  assert.deepEqual(outcome.answer, draft.answer, `the answer of ${describeEntry(entry)}`)
}

/**
 * What was answered before another operation began has no later place; two writes never share one.
 */
function checkRealTime(entries: readonly KvEntry[]): void {
  const answered = entries.filter((entry) => entry.outcome.kind === 'answered')
  const byReturn = answered.toSorted((a, b) => a.returnedAt - b.returnedAt)
  const byCall = answered.toSorted((a, b) => a.invokedAt - b.invokedAt)
  let latest: KvEntry | undefined
  let next = 0
  for (const entry of byCall) {
    for (; (byReturn[next]?.returnedAt ?? Infinity) < entry.invokedAt; next++) {
      const before = byReturn[next] as KvEntry
      if (latest === undefined || revisionOf(before) > revisionOf(latest)) latest = before
    }
    if (latest !== undefined && revisionOf(latest) > revisionOf(entry))
      assert.fail(`back in time:\n${describeEntry(latest)}\n${describeEntry(entry)}`)
  }
}

/** For each cut-off operation the highest revision that any client had been told when it was asked for. */
function revisionsSeenBefore(
  cutOff: readonly KvEntry[],
  answered: readonly KvEntry[],
): Map<KvEntry, number> {
  return new Map(
    cutOff.map((entry) => {
      const before = answered.filter(({ returnedAt }) => returnedAt < entry.invokedAt)
      return [entry, before.reduce((highest, told) => Math.max(highest, revisionOf(told)), 0)]
    }),
  )
}

function groupByRevision(entries: readonly KvEntry[]): Map<number, KvEntry[]> {
  const groups = new Map<number, KvEntry[]>()
  for (const entry of entries) {
    const group = groups.get(revisionOf(entry))
    if (group === undefined) groups.set(revisionOf(entry), [entry])
    else group.push(entry)
  }
  return groups
}

function revisionOf(entry: Entry): number {
  assert(entry.outcome.kind === 'answered')
  return entry.outcome.revision
}

function describeAll(entries: readonly Entry[]): string {
  return entries.length === 0 ? 'nothing' : entries.slice(0, 12).map(describeEntry).join('\n  ')
}
