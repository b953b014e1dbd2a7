/**
 * Reads on this thread, from a snapshot of the store: no actor is asked. Linearizable ones wait for their index first
 * (docs/ARCHITECTURE.md): all that arrived before a turn share one look at the commit word, and are served together
 * from one snapshot once the applied word has reached it. A read never joins a ticket that was stamped before it
 * arrived.
 *
 * `Word.commitAndSolo` says in one word how far the log is committed and whether this member may answer from that
 * alone. Where it may not, raft is asked for the index (read-batch.ts).
 *
 * Of writes that are answered before the store has them (messages/told-early.ts) every read waits for those that
 * anybody may have been told of.
 */

import { assert } from '../../base/assert.js'
import { NOTHING_WANTED, Word, frontReader } from '../../messages/shared-words.js'
import { toldIndex } from '../../messages/told-early.js'
import { counters, snapshotSince } from '../../metrics/counter-catalogue.js'
import { KeyspaceView } from '../../keyspace/keyspace-view.js'
import { AlarmBit } from '../../keyspace/tables/alarm-table.js'
import type { MemberRecord } from '../../cluster/member-record.js'
import { readClusterVersion, readMembers } from '../../cluster/membership-table.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import { GenerationReader } from '../../store/generations/generation-reader.js'
import type { ReadSnapshot } from '../../store/store.js'
import type { FrontContext } from '../front-context.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import { ReadRuns, type ReadTimes } from '../requests/read-times.js'
import { RangeMeter } from './range-meter.js'
import { ReadBatch, type StampedReads } from './read-batch.js'

/** Something to answer from a snapshot. `run` is called once, inside a turn; `ReadPath.view` is what it reads. */
export interface ReadTask {
  /** Who asks; null for the member itself. */
  readonly call: GrpcCall | null
  run(): void
  /** Instead of `run` when its time is up; a call is failed without it. */
  expire?(): void
}

/**
 * Reads that wait for their index. Above this a front refuses more; requests waiting elsewhere are bounded by their
 * own table.
 */
export const READS_WAITING_MAX = 65_536

export class ReadPath {
  readonly #context: FrontContext
  readonly #times: ReadTimes | null
  readonly #file: GenerationReader
  #snapshot: ReadSnapshot | null = null
  #view: KeyspaceView | null = null
  #isViewFresh = false
  /** Counts the ranges that are read here. */
  readonly ranges: RangeMeter
  #openedMs = 0
  /** Heard since the last look at the commit word. */
  #arrived: ReadTask[] = []
  #arrivedSinceMs = Infinity
  #arrivedRuns = new ReadRuns()
  /** Have their index, in the order in which they got it. */
  readonly #tickets: StampedReads[] = []
  readonly #asked: ReadBatch
  /** Answers of what is applied: their writes are in any snapshot. */
  #answers: ReadTask[] = []
  /** Need no index, only a snapshot newer than what this front was told; so one where the store is behind that. */
  #fresh: ReadTask[] = []
  #freshRuns = new ReadRuns()
  #waiting = 0
  #wanted = NOTHING_WANTED

