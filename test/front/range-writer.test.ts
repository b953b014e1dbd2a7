/** Range results against a model: every option, over random histories. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { compareBytes, utf8 } from '../../src/base/bytes.js'
import { Slice } from '../../src/base/slice.js'
import { checkRevision, LAST_SUB, RangeWriter } from '../../src/front/kv/range-writer.js'
import { ResponseHeaders } from '../../src/front/requests/response-headers.js'
import { KeyspaceView } from '../../src/keyspace/keyspace-view.js'
import { KeyspaceWriter } from '../../src/keyspace/keyspace-writer.js'
import { allocateWords, SharedWords, Word } from '../../src/messages/shared-words.js'
import {
  decodeRangeRequest,
  decodeRangeResponse,
  encodeRangeRequest,
  type RangeRequest,
  type RangeRequestInput,
  type RangeResponse,
} from '../../src/proto/generated/etcdserverpb.js'
import { openLmdbStore } from '../../src/store/lmdb-store.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const CLUSTER = 0xc0ffeen
const MEMBER = 0xbeefn
const TERM = 7

interface Live {
  readonly key: string
  readonly value: string
  readonly create: number
  readonly mod: number
  readonly version: number
}

/** What is live at each revision, and the store that holds the same. */
function history(changes: readonly { readonly key: string; readonly value: string | null }[]) {
  const directory = temporaryDirectory()
  const store = openLmdbStore({ path: directory.path('store.mdb') })
  const writer = new KeyspaceWriter()
  const states: Map<string, Live>[] = [new Map(), new Map()]
  const committed = store.transact((transaction) => {
    writer.begin(transaction)
    let revision = 1
    for (const { key, value } of changes) {
      const state = new Map(states[revision])
      const before = state.get(key)
      if (value === null && before === undefined) continue
      revision++
      const keyBytes = utf8(key)
      const keySlice = new Slice().at(keyBytes, 0, keyBytes.length)
      if (value === null) {
        writer.remove(keySlice, revision, 0)
        state.delete(key)
      } else {
        const valueBytes = utf8(value)
        writer.put(keySlice, new Slice().at(valueBytes, 0, valueBytes.length), 0n, revision, 0)
        state.set(key, {
          key,
          value,
          create: before?.create ?? revision,
          mod: revision,
          version: (before?.version ?? 0) + 1,
        })
      }
      states.push(state)
      writer.setCurrentRevision(revision)
    }
    writer.finish()
  })
  assert.deepEqual(committed, { ok: true })
  return { directory, store, states }
}

interface Expected {
  readonly keys: Live[]
  readonly count: number
  readonly more: boolean
}

function expected(request: RangeRequest, states: readonly Map<string, Live>[]): Expected {
  const current = states.length - 1
  const state = states[request.revision > 0 ? request.revision : current] as Map<string, Live>
  const from = Buffer.from(request.key)
  const to = Buffer.from(request.range_end)
  const within = (key: string): boolean => {
    const bytes = utf8(key)
    if (to.length === 0) return compareBytes(bytes, from) === 0
    if (compareBytes(bytes, from) < 0) return false
    return (to.length === 1 && to[0] === 0) || compareBytes(bytes, to) < 0
  }
  const all = [...state.values()]
    .filter(({ key }) => within(key))
    .sort((a, b) => compareBytes(utf8(a.key), utf8(b.key)))
  let keys = all.filter(
    ({ mod, create }) =>
      (request.min_mod_revision === 0 || mod >= request.min_mod_revision) &&
      (request.max_mod_revision === 0 || mod <= request.max_mod_revision) &&
      (request.min_create_revision === 0 || create >= request.min_create_revision) &&
      (request.max_create_revision === 0 || create <= request.max_create_revision),
  )
  const by = [
    (a: Live, b: Live) => compareBytes(utf8(a.key), utf8(b.key)),
    (a: Live, b: Live) => a.version - b.version,
    (a: Live, b: Live) => a.create - b.create,
    (a: Live, b: Live) => a.mod - b.mod,
    (a: Live, b: Live) => compareBytes(utf8(a.value), utf8(b.value)),
  ][request.sort_target] as (a: Live, b: Live) => number
  if (request.sort_order !== 0) keys.sort(by)
  if (request.sort_order === 2) keys.reverse()
  const more = request.limit > 0 && keys.length > request.limit
  if (more) keys = keys.slice(0, request.limit)
  return request.count_only ? { keys: [], count: all.length, more: false } : { keys, count: all.length, more }
}

function headers(): ResponseHeaders {
  const words = new SharedWords(allocateWords())
  words.store(Word.term, TERM)
  return new ResponseHeaders(CLUSTER, MEMBER, words)
}

