/**
 * Answers of 20 MB each, a hundred at once: what they cost in memory, and that each is whole or reset, never short,
 * with slow readers and compactions going on.
 *   node dist/test/limits/large-answers.js
 */

import { strict as assert } from 'node:assert'
import type { ClientHttp2Session } from 'node:http2'
import { setTimeout as wait } from 'node:timers/promises'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { EtcdClient, prefixEnd } from '../support/etcd-client.js'
import { revisionOf } from '../support/expect.js'
import { openSession } from '../support/raw-call.js'
import { Report } from '../support/report.js'
import { serverKind, withServer, type ServerProcess } from '../support/server-process.js'
import { readLargeRange, type LargeAnswer, type ReadOptions } from './large-answer.js'
import { PeakMemory } from './peak-memory.js'

const PORT = 23_300
const KEYS = 200
const VALUE_BYTES = 100 * 1024
const ANSWERS = 100
const GROWTH_BYTES_MAX = 256 * 2 ** 20
const PREFIX = 'large/'
const ALL = { key: PREFIX, rangeEnd: prefixEnd(PREFIX) }
/** A slow reader takes this much a second: some 7 s for an answer. */
const SLOW_BYTES_PER_SECOND = 3 * 2 ** 20
const SLOW_READERS = 24
/** Of these every third gives up in the middle. */
const DEADLINE = { 'grpc-timeout': '2S' }
const COMPACTING_MS = 12_000

scriptOptions({ does: 'A hundred answers of 20 MB at once: what they cost in memory, and that none is cut short.' })
const report = new Report()

/** Which value each key had at which revision. */
class Written {
  readonly #history = new Map<string, { revision: number; fill: number }[]>()

  add(key: string, revision: number, fill: number): void {
    const list = this.#history.get(key) ?? []
    list.push({ revision, fill })
    this.#history.set(key, list)
  }

  /** What is wrong with this value at this revision, or undefined. */
  problem(key: string, modRevision: number, value: Buffer, revision: number): string | undefined {
    const list = this.#history.get(key) ?? []
    const expected = list.findLast((one) => one.revision <= revision)
    if (expected === undefined) return `${key} did not exist at ${revision}`
    if (expected.revision !== modRevision) return `${key} at ${revision}: ${modRevision}, not ${expected.revision}`
    return value.length === VALUE_BYTES && value.every((byte) => byte === expected.fill) ? undefined : `${key}: bytes`
  }
}

function keyOf(i: number): string {
  return `${PREFIX}${String(i).padStart(5, '0')}`
}

async function put(client: EtcdClient, written: Written, i: number, fill: number): Promise<number> {
  const answer = await client.put({ key: keyOf(i), value: Buffer.alloc(VALUE_BYTES, fill) }, { deadlineMs: 60_000 })
  const revision = revisionOf(answer)
  written.add(keyOf(i), revision, fill)
  return revision
}

async function sessions(endpoint: string, count: number): Promise<ClientHttp2Session[]> {
  return Promise.all(Array.from({ length: count }, () => openSession(endpoint)))
}

async function concurrently(all: readonly ClientHttp2Session[], count: number): Promise<LargeAnswer[]> {
  return Promise.all(
    Array.from({ length: count }, (_, i) => readLargeRange(all[i % all.length] as ClientHttp2Session, ALL)),
  )
}

/** A hundred at once over `connections` connections. */
async function memoryOf(server: ServerProcess, connections: number): Promise<void> {
  const all = await sessions(server.endpoint, connections)
  try {
    await concurrently(all, 1)
    const peak = new PeakMemory(server.pid)
    const answers = await concurrently(all, ANSWERS)
    const grown = peak.growthBytes()
    console.log(`${ANSWERS} answers over ${connections} connections: the process grew by ${toMib(grown)} MiB at most`)
    assert.deepEqual(answers.filter(({ outcome }) => outcome !== 'whole'), [])
    assert.ok(answers.every(({ kvCount, bytes }) => kvCount === KEYS && bytes > KEYS * VALUE_BYTES))
    assert.ok(grown < GROWTH_BYTES_MAX, `grew by ${toMib(grown)} MiB`)
  } finally {
    for (const session of all) session.destroy()
  }
}

async function underCompaction(server: ServerProcess, client: EtcdClient, written: Written): Promise<void> {
  const all = await sessions(server.endpoint, SLOW_READERS)
  const peak = new PeakMemory(server.pid)
  let isOver = false
  const wrong: string[] = []
  const tally = new Map<string, number>()
  const read = async (i: number): Promise<void> => {
    while (!isOver) {
      const isImpatient = i % 3 === 0
      const answer = await readLargeRange(all[i] as ClientHttp2Session, ALL, {
        ...(i % 2 === 0 ? { pace: slowly() } : {}),
        ...(isImpatient ? { headers: DEADLINE } : {}),
        // What a put has told its client only later is known to the model only later.
        onKv: ({ key, modRevision, value }, revision) =>
          void values.push({ key: String(key), mod: modRevision, value, revision }),
      })
      tally.set(answer.outcome, (tally.get(answer.outcome) ?? 0) + 1)
      if (answer.outcome === 'short') wrong.push(`short: ${answer.detail}, ${answer.kvCount} of ${answer.count}`)
      if (answer.outcome === 'whole' && answer.kvCount !== KEYS) wrong.push(`${answer.kvCount} keys`)
    }
  }
  const values: { key: string; mod: number; value: Buffer; revision: number }[] = []
  const check = (): void => {
    for (const { key, mod, value, revision } of values.splice(0)) {
      const problem = written.problem(key, mod, value, revision)
      if (problem !== undefined) wrong.push(problem)
    }
  }
  const write = async (): Promise<void> => {
    const startedAt = performance.now()
    for (let i = 0; performance.now() - startedAt < COMPACTING_MS; i++) {
      const revision = await put(client, written, i % KEYS, i % 251)
      if (i % 20 === 19) await client.compact({ revision, physical: true }, { deadlineMs: 60_000 })
      check()
    }
    isOver = true
  }
  await Promise.all([write(), ...all.map((_, i) => read(i))])
  check()
  for (const session of all) session.destroy()
  console.log(`under compaction: ${[...tally].map(([outcome, count]) => `${count} ${outcome}`).join(', ')}`)
  assert.deepEqual(wrong.slice(0, 5), [])
  assert.ok((tally.get('whole') ?? 0) > 0 && (tally.get('reset') ?? 0) > 0, 'both ends were seen')
  assert.ok(peak.growthBytes() < GROWTH_BYTES_MAX, `grew by ${toMib(peak.growthBytes())} MiB`)
}

/** Takes so many octets a second and no more. */
function slowly(): NonNullable<ReadOptions['pace']> {
  const startedAt = performance.now()
  let taken = 0
  return async (bytes) => {
    taken += bytes
    const dueMs = (1000 * taken) / SLOW_BYTES_PER_SECOND - (performance.now() - startedAt)
    if (dueMs > 0) await wait(dueMs)
  }
}

function toMib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1)
}

await withServer({ kind: serverKind(), clientPort: PORT }, async (server) => {
  const client = new EtcdClient(server.endpoint)
  const written = new Written()
  for (let i = 0; i < KEYS; i++) await put(client, written, i, i % 251)
  for (const connections of [100, 1]) {
    const title = `100 answers of 20 MB over ${connections} connections are whole in bounded memory`
    await report.check(title, () => memoryOf(server, connections))
  }
  await report.check('with slow readers and compactions every answer is whole or reset, never short', () =>
    underCompaction(server, client, written),
  )
  client.close()
})
report.end()