  constructor(context: FrontContext, times: ReadTimes | null = null) {
    this.#context = context
    this.#times = times
    this.#file = new GenerationReader(
      context.words, frontReader(context.index), context.openStore, context.recentRows,
    )
    this.ranges = new RangeMeter(context.counters)
    this.#asked = new ReadBatch(context.raft, context.index)
  }

  get isFull(): boolean {
    return this.#waiting >= READS_WAITING_MAX
  }

  /** The error that all reads of keys get from a member that is known to have gone its own way; 0 otherwise. */
  get refusal(): number {
    return this.#context.words.hasAny(Word.alarms, AlarmBit.selfCorrupt) ? etcdErrors.corrupt.id : 0
  }

  get isIdle(): boolean {
    return this.#waiting === 0
  }

  /** The read that is handed in next is a client's, and its stages are measured. */
  measureNext(isSerializable: boolean, heardMs: number, authMs: number): void {
    const runs = isSerializable ? this.#freshRuns : this.#arrivedRuns
    runs.add(heardMs, authMs)
  }

  /** Runs the task once everything committed before now is applied here. */
  linearizable(task: ReadTask, nowMs: number): void {
    if (this.#arrived.length === 0) this.#arrivedSinceMs = nowMs
    this.#arrived.push(task)
    this.#waiting++
  }

  /**
   * Runs the task in this turn's or the next turn's snapshot, which holds everything this front was told is applied.
   */
  whenFresh(task: ReadTask): void {
    this.#fresh.push(task)
    this.#waiting++
  }

  /** Runs the task in this turn's snapshot. What it reads was applied before this front heard of it. */
  answer(task: ReadTask): void {
    this.#answers.push(task)
    this.#waiting++
  }

  /** The snapshot of this turn. Only inside a task. */
  view(): KeyspaceView {
    assert(this.#snapshot !== null, 'a snapshot is open while tasks run')
    if (this.#view !== null && this.#isViewFresh) return this.#view
    this.#isViewFresh = true
    if (this.#view === null) this.#view = new KeyspaceView(this.#snapshot)
    else this.#view.reset(this.#snapshot)
    return this.#view
  }

  /** What the store itself says in this turn's snapshot. */
  store(): ReadSnapshot {
    assert(this.#snapshot !== null, 'a snapshot is open while tasks run')
    return this.#snapshot
  }

  /** What the cluster has agreed on in this turn's snapshot, such as 3.7.0; null before that. */
  clusterVersion(): string | null {
    assert(this.#snapshot !== null, 'a snapshot is open while tasks run')
    return readClusterVersion(this.#snapshot)
  }

  /** The members of the cluster in this turn's snapshot, sorted by id. */
  members(): MemberRecord[] {
    assert(this.#snapshot !== null, 'a snapshot is open while tasks run')
    return readMembers(this.#snapshot)
  }

  /** True if a read that waits could go on. */
  awaitedWordCame(): boolean {
    if (this.#answers.length > 0 || this.#fresh.length > 0 || this.#file.isStale) return true
    const { words } = this.#context
    if (this.#arrived.length > 0 && words.load(Word.commitAndSolo) % 2 === 1) return true
    const ticket = this.#tickets[0]
    return ticket !== undefined && words.load(Word.appliedIndex) >= ticket.index
  }

  /** Serves all reads whose index has come, in a turn that began at `nowMs`. Returns how much was done. */
  serve(nowMs: number): number {
    if (this.#waiting === 0) return this.#file.release()
    const { config, counters: counted } = this.#context
    this.#stampArrived(nowMs)
    const applied = this.#context.words.load(Word.appliedIndex)
    this.#stampFresh(applied, nowMs)
    const isDue = this.#answers.length > 0 || this.#fresh.length > 0 ||
      (this.#tickets[0] !== undefined && this.#tickets[0].index <= applied)
    let served = 0
    // A store that was replaced is let go of even while reads wait: it is work that this thread would not sleep over.
    const released = isDue ? 0 : this.#file.release()
    if (isDue) {
      this.#openSnapshot()
      const answers = this.#answers
      this.#answers = []
      served += this.#run(answers)
      while (this.#tickets[0] !== undefined && this.#tickets[0].index <= applied) {
        const { tasks, sinceMs, runs, takenMs } = this.#tickets.shift() as StampedReads
        if (this.#openedMs - sinceMs > config.electionMs) counted.add(counters.slowReadIndexes, tasks.length)
        served += this.#run(tasks)
        this.#times?.onServed(runs, takenMs, this.#openedMs)
      }
      const fresh = this.#fresh
      this.#fresh = []
      this.#serveFreshRuns(nowMs)
      served += this.#run(fresh)
      if (this.ranges.hasCounted) this.ranges.endSnapshot(this.#context.clock.nowMs() - this.#openedMs, served)
      this.#closeSnapshot()
    }
    this.#announceWanted()
    this.#waiting -= served
    return served + released
  }

  /** Raft's answer to a ticket of this front. */
  onReady(ticket: number, index: number): void {
    const stamped = this.#asked.onReady(ticket, index)
    if (stamped !== null) this.#tickets.push(stamped)
  }

  /** There is another leader: takes out the reads whose ticket it has not seen, which etcd fails. */
  onLeaderChanged(): ReadTask[] {
    const tasks = this.#asked.take()
    this.#waiting -= tasks.length
    return tasks
  }

  /** Takes out the reads that have waited longer than `patienceMs`. */
  expired(nowMs: number, patienceMs: number): ReadTask[] {
    const expired: ReadTask[] = []
    while (this.#tickets[0] !== undefined && nowMs >= this.#tickets[0].sinceMs + patienceMs) {
      expired.push(...(this.#tickets.shift() as StampedReads).tasks)
    }
    if (nowMs >= this.#asked.sinceMs + patienceMs) expired.push(...this.#asked.take())
    if (nowMs >= this.#arrivedSinceMs + patienceMs) {
      expired.push(...this.#arrived)
      this.#arrived = []
      this.#arrivedRuns = new ReadRuns()
      this.#arrivedSinceMs = Infinity
    }
    if (expired.length === 0) return expired
    this.#waiting -= expired.length
    this.#announceWanted()
    return expired
  }

  /** When the read that has waited longest runs out of patience, or a ticket must be sent again. */
  wakeAtMs(patienceMs: number): number {
    const sinceMs = Math.min(this.#tickets[0]?.sinceMs ?? Infinity, this.#arrivedSinceMs, this.#asked.sinceMs)
    return Math.min(sinceMs + patienceMs, this.#asked.retryAtMs)
  }

  close(): void {
    this.#closeSnapshot()
    this.#file.close()
  }

  #serveFreshRuns(nowMs: number): void {
    if (this.#freshRuns.isEmpty) return
    this.#times?.onServed(this.#freshRuns, nowMs, this.#openedMs)
    this.#freshRuns = new ReadRuns()
  }

  #stampArrived(nowMs: number): void {
    this.#asked.retry(nowMs)
    if (this.#arrived.length === 0) return
    const reads = {
      sinceMs: this.#arrivedSinceMs, tasks: this.#arrived, runs: this.#arrivedRuns, takenMs: nowMs,
    }
    // One load gives both halves: a commit index from before this member lost its right to answer alone is not taken.
    const commitAndSolo = this.#context.words.load(Word.commitAndSolo)
    if (commitAndSolo % 2 === 1) {
      const index = Math.max(Math.floor(commitAndSolo / 2), toldIndex(this.#context.words))
      this.#tickets.push({ index, ...reads })
    } else if (this.#asked.isEmpty && this.#context.words.loadId(Word.leaderId) !== 0n) this.#asked.open(reads, nowMs)
    else return
    this.#arrivedRuns = new ReadRuns()
    this.#arrived = []
    this.#arrivedSinceMs = Infinity
  }

  /** A client that was answered early may ask here for what the store has not committed yet. */
  #stampFresh(applied: number, nowMs: number): void {
    if (this.#fresh.length === 0) return
    const index = toldIndex(this.#context.words)
    if (index <= applied) return
    this.#tickets.push({ index, sinceMs: nowMs, tasks: this.#fresh, runs: this.#freshRuns, takenMs: nowMs })
    this.#fresh = []
    this.#freshRuns = new ReadRuns()
  }

  #run(tasks: ReadTask[]): number {
    for (const task of tasks) task.run()
    return tasks.length
  }

  #openSnapshot(): void {
    this.#snapshot = this.#file.beginRead()
    this.#context.counters.set(counters.openSnapshots, 1)
    this.#openedMs = this.#context.clock.nowMs()
    this.#context.counters.set(snapshotSince, this.#openedMs)
    this.#isViewFresh = false
  }

  #closeSnapshot(): void {
    this.#snapshot?.close()
    this.#snapshot = null
    this.#context.counters.set(counters.openSnapshots, 0)
    this.#context.counters.set(snapshotSince, 0)
    this.#isViewFresh = false
  }

  /** mvcc wakes this front when the applied index reaches this word. */
  #announceWanted(): void {
    const wanted = this.#tickets[0]?.index ?? NOTHING_WANTED
    if (wanted === this.#wanted) return
    this.#wanted = wanted
    this.#context.words.store(Word.appliedWanted + this.#context.index, wanted)
  }
}
