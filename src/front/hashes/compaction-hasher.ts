/**
 * Hashes the keys for every compaction, as etcd does while it removes what is compacted: what members compare and what
 * HashKV answers for that revision later. Only the first front does, with rests between slices, so that clients have
 * most of its time.
 *
 * Until the hash of a compaction is made, a floor word keeps what it needs. The word always stands at the newest
 * compact revision that was dealt with, so it is there before the next compaction is.
 *
 * Where members compare these hashes the removal waits for them. Elsewhere it waits half a second: a store that many
 * write to must be compacted faster than it can be hashed.
 */

import type { Clock } from '../../base/clock.js'
import { compactionStep, storeCompactionHash, type CompactionStep } from '../../messages/compaction-hashes.js'
import { Word, type SharedWords } from '../../messages/shared-words.js'
import type { Logger } from '../../metrics/logger.js'
import type { ReadPath } from '../kv/read-path.js'
import { HASH_MS_MAX } from './hash-job.js'
import { KeyspaceHasher } from './keyspace-hasher.js'

export interface CompactionHasherContext {
  readonly words: SharedWords
  readonly clock: Clock
  readonly logger: Logger
  readonly config: { readonly gates: { readonly CompactHashCheck: boolean } }
  /** The floor has moved. */
  readonly ringMvcc: () => void
}

/** Half a millisecond, about: nobody waits for this. */
const SLICE_ROWS = 128
/** After each slice so many times as long as it took; at this pace etcd looks through what it compacts, too. */
const REST_SHARE = 3
/** What takes longer than this is given up, or goes on in larger slices with shorter rests. */
const UNHURRIED_MS = 500
const HURRIED_ROWS = 1024
const HURRIED_REST_SHARE = 1

interface Work {
  readonly number: number
  readonly step: CompactionStep
  readonly hasher: KeyspaceHasher
  readonly startedMs: number
  readonly giveUpAtMs: number
}

export class CompactionHasher {
  readonly #context: CompactionHasherContext
  readonly #reads: Pick<ReadPath, 'isFull' | 'view' | 'whenFresh'>
  /** Compactions that need no more attention. */
  #done = 0
  #work: Work | null = null
  #isReading = false
  #sliceAtMs = Infinity

  constructor(context: CompactionHasherContext, reads: Pick<ReadPath, 'isFull' | 'view' | 'whenFresh'>) {
    this.#context = context
    this.#reads = reads
  }

  /** There is a compaction that it has not seen yet. */
  get isDue(): boolean {
    return this.#work === null && this.#context.words.load(Word.compactionsMade) !== this.#done
  }

  get dueAtMs(): number {
    return this.#sliceAtMs
  }

  /** Returns how much there was to do. */
  advance(nowMs: number): number {
    if (this.#work === null) this.#findWork(nowMs)
    if (this.#work === null || this.#isReading || nowMs < this.#sliceAtMs || this.#reads.isFull) return 0
    this.#isReading = true
    this.#reads.whenFresh({ call: null, run: () => this.#slice(this.#work as Work) })
    return 1
  }

  #findWork(nowMs: number): void {
    const { words } = this.#context
    const made = words.load(Word.compactionsMade)
    if (made === this.#done) return
    let floor = -1
    while (this.#done < made) {
      const number = ++this.#done
      const step = compactionStep(words, number)
      // Too far behind to know it, or nothing but the beginning of a store.
      if (step === null) continue
      floor = step.from
      if (step.from === step.to) continue
      const hasher = new KeyspaceHasher(step.to, step.from, true)
      this.#work = { number, step, hasher, startedMs: nowMs, giveUpAtMs: nowMs + HASH_MS_MAX }
      this.#sliceAtMs = nowMs
      break
    }
    this.#keep(floor)
  }

  #slice(work: Work): void {
    const { clock, config, logger, words } = this.#context
    const { number, step, hasher, startedMs, giveUpAtMs } = work
    const startMs = clock.nowMs()
    const isHurried = startMs - startedMs > UNHURRIED_MS
    this.#isReading = false
    const view = this.#reads.view()
    if (hasher.isCutOff(view) || startMs >= giveUpAtMs || (isHurried && !config.gates.CompactHashCheck)) {
      // A compaction that was made before this front began, or a slow one.
      logger.debug('front', 'a compaction is not hashed', { 'compact-revision': step.to })
      this.#end(step)
      return
    }
    if (hasher.slice(view, isHurried ? HURRIED_ROWS : SLICE_ROWS)) {
      storeCompactionHash(words, number, hasher.result)
      logger.debug('front', 'stored the hash of a compaction', { ...hasher.result })
      this.#end(step)
      return
    }
    const endMs = clock.nowMs()
    this.#sliceAtMs = endMs + (isHurried ? HURRIED_REST_SHARE : REST_SHARE) * (endMs - startMs)
  }

  #end({ to }: CompactionStep): void {
    this.#work = null
    this.#sliceAtMs = Infinity
    this.#keep(to)
  }

  #keep(revision: number): void {
    const { words, ringMvcc } = this.#context
    words.store(Word.hashFloor, Math.max(0, revision))
    ringMvcc()
  }
}
