/**
 * Reads back everything that a store shows after a restart and holds it against the ledger: the
 * history, the present, some pasts, the leases.
 */

import { strict as assert } from 'node:assert'
import type { Prng } from '../../src/base/prng.js'
import type { EtcdClient } from '../support/etcd-client.js'
import { expectError, revisionOf } from '../support/expect.js'
import type { ServerKind } from '../support/server-process.js'
import { openWatch } from '../support/watch-stream.js'
import { changesOf, toRecord, type Change } from './answers.js'
import type { Entry } from './journal.js'
import type { Ledger } from './ledger.js'
import { eventText, recordText, sameEvents, type ModelRecord } from './model-store.js'

export interface CheckInput {
  readonly client: EtcdClient
  readonly kind: ServerKind
  readonly ledger: Ledger
  readonly prng: Prng
  readonly entries: readonly Entry[]
  readonly heard: readonly Change[]
}

const EVERYTHING = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) }
const PASTS_CHECKED = 3

export async function checkStore(input: CheckInput): Promise<void> {
  const { client, ledger } = input
  const revision = revisionOf(await client.range({ ...EVERYTHING, limit: 1 }))
  const lastHeard = input.heard.at(-1)?.revision ?? 0
  assert(revision >= lastHeard, `a watcher saw ${lastHeard}, the store is at ${revision}`)
  assert(revision >= ledger.model.revision, 'the store is behind what was settled before')
  const compacted = revision === 1 ? 0 : await compactRevision(client)
  checkCompaction(input, compacted)
  const changes = await collectChanges(input, compacted, revision)
  ledger.settle(input.entries, { changes, revision })
  ledger.advanceBase(compacted)
  const present = await client.range({ ...EVERYTHING, revision }, { deadlineMs: 60_000 })
  assertSameRecords(present.kvs.map(toRecord), ledger.model.all(), `at revision ${revision}`)
  await checkPasts(input, compacted, revision)
  await ledger.leases.check(client, ledger.model)
}

/** What the server says it has compacted to; 0 when never: then the first events come. */
async function compactRevision(client: EtcdClient): Promise<number> {
  const { stream } = await openWatch(client, { ...EVERYTHING, startRevision: 1 })
  const { compactRevision } = await stream.next()
  stream.cancel()
  return compactRevision
}

function checkCompaction({ entries }: CheckInput, compacted: number): void {
  for (const { op, outcome } of entries) {
    if (op.kind !== 'compact') continue
    if (outcome.kind === 'answered')
      assert(op.revision <= compacted, `compaction to ${op.revision} is lost: ${compacted}`)
    if (outcome.kind === 'refused') {
      assert.match(outcome.error, /has been compacted/u)
      assert(op.revision <= compacted)
    }
  }
}

/** Replays history by watch, compares it with all that is known, and gives what is new. */
async function collectChanges(
  { client, kind, ledger, heard }: CheckInput,
  compacted: number,
  revision: number,
): Promise<Change[]> {
  // 3.4 loses deletes that lie exactly at the compact revision.
  const from = Math.max(kind === 'etcd' ? compacted + 1 : compacted, 2)
  const replayed = await replay(client, from, revision)
  const known = new Map([...ledger.window, ...heard].map((change) => [change.revision, change]))
  for (const change of replayed) {
    const before = known.get(change.revision)
    if (before !== undefined && !sameEvents(before.events, change.events)) {
      assert.fail(
        `revision ${change.revision} has changed:\n${before.events.map(eventText).join('; ')}\n` +
          change.events.map(eventText).join('; '),
      )
    }
    known.set(change.revision, change)
  }
  const changes: Change[] = []
  for (let at = ledger.model.revision + 1; at <= revision; at++) {
    const change = known.get(at)
    assert(change !== undefined, `revision ${at} is missing (compacted ${compacted}, now ${revision})`)
    changes.push(change)
  }
  return changes
}

async function replay(client: EtcdClient, from: number, to: number): Promise<Change[]> {
  const changes: Change[] = []
  if (from > to) return changes
  const { stream } = await openWatch(client, { ...EVERYTHING, startRevision: from })
  let next = from
  while (next <= to) {
    const response = await stream.next(30_000)
    assert.equal(response.canceled, false, `replay from ${from} canceled: ${response.compactRevision}`)
    for (const change of changesOf(response)) {
      if (change.revision > to) break
      assert.equal(change.revision, next, `replay from ${from} is continuous`)
      changes.push(change)
      next++
    }
  }
  stream.cancel()
  return changes
}

async function checkPasts(
  { client, ledger, prng }: CheckInput,
  compacted: number,
  revision: number,
): Promise<void> {
  if (compacted > 1) {
    const text = 'OutOfRange etcdserver: mvcc: required revision has been compacted'
    await expectError(client.range({ ...EVERYTHING, revision: compacted - 1 }), text)
  }
  const first = Math.max(compacted, 2, ledger.base.revision)
  if (revision < first) return
  const pasts = new Set(Array.from({ length: PASTS_CHECKED }, () => prng.between(first, revision)))
  if (compacted > 1) pasts.add(compacted)
  const store = ledger.base.clone()
  const compare = async (): Promise<void> => {
    if (!pasts.delete(store.revision)) return
    const past = await client.range({ ...EVERYTHING, revision: store.revision })
    assertSameRecords(past.kvs.map(toRecord), store.all(), `at old revision ${store.revision}`)
  }
  await compare()
  for (const change of ledger.window) {
    store.apply(change.revision, change.events)
    await compare()
  }
  assert.deepEqual([...pasts], [])
}

function assertSameRecords(
  found: readonly ModelRecord[],
  expected: readonly ModelRecord[],
  where: string,
): void {
  const texts = (records: readonly ModelRecord[]): Set<string> => new Set(records.map(recordText))
  const foundTexts = texts(found)
  const expectedTexts = texts(expected)
  const extra = [...foundTexts].filter((text) => !expectedTexts.has(text))
  const missing = [...expectedTexts].filter((text) => !foundTexts.has(text))
  assert.deepEqual({ missing, extra }, { missing: [], extra: [] }, where)
}
