/** What health pages say of a member that is not well. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FrontContext } from '../../../src/front/front-context.js'
import { ReadPath } from '../../../src/front/kv/read-path.js'
import { CheckPages } from '../../../src/front/pages/check-pages.js'
import { HealthPage } from '../../../src/front/pages/health-page.js'
import { MemberHealth } from '../../../src/front/pages/member-health.js'
import { AlarmBit } from '../../../src/keyspace/tables/alarm-table.js'
import { allocateWords, SharedWords, Word } from '../../../src/messages/shared-words.js'
import { counters } from '../../../src/metrics/counter-catalogue.js'
import { memoryCounters } from '../../support/metrics/memory-counters.js'
import { RecordingExchange } from './recording-exchange.js'

const TIMEOUT = 'etcdserver: request timed out'

function rig(leader: bigint) {
  const words = new SharedWords(allocateWords())
  words.storeId(Word.leaderId, leader)
  const warnings: unknown[] = []
  const time = { nowMs: 1000 }
  const context = {
    index: 0,
    words,
    counters: memoryCounters(),
    clock: { nowMs: () => time.nowMs, wallMs: () => 5 },
    logger: { warn: (_caller: string, _text: string, fields: unknown) => warnings.push(fields) },
    requestTurn: () => undefined,
    openStore: () => assert.fail('nothing is read'),
  } as unknown as FrontContext
  const reads = new ReadPath(context)
  const health = new MemberHealth(context, reads)
  return {
    words,
    time,
    reads,
    warnings,
    counters: context.counters,
    page: new HealthPage(health, context.counters),
    checks: new CheckPages(context, health),
    /** Every read that waits has waited too long. */
    expire: (): void => {
      for (const task of reads.expired(1e9, 1)) task.expire?.()
    },
  }
}

function ask(target: string): RecordingExchange {
  return new RecordingExchange(target)
}

test('health without a leader says so, unless the read asks none', () => {
  const { page, counters: counted } = rig(0n)
  const exchange = ask('/health')
  page.answer(exchange)
  assert.equal(exchange.answer, '503 {"health":"false","reason":"RAFT NO LEADER"}\n')
  assert.ok(exchange.fields.includes('nosniff'))
  assert.equal(counted.get(counters.healthFailures), 1)
  const serializable = ask('/health?serializable=true')
  page.answer(serializable)
  assert.equal(serializable.answer, null)
})

test('a read that does not come through is the reason', () => {
  const { page, expire } = rig(7n)
  const exchange = ask('/health')
  page.answer(exchange)
  expire()
  assert.equal(exchange.answer, `503 {"health":"false","reason":"RANGE ERROR:${TIMEOUT}"}\n`)
})

test('an alarm makes the member unhealthy, unless it is excluded', () => {
  const { page, words, expire } = rig(7n)
  words.store(Word.alarms, AlarmBit.noSpace)
  const exchange = ask('/health')
  page.answer(exchange)
  assert.equal(exchange.answer, '503 {"health":"false","reason":"ALARM NOSPACE"}\n')
  words.store(Word.alarms, AlarmBit.noSpace | AlarmBit.corrupt)
  const excluding = ask('/health?exclude=NOSPACE')
  page.answer(excluding)
  assert.equal(excluding.answer, '503 {"health":"false","reason":"ALARM CORRUPT"}\n')
  const both = ask('/health?exclude=NOSPACE&exclude=CORRUPT')
  page.answer(both)
  assert.equal(both.answer, null)
  expire()
})

test('a check that fails is told with the others, whether verbose or not', () => {
  const { checks, expire, counters: counted } = rig(7n)
  const exchange = ask('/readyz?exclude=serializable_read')
  assert.equal(checks.answer(exchange, '/readyz'), true)
  assert.equal(exchange.answer, null)
  expire()
  const lines = `[+]data_corruption ok\n[-]linearizable_read failed: ${TIMEOUT}\n[+]non_learner ok\n`
  assert.equal(exchange.answer, `503 ${lines}\n`)
  const { series, at, stride } = counters.healthchecks
  const failed = series.findIndex((labels) => labels.join() === 'readyz,linearizable_read,error')
  assert.equal(counted.page.values[at + failed * stride], 1)
})

test('a corrupt member is not ready, and one without space is', () => {
  const { checks, words } = rig(7n)
  words.store(Word.alarms, AlarmBit.noSpace)
  const full = ask('/readyz/data_corruption')
  checks.answer(full, '/readyz/data_corruption')
  assert.equal(full.answer, '200 ok\n')
  words.store(Word.alarms, AlarmBit.corrupt)
  const corrupt = ask('/readyz/data_corruption')
  checks.answer(corrupt, '/readyz/data_corruption')
  assert.equal(corrupt.answer, '503 [-]data_corruption failed: alarm activated: CORRUPT\n\n')
})

test('names that are no checks are logged', () => {
  const { checks, warnings } = rig(7n)
  checks.answer(ask('/livez?exclude=nothing&exclude=serializable_read'), '/livez')
  assert.deepEqual(warnings, [{ kind: 'livez', unknown: ['nothing'] }])
})

test('names that are no checks fill no log: they are cut, and said once a second', () => {
  const { checks, warnings, time } = rig(7n)
  const names = Array.from({ length: 20 }, (_, at) => `${at}${'x'.repeat(1000)}`)
  const target = `/livez?exclude=serializable_read&exclude=${names.join('&exclude=')}`
  for (let i = 0; i < 100; i++) checks.answer(ask(target), '/livez')
  const unknown = names.slice(0, 8).map((name) => name.slice(0, 64))
  assert.deepEqual(warnings, [{ kind: 'livez', unknown }])
  time.nowMs += 1000
  checks.answer(ask('/readyz?allowlist=another'), '/readyz')
  assert.deepEqual(warnings.slice(1), [{ kind: 'readyz', unknown: ['another'], requestsBefore: 99 }])
})
