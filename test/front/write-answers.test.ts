/** Answers of writes when the store that they were applied to has been replaced by a leader's, compacted further. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/base/bytes.js'
import { Slice } from '../../src/base/slice.js'
import { RangeWriter } from '../../src/front/kv/range-writer.js'
import type { ReadPath } from '../../src/front/kv/read-path.js'
import { WriteAnswers } from '../../src/front/kv/write-answers.js'
import type { InnerCall } from '../../src/front/locks/inner-call.js'
import { isEnded, type Proposer } from '../../src/front/requests/proposer.js'
import { ResponseHeaders } from '../../src/front/requests/response-headers.js'
import { KeyspaceView, LATEST } from '../../src/keyspace/keyspace-view.js'
import { KeyspaceWriter } from '../../src/keyspace/keyspace-writer.js'
import { allocateWords, SharedWords } from '../../src/messages/shared-words.js'
import { etcdErrors } from '../../src/proto/etcd-errors.js'
import {
  decodeDeleteRangeResponse,
  decodePutResponse,
  decodeTxnRequest,
  decodeTxnResponse,
  encodeTxnRequest,
  type RequestOpInput,
} from '../../src/proto/generated/etcdserverpb.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { plainCall } from './plain-call.js'

/** Key `a` has the value `vN` of each revision N from 2 on; the last one deletes it. */
const REVISIONS = 8

class Rig {
  readonly #store = new MemoryStore()
  readonly #writer = new KeyspaceWriter()
  readonly #answers: WriteAnswers
  #error = 0

  constructor() {
    this.#write(() => {
      const key = sliceOf('a')
      for (let main = 2; main < REVISIONS; main++) this.#writer.put(key, sliceOf(`v${main}`), 0n, main, 0)
      this.#writer.remove(key, REVISIONS, 0)
      this.#writer.setCurrentRevision(REVISIONS)
    })
    const headers = new ResponseHeaders(1n, 2n, new SharedWords(allocateWords()))
    const proposer = {
      headers,
      answer: (call: InnerCall, message: Uint8Array) => call.sendMessage(message),
      fail: (call: InnerCall, error: number) => {
        assert.equal(isEnded(call), false)
        this.#error = error
      },
    } as unknown as Proposer
    const reads = { view: () => new KeyspaceView(this.#store.openReader().beginRead()) } as ReadPath
    this.#answers = new WriteAnswers(proposer, reads, new RangeWriter(headers))
  }

  /** What a leader has done that did not know who waits here. */
  compact(revision: number): void {
    this.#write(() => this.#writer.setCompactRevision(revision))
    this.#write(() => assert.ok(this.#writer.compactSlice(revision, 1000, LATEST).done))
  }

  /** The message that the call got, or the error. */
  ask(what: (answers: WriteAnswers, call: InnerCall) => void): Uint8Array | number {
    const call = plainCall('/etcdserverpb.KV/Put') as InnerCall
    this.#error = 0
    what(this.#answers, call)
    return call.take() ?? this.#error
  }

  put(revision: number): string | number {
    const answer = this.ask((answers, call) => answers.put(call, revision))
    return typeof answer === 'number' ? answer : text(decodePutResponse(answer).prev_kv?.value)
  }

  deleteRange(): string | number {
    const answer = this.ask((answers, call) => answers.deleteRange(call, REVISIONS, 1))
    return typeof answer === 'number' ? answer : text(decodeDeleteRangeResponse(answer).prev_kvs[0]?.value)
  }

  txn(op: RequestOpInput, revision: number, changed: boolean): string | number {
    const request = decodeTxnRequest(encodeTxnRequest({ success: [op] }))
    const applied = { revision, changed, outcomeLow: 1, outcomeHigh: 0 }
    const answer = this.ask((answers, call) => answers.txn(call, request, applied))
    if (typeof answer === 'number') return answer
    const response = decodeTxnResponse(answer).responses[0]
    return text(response?.response_put?.prev_kv?.value ?? response?.response_range?.kvs[0]?.value)
  }

  #write(work: () => void): void {
    this.#store.transact((transaction) => {
      this.#writer.begin(transaction)
      work()
      this.#writer.finish()
    })
  }
}

const GONE = etcdErrors.timeout.id
const put = { request_put: { key: utf8('a'), value: utf8('v5'), prev_kv: true } }
const range = (revision = 0) => ({ request_range: { key: utf8('a'), revision } })

function sliceOf(from: string): Slice {
  const bytes = utf8(from)
  return new Slice().at(bytes, 0, bytes.length)
}

function text(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString()
}

test('a write is answered with what it superseded', () => {
  const rig = new Rig()
  assert.deepEqual([rig.put(5), rig.deleteRange(), rig.txn(put, 5, true)], ['v4', 'v7', 'v4'])
})

test('a compaction up to the revision before a write takes nothing from its answer', () => {
  const rig = new Rig()
  rig.compact(4)
  assert.deepEqual([rig.put(5), rig.txn(put, 5, true), rig.txn(range(), 4, false)], ['v4', 'v4', 'v4'])
  assert.equal(rig.txn(range(4), 6, false), 'v4')
})

test('when what a write superseded is gone with the store, its time is up: nobody hears of nothing', () => {
  const rig = new Rig()
  rig.compact(5)
  // The put itself is still there, as the newest up to the compaction.
  assert.deepEqual([rig.put(5), rig.txn(put, 5, true), rig.txn(range(), 4, false)], [GONE, GONE, GONE])
  assert.equal(rig.txn(range(4), 6, false), GONE)
  assert.equal(rig.put(6), 'v5')
  rig.compact(7)
  assert.equal(rig.put(5), GONE)
  assert.equal(rig.deleteRange(), 'v7')
  rig.compact(8)
  assert.equal(rig.deleteRange(), GONE)
})
