/** The server's answers and events in the terms of the model. */

import { strict as assert } from 'node:assert'
import type {
  DeleteRangeResponse,
  KeyValue,
  PutResponse,
  RangeResponse,
  ResponseOpOut,
  TxnResponseOut,
  WatchResponse,
} from '../support/etcd-messages.js'
import type { Output } from '../support/wire-message.js'
import { recordText, type Answer, type ModelEvent, type ModelRecord } from './model-store.js'

export function toRecord(kv: KeyValue): ModelRecord {
  return {
    key: kv.key.toString('latin1'),
    value: kv.value.toString('latin1'),
    create: kv.createRevision,
    mod: kv.modRevision,
    version: kv.version,
    lease: kv.lease,
  }
}

export function putAnswer(response: Output<typeof PutResponse>): Answer {
  const previous = response.prevKv === undefined ? '' : recordText(toRecord(response.prevKv))
  return { kind: 'put', previous }
}

export function deleteAnswer(response: Output<typeof DeleteRangeResponse>): Answer {
  const previous = response.prevKvs.map((kv) => recordText(toRecord(kv)))
  return { kind: 'delete', deleted: response.deleted, previous }
}

export function rangeAnswer(response: RangeResponse): Answer {
  const kvs = response.kvs.map((kv) => recordText(toRecord(kv)))
  return { kind: 'range', kvs, count: response.count, more: response.more }
}

export function txnAnswer(response: TxnResponseOut): Answer {
  return { kind: 'txn', succeeded: response.succeeded, answers: response.responses.map(opAnswer) }
}

function opAnswer(response: ResponseOpOut): Answer {
  if (response.responsePut !== undefined) return putAnswer(response.responsePut)
  if (response.responseRange !== undefined) return rangeAnswer(response.responseRange)
  if (response.responseDeleteRange !== undefined) return deleteAnswer(response.responseDeleteRange)
  assert(response.responseTxn !== undefined, 'an answer inside a txn is of some kind')
  return txnAnswer(response.responseTxn)
}

/** Events of one revision, all of them. */
export interface Change {
  readonly revision: number
  readonly events: readonly ModelEvent[]
}

/** Splits a watch response by revision. Events of one revision never span two responses. */
export function changesOf(response: WatchResponse): Change[] {
  const changes: { revision: number; events: ModelEvent[] }[] = []
  for (const event of response.events) {
    assert(event.kv !== undefined, 'an event has a key')
    const revision = event.kv.modRevision
    const record = event.type === 0 ? toRecord(event.kv) : undefined
    const last = changes.at(-1)
    const one = { key: event.kv.key.toString('latin1'), record }
    if (last?.revision === revision) last.events.push(one)
    else changes.push({ revision, events: [one] })
  }
  return changes
}
