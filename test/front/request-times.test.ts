/** Clocks of a request's way turned into stages. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FrontMessages } from '../../src/messages/front-messages.js'
import type { Message } from '../../src/messages/protocol.js'
import { RecentRequests, allocateRecentRequests } from '../../src/metrics/recent-requests.js'
import {
  STAGES, StageHistogram, WRITE_STAGES, allocateStagePage, summarize, type StageName,
} from '../../src/metrics/stage-histogram.js'
import { PendingRequest } from '../../src/front/requests/pending-request.js'
import { RequestTimes } from '../../src/front/requests/request-times.js'
import { ReadRuns } from '../../src/front/requests/read-times.js'

const SLOW_MS = 1000

class Rig {
  readonly lines: Readonly<Record<string, unknown>>[] = []
  readonly recent = new RecentRequests(allocateRecentRequests())
  readonly stages = new StageHistogram(allocateStagePage())
  readonly times: RequestTimes
  nowMs = 0

  constructor(stageClocks = true) {
    const logger = { warn: (_: string, text: string, fields: object) => void this.lines.push({ text, ...fields }) }
    this.times = new RequestTimes({
      stages: this.stages,
      recent: this.recent,
      logger: logger as never,
      clock: { nowMs: () => this.nowMs, wallMs: () => 0 },
      config: { slowRequestMs: SLOW_MS, stageClocks },
    })
  }

  /** A put whose stages took so long; returns what the clocks made of it. */
  put(tookMs: Readonly<Partial<Record<StageName, number>>>): Readonly<Record<string, number>> {
    let atMs = 100
    const ends = WRITE_STAGES.map((stage) => (atMs += tookMs[stage] ?? 0))
    const end = (stage: (typeof WRITE_STAGES)[number]): number => ends[WRITE_STAGES.indexOf(stage)] as number
    const pending = new PendingRequest()
    pending.receivedMs = 100
    pending.proposedMs = end('auth')
    pending.authMs = tookMs.auth ?? 0
    const message = {
      orderedMs: end('queue_raft'),
      proposedMs: end('propose'),
      writeStartMs: end('wal_queue'),
      writtenMs: end('write'),
      syncedMs: end('fsync'),
      quorumMs: end('replicate'),
      committedMs: end('commit'),
      applyStartMs: end('apply_queue'),
      appliedMs: end('apply'),
    } as Message<FrontMessages, 'applied'>
    return this.answer(pending, message, [end('answer_queue'), end('encode'), end('send')])
  }

  answer(
    pending: PendingRequest, message: Message<FrontMessages, 'applied'>, ends: readonly [number, number, number],
  ): Readonly<Record<string, number>> {
    this.times.onApplied(pending, message, ends[0])
    this.nowMs = ends[1]
    this.times.onEncoded()
    this.nowMs = ends[2]
    this.times.onFlushed()
    const newest = this.recent.newest(1)[0]
    return Object.fromEntries(WRITE_STAGES.map((stage, i) => [stage, newest?.stagesMs[i] ?? NaN]))
  }
}

for (const stage of WRITE_STAGES) {
  test(`time that a put spent in ${stage} is counted there and nowhere else`, () => {
    const rig = new Rig()
    const vector = rig.put({ [stage]: 50 })
    assert.deepEqual(vector, Object.fromEntries(WRITE_STAGES.map((name) => [name, name === stage ? 50 : 0])))
    const sums = summarize([rig.stages]).filter(({ sumMs }) => sumMs > 0)
    assert.deepEqual(sums.map((found) => [found.stage, found.sumMs]), [[stage, 50], ['total', 50]])
  })
}

test('stages add up to the total', () => {
  const rig = new Rig()
  const vector = rig.put(Object.fromEntries(WRITE_STAGES.map((stage, i) => [stage, i + 1])))
  assert.deepEqual(Object.values(vector), WRITE_STAGES.map((_, i) => i + 1))
  assert.equal(summarize([rig.stages])[STAGES.indexOf('total')]?.sumMs, (14 * 15) / 2)
})

test('clocks that run backwards or were never set take nothing from the sum', () => {
  const rig = new Rig()
  const pending = new PendingRequest()
  pending.receivedMs = 100
  pending.proposedMs = 101
  // Committed on the disks of others: this member's own write is of an older entry.
  const message = {
    orderedMs: 103, proposedMs: 0, writeStartMs: 50, writtenMs: 51, syncedMs: 52, quorumMs: 110, committedMs: 111,
    applyStartMs: 112, appliedMs: 115,
  } as Message<FrontMessages, 'applied'>
  const vector = rig.answer(pending, message, [116, 117, 119])
  assert.equal(Object.values(vector).reduce((a, b) => a + b, 0), 19)
  const { decode, queue_raft, write, replicate } = vector
  assert.deepEqual([decode, queue_raft, write, replicate], [1, 2, 0, 7])
})

test('slow puts are logged with their stages even where the clocks are off, and nothing else is', () => {
  const rig = new Rig(false)
  rig.put({ apply: 5 })
  rig.put({ apply: SLOW_MS })
  assert.equal(summarize([rig.stages]).reduce((sum, { count }) => sum + count, 0), 0)
  assert.deepEqual(rig.lines.map(({ text, applyMs, tookMs }) => [text, applyMs, tookMs]),
    [['apply request took too long', SLOW_MS, SLOW_MS]])
})

test('reads of one snapshot are counted by when they were heard', () => {
  const rig = new Rig()
  const runs = new ReadRuns()
  for (const heardMs of [10, 10, 12]) runs.add(heardMs, 0)
  assert.deepEqual(runs.counts, [2, 1])
  rig.times.reads.onServed(runs, 20, 25)
  rig.nowMs = 27
  rig.times.onEncoded()
  rig.nowMs = 30
  rig.times.onFlushed()
  const found = summarize([rig.stages]).filter(({ count }) => count > 0)
  assert.deepEqual(found.map(({ stage, count, sumMs }) => [stage, count, sumMs]), [
    ['read_decode', 3, 28], ['read_auth', 3, 0], ['read_index', 3, 15], ['read', 3, 6], ['read_send', 3, 9],
    ['read_total', 3, 58],
  ])
})
