/**
 * Facts that only their one writer changes and that others poll: they are words of shared memory, not messages, so that
 * no ring fills up with them. A word says when a snapshot of the store is new enough; what a client is told comes from
 * the snapshot.
 */

import { FRONTS_MAX, WATCH_WORKERS_MAX } from '../config/limits.js'

/** Where the words begin that there is one of for each front or thread. */
const FRONT_WORDS = 32
/** Readers that each have a word at `generationUsed`. */
export const GENERATION_READERS = 2 * FRONTS_MAX + WATCH_WORKERS_MAX + 1

/** State marks that are kept. */
export const STATE_MARK_WORDS = 64
/** Compactions that are remembered, and hashes of such. */
export const COMPACTION_WORDS = 32
export const COMPACTION_HASHES_KEPT = 10

/** Each word has one writing actor. All hold integers below 2^53 unless said otherwise. */
export const Word = Object.freeze({
  /** mvcc: the last applied index, stored after the store's commit and after the event log's tail. */
  appliedIndex: 0,
  /**
   * raft: commit index * 2, plus 1 while this member may answer linearizable reads from commit alone (one voter,
   * leading, own term committed).
   */
  commitAndSolo: 1,
  /** raft: current term. */
  term: 2,
  /** raft: 64-bit id of the leader, 0 when none. */
  leaderId: 3,
  /** mvcc: revision after the last commit. */
  currentRevision: 4,
  /** mvcc: size of the store file in bytes. */
  dbSizeBytes: 5,
  /** mvcc: bytes of pages in use. */
  dbInUseBytes: 6,
  /** mvcc: number of the store generation that readers should have open. */
  storeGeneration: 7,
  /** mvcc: event log positions, see keyspace's event log. */
  eventLogTail: 8,
  eventLogFloor: 9,
  /** watch: live watchers over all workers; while 0 mvcc need not wake them. Written by adding. */
  watcherCount: 10,
  /** raft: last log index, for status pages. */
  lastIndex: 11,
  /** mvcc: wall-clock ms of the last finished checkpoint. */
  checkpointWallMs: 12,
  /** mvcc: the revision compacted to, logically. */
  compactRevision: 13,
  /** mvcc: the revision up to which compaction has removed what it may. */
  compactedPhysically: 14,
  /** lease: how far the lease clock stands from the machine's monotonic clock, whole ms, may be negative. */
  leaseClockOffsetMs: 15,
  /**
   * mvcc: auth revision * 2, plus 1 while auth is enabled. Stored before the commit that changes it: a snapshot is
   * never newer than the word. 0 until the store was looked at.
   */
  authStamp: 16,
  /** mvcc: bits of the alarms that are active on any member, see keyspace/tables/alarm-table.ts. */
  alarms: 17,
  /** fronts: how often a smaller store file was asked for. Written by adding. */
  shrinkAsked: 18,
  /** mvcc: so many of these have been answered, and this many when the last attempt found no space. */
  shrinkAnswered: 19,
  shrinkFailed: 20,
  /** wal: the last entry on this member's disk; it goes back when a leader replaces entries. */
  durableIndex: 21,
  /**
   * raft: entries up to here are committed as soon as they are on this member's disk, because it was the only voter
   * when they were ordered. What mvcc is given above it is committed already.
   */
  commitsWhenDurable: 22,
  /** raft: how often this member has found that there is a leader, another one or again. Stored after `leaderId`. */
  leadersSeen: 23,
  /** mvcc: 1 while this member is a learner, as of the applied index. */
  isLearner: 24,
  /**
   * raft: entries from here on may be applied before they are on this member's own disk, because others have them on
   * theirs; 0 when there are none. Stored before mvcc is given the first of them.
   */
  notOnDiskFrom: 25,
  /** mvcc: how many compactions it has written down, see compaction-hashes.ts. */
  compactionsMade: 26,
  /** The first front: physical compaction must keep what the hash of the next compaction needs. */
  hashFloor: 27,
  /** wal: mvcc may apply entries up to here while wal syncs them, which are few and of one sync. */
  applyWhileSyncing: 28,
  /** mvcc: see told-early.ts. */
  toldEarly: 29,
  toldEarlyRevision: 30,
  /** front f: wakes when the applied index reaches this; 2^53 - 1 when it waits for nothing. */
  appliedWanted: FRONT_WORDS,
  /** front f: physical compaction must keep what a read at this revision needs; 2^53 - 1 when it reads nothing. */
  readFloor: FRONT_WORDS + FRONTS_MAX,
  /** supervisor: 1 once this thread should drain and end. Thread t at stopRequested + t. */
  stopRequested: FRONT_WORDS + 2 * FRONTS_MAX,
  /** front f: wakes when the physical compaction word reaches this. */
  compactedWanted: FRONT_WORDS + 3 * FRONTS_MAX,
  /**
   * fronts, then watch workers, then jobs of fronts, then who makes images for members: the store generation that it
   * has open, 0 for none.
   */
  generationUsed: FRONT_WORDS + 4 * FRONTS_MAX,
  /** mvcc: the newest entry whose answer front f was given before it is durable. */
  answeredEarly: FRONT_WORDS + 4 * FRONTS_MAX + GENERATION_READERS,
  /** mvcc: the newest state marks, see state-marks.ts. */
  stateMarks: FRONT_WORDS + 5 * FRONTS_MAX + GENERATION_READERS,
  /** mvcc: the newest compactions, and the first front: their hashes; see compaction-hashes.ts. */
  compactions: FRONT_WORDS + 5 * FRONTS_MAX + GENERATION_READERS + STATE_MARK_WORDS,
  compactionHashes: FRONT_WORDS + 5 * FRONTS_MAX + GENERATION_READERS + STATE_MARK_WORDS + COMPACTION_WORDS,
})

