/**
 * The answers of writes, built from a snapshot: mvcc says only at which revision a write took effect, and what it
 * superseded is looked up here.
 *
 * This member's compaction keeps what an answer will have to read. A leader's store that takes the place of the own one
 * between a write and its answer knows nothing of that: then nobody can tell what the write superseded, and its client
 * hears what etcd's hears whose member was given a snapshot, that its time is up.
 */

import { assert } from '../../base/assert.js'
import { EMPTY_BYTES } from '../../base/bytes.js'
import { KeyRecord } from '../../keyspace/key-record.js'
import type { KeyspaceView } from '../../keyspace/keyspace-view.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import {
  encodeDeleteRangeResponse,
  encodeTxnResponse,
  type TxnRequest,
} from '../../proto/generated/etcdserverpb.js'
import { decodeKeyValue, type KeyValue } from '../../proto/generated/mvccpb.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import { putResponseSize, writePutResponse } from '../../proto/hot/put-response-writer.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import { isEnded, type Proposer } from '../requests/proposer.js'
import { TXN_RANGE_BYTES_MAX, type RangeWriter } from './range-writer.js'
import type { ReadPath } from './read-path.js'
import { TxnAnswer, type TxnOutcome } from './txn-answer.js'
import { pathOf, type TxnApplied } from './txn-request.js'

export class WriteAnswers {
  readonly #proposer: Proposer
  readonly #reads: ReadPath
  readonly #ranges: RangeWriter
  readonly #record = new KeyRecord()
  readonly #previous = new KeyRecord()

  constructor(proposer: Proposer, reads: ReadPath, ranges: RangeWriter) {
    this.#proposer = proposer
    this.#reads = reads
    this.#ranges = ranges
  }

  put(call: GrpcCall, revision: number): void {
    if (isEnded(call)) return
    const view = this.#viewSince(call, revision - 1)
    if (view === null) return
    const { headers } = this.#proposer
    headers.encode(revision)
    const found = view.revision(revision, 0, this.#record)
    assert(found, `revision ${revision} is kept until its put is answered`)
    const previous = view.previous(this.#record, this.#previous) ? this.#previous.kv : null
    const bytes = previous?.bytes ?? EMPTY_BYTES
    const start = previous?.start ?? 0
    const end = previous?.end ?? 0
    const out = new Uint8Array(putResponseSize(headers, end - start))
    writePutResponse(out, 0, headers, bytes, start, end)
    this.#proposer.answer(call, out)
  }

  deleteRange(call: GrpcCall, revision: number, deleted: number): void {
    if (isEnded(call)) return
    const view = this.#viewSince(call, revision - 1)
    if (view === null) return
    const prev_kvs: KeyValue[] = []
    for (let sub = 0; sub < deleted; sub++) {
      const found = view.revision(revision, sub, this.#record)
      assert(found, `revision ${revision}.${sub} is kept until its request is answered`)
      if (!view.previous(this.#record, this.#previous)) continue
      const { kv } = this.#previous
      prev_kvs.push(decodeKeyValue(kv.bytes, kv.start, kv.end))
    }
    const header = this.#proposer.headers.fields(revision)
    this.#proposer.answer(call, encodeDeleteRangeResponse({ header, deleted, prev_kvs }))
  }

  txn(call: GrpcCall, request: TxnRequest, applied: TxnApplied): void {
    if (isEnded(call)) return
    const { revision, changed } = applied
    const view = this.#viewSince(call, changed ? revision - 1 : revision)
    if (view === null) return
    this.sendTxn(call, request, { path: pathOf(request, applied, view), revision, changed }, view)
  }

  /** Also of transactions that only read. */
  sendTxn(call: GrpcCall, request: TxnRequest, outcome: TxnOutcome, view: KeyspaceView): void {
    this.#ranges.bytesMax = TXN_RANGE_BYTES_MAX
    const header = this.#proposer.headers.fields(outcome.revision)
    const response = new TxnAnswer(view, outcome, this.#ranges).build(request, header)
    this.#ranges.shrink()
    if (response === 'gone') this.#proposer.fail(call, etcdErrors.timeout.id)
    else if (response === 'tooLarge') {
      const what = `over ${TXN_RANGE_BYTES_MAX} bytes in one range of a txn`
      const text = `grpc: trying to send message larger than max (${what})`
      call.finish(grpcStatus.resourceExhausted, text)
    } else this.#proposer.answer(call, encodeTxnResponse(response))
  }

  /** The snapshot, if it still has the state of that revision. Fails the call if not. */
  #viewSince(call: GrpcCall, revision: number): KeyspaceView | null {
    const view = this.#reads.view()
    if (revision >= view.removedBelow) return view
    this.#proposer.fail(call, etcdErrors.timeout.id)
    return null
  }
}
