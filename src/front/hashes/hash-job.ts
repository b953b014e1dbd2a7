/** A hash of the key space at one revision, for a client, another member, or this member itself. */

import type { KeyspaceView } from '../../keyspace/keyspace-view.js'
import type { KeyspaceHash } from '../../messages/compaction-hashes.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import type { JobState } from '../kv/range-job.js'
import type { Job } from '../kv/range-jobs.js'
import { isEnded } from '../requests/proposer.js'
import { KeyspaceHasher } from './keyspace-hasher.js'

/** A hash that takes longer than this is given up, so that it holds no compaction back for ever. */
export const HASH_MS_MAX = 600_000

export type HashEnd =
  | { readonly ok: true; readonly hash: KeyspaceHash; readonly currentRevision: number }
  /** An id of etcd-errors.ts. */
  | { readonly ok: false; readonly error: number }

export interface HashQuestion {
  /** Who asks; null for the member itself. Nobody is told once it is over. */
  readonly call: GrpcCall | null
  readonly revision: number
  readonly compactRevision: number
  readonly currentRevision: number
  readonly onEnd: (end: HashEnd, tookMs: number) => void
}

export class HashJob implements Job {
  readonly call: GrpcCall | null
  readonly giveUpAtMs: number
  /** What is read from here on must not be compacted meanwhile. */
  readonly revision: number
  readonly #question: HashQuestion
  readonly #hasher: KeyspaceHasher
  readonly #startedMs: number

  constructor(question: HashQuestion, nowMs: number) {
    this.call = question.call
    this.revision = Math.max(0, question.compactRevision)
    this.giveUpAtMs = nowMs + HASH_MS_MAX
    this.#question = question
    this.#hasher = new KeyspaceHasher(question.revision, question.compactRevision)
    this.#startedMs = nowMs
  }

  step(view: KeyspaceView, nowMs: number): JobState {
    if (this.call !== null && isEnded(this.call)) return 'done'
    if (nowMs >= this.giveUpAtMs) return this.#end({ ok: false, error: etcdErrors.timeout.id }, nowMs)
    if (this.#hasher.isCutOff(view) && !this.#hasher.beginAgain(view)) {
      return this.#end({ ok: false, error: etcdErrors.compacted.id }, nowMs)
    }
    if (!this.#hasher.slice(view)) return 'more'
    const { currentRevision } = this.#question
    return this.#end({ ok: true, hash: this.#hasher.result, currentRevision }, nowMs)
  }

  #end(end: HashEnd, nowMs: number): JobState {
    this.#question.onEnd(end, nowMs - this.#startedMs)
    return 'done'
  }
}