export function frontReader(front: number): number {
  return Word.generationUsed + front
}

export function watchReader(worker: number): number {
  return Word.generationUsed + FRONTS_MAX + worker
}

/** What a front has others read for it. */
export function jobReader(front: number): number {
  return Word.generationUsed + FRONTS_MAX + WATCH_WORKERS_MAX + front
}

/** Who makes images of the store for other members. */
export function imageReader(): number {
  return Word.generationUsed + GENERATION_READERS - 1
}

export const NOTHING_WANTED = Number.MAX_SAFE_INTEGER

const WORD_COUNT = Word.compactionHashes + 3 * COMPACTION_HASHES_KEPT
/** One cache line pair for each word: their writers are different threads. */
const WORD_STRIDE = 16

export function allocateWords(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(WORD_COUNT * WORD_STRIDE * 8)
  const words = new SharedWords(memory)
  words.store(Word.hashFloor, NOTHING_WANTED)
  for (let front = 0; front < FRONTS_MAX; front++) {
    words.store(Word.appliedWanted + front, NOTHING_WANTED)
    words.store(Word.readFloor + front, NOTHING_WANTED)
    words.store(Word.compactedWanted + front, NOTHING_WANTED)
  }
  return memory
}

export class SharedWords {
  readonly memory: SharedArrayBuffer
  readonly #words: BigInt64Array
  readonly #halves: Int32Array

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.#words = new BigInt64Array(memory)
    this.#halves = new Int32Array(memory)
  }

  load(word: number): number {
    return Number(Atomics.load(this.#words, word * WORD_STRIDE))
  }

  /** Whether a word is odd, for those that hold a switch: cheaper than `load`. The word is not negative. */
  isOdd(word: number): boolean {
    return (Atomics.load(this.#halves, 2 * word * WORD_STRIDE) & 1) === 1
  }

  /** Whether a word of flags has any of these bits, which are among its low 31: cheaper than `load`. */
  hasAny(word: number, bits: number): boolean {
    return (Atomics.load(this.#halves, 2 * word * WORD_STRIDE) & bits) !== 0
  }

  store(word: number, value: number): void {
    Atomics.store(this.#words, word * WORD_STRIDE, BigInt(value))
  }

  /** Wakes threads that sleep in `awaitAtLeast` for this word. */
  notify(word: number): void {
    Atomics.notify(this.#words, word * WORD_STRIDE)
  }

  /** On a thread that may block: sleeps until a word that only grows has reached `value`. False after `timeoutMs`. */
  awaitAtLeast(word: number, value: number, timeoutMs: number): boolean {
    const at = word * WORD_STRIDE
    let isLate = false
    for (;;) {
      const seen = Atomics.load(this.#words, at)
      if (Number(seen) >= value) return true
      if (isLate) return false
      isLate = Atomics.wait(this.#words, at, seen, timeoutMs) === 'timed-out'
    }
  }

  /** For words that hold a 64-bit id. */
  loadId(word: number): bigint {
    return BigInt.asUintN(64, Atomics.load(this.#words, word * WORD_STRIDE))
  }

  storeId(word: number, id: bigint): void {
    Atomics.store(this.#words, word * WORD_STRIDE, BigInt.asIntN(64, id))
  }

  /** For a word that several threads change by differences. */
  add(word: number, difference: number): void {
    Atomics.add(this.#words, word * WORD_STRIDE, BigInt(difference))
  }
}
