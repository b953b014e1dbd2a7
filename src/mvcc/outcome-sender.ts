/**
 * Says what a committed batch did, in the order that lets nobody see an effect before its cause (docs/ARCHITECTURE.md):
 *
 * 1. lease, auth and member facts, published: whoever names an applied index finds every fact up to it in its ring;
 * 2. the event log's tail, then the current and compact revision;
 * 3. the applied index: from here on reads and watches may rely on the batch;
 * 4. what became of a change of members, to raft, which waits for it; then answers to those who asked.
 *
 * A full ring stops it where it stands; it goes on in a later turn, and no entry is taken meanwhile.
 *
 * Answers alone may go before the batch is committed, see messages/told-early.ts, where there is nothing to tell but
 * them.
 */

import { assert } from '../base/assert.js'
import { tellCompactions } from '../messages/compaction-hashes.js'
import { Word } from '../messages/shared-words.js'
import { TOLD_EARLY, tellEarly } from '../messages/told-early.js'
import { storeMarks } from '../messages/state-marks.js'
import { EntryType } from '../proto/generated/raftpb.js'
import type { ApplyTransaction } from './apply/apply-transaction.js'
import type { BatchEntry, EntryBatch } from './apply/entry-batch.js'
import { tellMembership } from './members/member-facts.js'
import type { MvccContext } from './mvcc-context.js'

export class OutcomeSender {
  readonly #context: MvccContext
  readonly #batch: EntryBatch
  readonly #transaction: ApplyTransaction
  #isOpen = false
  #areWordsStored = false
  #answered = 0
  #compactRevision = -1
  #alarmBits = 0
  /** Index of the last configuration entry whose outcome raft has. */
  #raftTold = 0
  /** Entries up to here have their answer, whether or not they are committed. */
  #answeredEarly = 0

  constructor(context: MvccContext, batch: EntryBatch, transaction: ApplyTransaction) {
    this.#context = context
    this.#batch = batch
    this.#transaction = transaction
  }

  /** True while a committed batch has not been told to everyone. */
  get owes(): boolean {
    return this.#isOpen
  }

  /**
   * The batch is applied, and wal syncs its last entries: fronts are given answers that they send when it has, and wal
   * wakes them. What finds no room is answered like any other.
   */
  answerEarly(alarmBits: number): void {
    const batch = this.#batch
    const { fronts, words, publishToFronts, ringFronts } = this.#context
    const first = batch.at(0).index
    if (first <= this.#answeredEarly || words.load(Word.durableIndex) >= first) return
    if (!this.#isAnswersOnly(alarmBits)) return
    let count = 0
    while (count < batch.length && !batch.at(count).isReadBack) count++
    if (count === 0) return
    // Before any front can be asked about what it was told.
    const last = batch.at(count - 1)
    tellEarly(words, last.index, last.revision)
    for (let i = 0; i < count; i++) {
      const entry = batch.at(i)
      const front = fronts[entry.front]
      entry.flags |= TOLD_EARLY
      if (front !== undefined && !front.applied(entry)) break
      this.#answeredEarly = entry.index
      if (front !== undefined) words.store(Word.answeredEarly + entry.front, entry.index)
    }
    publishToFronts()
    // Wal looks for fronts to wake after it has stored this; so it missed them if it is there by now.
    if (words.load(Word.durableIndex) >= first) ringFronts()
  }

  /** The batch is committed. */
  open(alarmBits: number): void {
    assert(!this.#isOpen, 'one batch at a time is told')
    this.#isOpen = true
    this.#alarmBits = alarmBits
    this.#areWordsStored = false
    this.#answered = 0
  }

  /** True when everything is told and the batch may be cleared. */
  send(): boolean {
    assert(this.#isOpen, 'there is a batch to tell')
    if (!this.#areWordsStored) {
      if (!this.#sendLeaseFacts() || !this.#sendAuthFacts() || !this.#sendMemberFacts()) return false
      this.#storeWords()
      this.#areWordsStored = true
    }
    if (!this.#sendAnswers()) return false
    this.#isOpen = false
    return true
  }

  #sendLeaseFacts(): boolean {
    const { lease, publish } = this.#context
    const { facts } = this.#transaction
    if (facts.isEmpty) return true
    const sent = facts.send(lease) && lease.toldUpTo({ index: this.#batch.last.index })
    publish()
    return sent
  }

  #sendAuthFacts(): boolean {
    const { fronts, publish } = this.#context
    const { auth } = this.#transaction
    if (auth.isEmpty) return true
    const sent = auth.send(fronts)
    publish()
    return sent
  }

  /** Once: `membership` is taken out when everybody has it. */
  #sendMemberFacts(): boolean {
    const { members } = this.#transaction
    const { membership } = members
    if (membership === null) return true
    if (!tellMembership(this.#context, membership)) return false
    members.clear()
    return true
  }

  #storeWords(): void {
    const { words, eventLog } = this.#context
    const { revision, compactRevision, compactions } = this.#transaction
    const hasEvents = eventLog.hasUnpublished
    eventLog.publish()
    words.store(Word.currentRevision, revision)
    if (compactions.length > 0) {
      tellCompactions(words, compactions)
      this.#context.ringFronts()
    }
    if (compactRevision !== this.#compactRevision) {
      this.#compactRevision = compactRevision
      words.store(Word.compactRevision, compactRevision)
    }
    if (this.#alarmBits !== words.load(Word.alarms)) {
      words.store(Word.alarms, this.#alarmBits)
      this.#context.ringFronts()
    }
    storeMarks(words, this.#transaction.marks)
    const applied = this.#batch.last.index
    words.store(Word.appliedIndex, applied)
    this.#wake(applied, hasEvents)
  }

  /**
   * A waiter stores its word, looks at the applied index again and parks; so its word is looked at after the store.
   */
  #wake(applied: number, hasEvents: boolean): void {
    const { words, fronts, ringFronts, ringWatchers } = this.#context
    if (hasEvents && words.load(Word.watcherCount) > 0) ringWatchers()
    for (let front = 0; front < fronts.length; front++) {
      if (words.load(Word.appliedWanted + front) > applied) continue
      ringFronts()
      return
    }
  }

  #sendAnswers(): boolean {
    const { fronts } = this.#context
    const batch = this.#batch
    for (; this.#answered < batch.length; this.#answered++) {
      const entry = batch.at(this.#answered)
      if (entry.type !== EntryType.EntryNormal && !this.#tellRaft(entry)) return false
      if (entry.front < 0 || entry.index <= this.#answeredEarly) continue
      const front = fronts[entry.front]
      assert(front !== undefined, 'a front that does not exist asked')
      if (!front.applied(entry)) return false
    }
    return true
  }

  /** What others than those who asked have to hear they hear before the answers, so these go after the commit. */
  #isAnswersOnly(alarmBits: number): boolean {
    const { facts, auth, members, compactions } = this.#transaction
    return facts.isEmpty && auth.isEmpty && members.membership === null && compactions.length === 0 &&
      alarmBits === this.#context.words.load(Word.alarms)
  }

  #tellRaft(entry: BatchEntry): boolean {
    if (this.#raftTold >= entry.index) return true
    if (!this.#context.raft.confApplied({ index: entry.index, ok: entry.error === 0 ? 1 : 0 })) return false
    this.#raftTold = entry.index
    return true
  }
}
