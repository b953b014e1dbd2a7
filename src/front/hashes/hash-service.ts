/** Hash and HashKV, for whoever asks. Both read this member's own store, whoever leads. */

import { counters } from '../../metrics/counter-catalogue.js'
import type { Histogram } from '../../metrics/counters.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import { storePath } from '../../store/restore-store.js'
import { JobsPool } from '../../actor/jobs/jobs-pool.js'
import { compactionHashAt } from '../../messages/compaction-hashes.js'
import { toldRevision } from '../../messages/told-early.js'
import { decodeHashKVRequest, encodeHashKVResponse, encodeHashResponse } from '../../proto/generated/etcdserverpb.js'
import type { FrontContext } from '../front-context.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import type { RangeJobs } from '../kv/range-jobs.js'
import type { ReadPath } from '../kv/read-path.js'
import { isEnded, type Proposer } from '../requests/proposer.js'
import { HashJob, type HashEnd } from './hash-job.js'

/** Under way or waiting, of one front. More are refused. */
const HASHES_MAX = 8

const TOO_MANY: HashEnd = { ok: false, error: etcdErrors.requestTooManyRequests.id }

export class HashService {
  readonly #context: FrontContext
  readonly #proposer: Proposer
  readonly #reads: ReadPath
  readonly #jobs: RangeJobs
  readonly #times: Histogram
  readonly #revisionTimes: Histogram
  readonly #pool: JobsPool

  constructor(context: FrontContext, proposer: Proposer, reads: ReadPath, jobs: RangeJobs) {
    this.#context = context
    this.#proposer = proposer
    this.#reads = reads
    this.#jobs = jobs
    this.#pool = new JobsPool({ threadsMax: context.config.hashWorkers, queueMax: HASHES_MAX })
    this.#times = context.counters.histogram(counters.hashDuration)
    this.#revisionTimes = context.counters.histogram(counters.hashRevDuration)
  }

  /** In a jobs thread, which gives way to everything else. */
  hash(call: GrpcCall): void {
    if (this.#reads.isFull) this.#proposer.fail(call, etcdErrors.requestTooManyRequests.id)
    else this.#reads.whenFresh({ call, run: () => this.#startHash(call) })
  }

  /** Nobody waits for a hash any more. */
  close(): void {
    void this.#pool.close()
  }

  hashKv(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const { revision } = decodeHashKVRequest(bytes, start, end)
    this.hashAt(revision, call, (found) => {
      if (!found.ok) {
        this.#proposer.fail(call, found.error)
        return
      }
      const { hash, currentRevision } = found
      this.#proposer.answer(call, encodeHashKVResponse({
        header: this.#proposer.headers.fields(currentRevision),
        hash: hash.hash,
        compact_revision: hash.compactRevision,
        hash_revision: hash.revision,
      }))
    })
  }

  /**
   * `wanted` 0: at the current revision. `call` is who asks, null for the member itself. `onEnd` is called once, with a
   * hash always inside a turn's snapshot; not at all if the call is over by then.
   */
  hashAt(wanted: number, call: GrpcCall | null, onEnd: (end: HashEnd) => void): void {
    if (this.#reads.isFull) onEnd(TOO_MANY)
    else this.#reads.whenFresh({ call, run: () => this.#startHashKv(wanted, call, onEnd) })
  }

  #startHash(call: GrpcCall): void {
    if (isEnded(call)) return
    const { holds, storeDir, requestTurn } = this.#context
    const generation = holds.hold()
    const hashed = this.#pool.run('hashStore', { storePath: storePath(storeDir, generation) })
    if (hashed === null) {
      holds.release(generation)
      this.#proposer.fail(call, etcdErrors.requestTooManyRequests.id)
      return
    }
    void this.#finishHash(call, hashed, this.#context.clock.nowMs()).finally(() => {
      holds.release(generation)
      // What was answered leaves at the end of a turn.
      requestTurn()
    })
  }

  async #finishHash(call: GrpcCall, hashed: Promise<number>, startedMs: number): Promise<void> {
    try {
      const hash = await hashed
      this.#times.observe((this.#context.clock.nowMs() - startedMs) / 1000)
      const header = this.#proposer.headers.fields(toldRevision(this.#context.words))
      this.#proposer.answer(call, encodeHashResponse({ header, hash }))
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error)
      this.#context.logger.error('front', 'a hash could not be made', { cause })
      if (!isEnded(call)) call.finish(grpcStatus.unknown, cause)
    }
  }

  #startHashKv(wanted: number, call: GrpcCall | null, onEnd: (end: HashEnd) => void): void {
    if (call !== null && isEnded(call)) return
    const { currentRevision, compactRevision } = this.#reads.view()
    const stored = compactionHashAt(this.#context.words, wanted)
    if (stored !== null && wanted <= currentRevision) onEnd({ ok: true, hash: stored, currentRevision })
    else if (wanted > 0 && wanted < compactRevision) onEnd({ ok: false, error: etcdErrors.compacted.id })
    else if (wanted > currentRevision) onEnd({ ok: false, error: etcdErrors.futureRev.id })
    else if (this.#jobs.isFull) onEnd(TOO_MANY)
    else {
      const question = {
        call,
        revision: wanted > 0 ? wanted : currentRevision,
        compactRevision,
        currentRevision,
        onEnd: (end: HashEnd, tookMs: number): void => {
          if (end.ok) this.#revisionTimes.observe(tookMs / 1000)
          onEnd(end)
        },
      }
      this.#jobs.add(new HashJob(question, this.#context.clock.nowMs()))
    }
  }
}