function answer(view: KeyspaceView, ranges: RangeWriter, request: RangeRequest): RangeResponse {
  const main = request.revision > 0 ? request.revision : view.currentRevision
  assert.equal(ranges.write(request, view, { main, sub: LAST_SUB }, view.currentRevision), 'written')
  return decodeRangeResponse(ranges.bytes, 0, ranges.length)
}

const key = fc.constantFrom('a', 'aa', 'ab', 'b', 'ba', 'c')
const change = fc.record({ key, value: fc.option(fc.constantFrom('1', '2', '3', ''), { nil: null, freq: 4 }) })
const rangeEnd = fc.constantFrom('', '\0', 'b', 'bb', 'a', 'd')
const options = fc.record({
  key,
  rangeEnd,
  limit: fc.integer({ min: 0, max: 4 }),
  revision: fc.nat(),
  sort_order: fc.integer({ min: 0, max: 2 }),
  sort_target: fc.integer({ min: 0, max: 4 }),
  keys_only: fc.boolean(),
  count_only: fc.boolean(),
  filters: fc.option(fc.tuple(fc.nat(6), fc.nat(6), fc.nat(6), fc.nat(6))),
})

test('every option of a range gives what the model gives', () => {
  const ranges = new RangeWriter(headers())
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), fc.array(options, { maxLength: 8 }), (changes, asked) => {
      const { directory, store, states } = history(changes)
      const snapshot = store.beginRead()
      const view = new KeyspaceView(snapshot)
      for (const { filters, rangeEnd: end, revision, ...rest } of asked) {
        const input: RangeRequestInput = {
          ...rest,
          key: utf8(rest.key),
          range_end: utf8(end),
          // A sort target without an order sorts the first keys only; ties make it useless for a model.
          sort_target: rest.sort_order === 0 ? 0 : rest.sort_target,
          revision: revision % states.length,
          min_mod_revision: filters?.[0] ?? 0,
          max_mod_revision: filters?.[1] ?? 0,
          min_create_revision: filters?.[2] ?? 0,
          max_create_revision: filters?.[3] ?? 0,
        }
        const bytes = encodeRangeRequest(input)
        const request = decodeRangeRequest(bytes, 0, bytes.length)
        const response = answer(view, ranges, request)
        const model = expected(request, states)
        assert.equal(response.count, model.count)
        assert.equal(response.more, model.more)
        assert.equal(response.kvs.length, model.keys.length)
        assert.deepEqual(response.header, {
          cluster_id: CLUSTER,
          member_id: MEMBER,
          revision: states.length - 1,
          raft_term: TERM,
        })
        // Equal sort keys may come in any order; where there is a limit, any of them may be left out.
        if (request.sort_order === 0 || request.sort_target === 0) {
          assert.deepEqual(
            response.kvs.map((kv) => Buffer.from(kv.key).toString()),
            model.keys.map((live) => live.key),
          )
        }
        for (const kv of response.kvs) {
          const live = (states[request.revision > 0 ? request.revision : states.length - 1] as Map<string, Live>).get(
            Buffer.from(kv.key).toString(),
          )
          assert.ok(live !== undefined)
          assert.equal(kv.mod_revision, live.mod)
          assert.equal(kv.create_revision, live.create)
          assert.equal(kv.version, live.version)
          assert.equal(Buffer.from(kv.value).toString(), request.keys_only ? '' : live.value)
        }
      }
      snapshot.close()
      store.close()
      directory.remove()
    }),
    { numRuns: 40 },
  )
})

const fixture = history([
  { key: 'a', value: 'x' },
  { key: 'b', value: 'y'.repeat(2_000_000) },
  { key: 'c', value: 'z' },
])
after(() => {
  fixture.store.close()
  fixture.directory.remove()
})

test('a result above the buffer is not built in memory', () => {
  const ranges = new RangeWriter(headers())
  const snapshot = fixture.store.beginRead()
  const view = new KeyspaceView(snapshot)
  const bytes = encodeRangeRequest({ key: utf8('a'), range_end: utf8('d') })
  const request = decodeRangeRequest(bytes, 0, bytes.length)
  assert.equal(ranges.write(request, view, { main: view.currentRevision, sub: LAST_SUB }, 1), 'tooLarge')
  snapshot.close()
})

test('a revision above the current one is a future one', () => {
  const snapshot = fixture.store.beginRead()
  const view = new KeyspaceView(snapshot)
  const bytes = encodeRangeRequest({ key: utf8('a'), revision: 100 })
  assert.notEqual(checkRevision(decodeRangeRequest(bytes, 0, bytes.length), view), 0)
  snapshot.close()
})
