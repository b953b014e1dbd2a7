/**
 * A client that reads ten answers of 10 MB over one connection, again and again, and watches a key over the same
 * connection: how much later than the put's own answer, on a connection of its own, its event arrives. What the disk
 * takes is in both.
 *   node dist/test/limits/fairness.js [--seconds 8] [--latency]
 * With --latency, on a machine that does nothing else, the delay is judged by what is promised; otherwise by what only
 * a watch that is starved takes.
 */

import { strict as assert } from 'node:assert'
import type { ClientHttp2Session } from 'node:http2'
import { setTimeout as wait } from 'node:timers/promises'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { EtcdClient, prefixEnd } from '../support/etcd-client.js'
import { WatchRequest, WatchResponse } from '../support/etcd-messages.js'
import { frame, openSession } from '../support/raw-call.js'
import { Report } from '../support/report.js'
import { serverKind, withServer } from '../support/server-process.js'
import { readLargeRange } from './large-answer.js'

const PORT = 23_310
const KEYS = 100
const VALUE_BYTES = 100 * 1024
const RANGES = 10
const PREFIX = 'fair/'
const ALL = { key: PREFIX, rangeEnd: prefixEnd(PREFIX) }
const WATCHED = 'watched'
const PUT_EVERY_MS = 5
const P99_MS_MAX = 50
const STARVED_MS = 1000
const MESSAGE_PREFIX_BYTES = 5

const { values } = scriptOptions({
  does: 'How late the events of a watch are while ten readers take large answers over the same connection.',
  options: {
    seconds: { type: 'number', default: 8, min: 1, text: 'how long it is measured, without readers and with them' },
    latency: { type: 'switch', text: 'judges the delay by what is promised; only on a machine that does nothing else' },
  },
})
const runMs = 1000 * values.seconds
const report = new Report()

/** Calls back with every value that the watched key gets, as it arrives on this connection. */
async function watchOver(session: ClientHttp2Session, onValue: (value: string) => void): Promise<void> {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/etcdserverpb.Watch/Watch',
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  stream.on('error', () => undefined)
  stream.write(frame(WatchRequest.encode({ createRequest: { key: WATCHED } })))
  let rest = Buffer.alloc(0)
  await new Promise<void>((created) => {
    stream.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      for (;;) {
        if (rest.length < MESSAGE_PREFIX_BYTES) return
        const end = MESSAGE_PREFIX_BYTES + rest.readUInt32BE(1)
        if (rest.length < end) return
        const response = WatchResponse.decode(rest.subarray(MESSAGE_PREFIX_BYTES, end))
        rest = rest.subarray(end)
        if (response.created) created()
        for (const { kv } of response.events) if (kv !== undefined) onValue(kv.value.toString())
      }
    })
  })
}

/** Milliseconds from the answer of each put to its event, sorted; 0 when the event was first. */
async function delays(endpoint: string, ranges: number): Promise<{ sorted: number[]; answers: number }> {
  const session = await openSession(endpoint)
  const putter = new EtcdClient(endpoint)
  const answeredMs = new Map<string, number>()
  const heardMs = new Map<string, number>()
  await watchOver(session, (value) => void heardMs.set(value, performance.now()))
  const startedAt = performance.now()
  const isOver = (): boolean => performance.now() - startedAt > runMs
  let answers = 0
  const reader = async (): Promise<void> => {
    while (!isOver()) {
      const answer = await readLargeRange(session, ALL)
      assert.equal(answer.outcome, 'whole', answer.detail)
      answers++
    }
  }
  const writer = async (): Promise<void> => {
    const puts: Promise<unknown>[] = []
    for (let i = 0; !isOver(); i++) {
      const value = String(i)
      puts.push(putter.put({ key: WATCHED, value }).then(() => answeredMs.set(value, performance.now())))
      await wait(PUT_EVERY_MS)
    }
    await Promise.all(puts)
  }
  await Promise.all([writer(), ...Array.from({ length: ranges }, reader)])
  while (heardMs.size < answeredMs.size && performance.now() - startedAt < runMs + 5000) await wait(10)
  assert.equal(heardMs.size, answeredMs.size, 'every put has its event')
  putter.close()
  session.destroy()
  const found = [...answeredMs].map(([value, atMs]) => Math.max(0, (heardMs.get(value) ?? NaN) - atMs))
  return { sorted: found.toSorted((a, b) => a - b), answers }
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN
}

await withServer({ kind: serverKind(), clientPort: PORT }, async (server) => {
  const client = new EtcdClient(server.endpoint)
  for (let i = 0; i < KEYS; i++) await client.put({ key: `${PREFIX}${i}`, value: Buffer.alloc(VALUE_BYTES, i) })
  for (const ranges of [0, RANGES]) {
    const title = `a watch beside ${ranges} readers on its connection hears of a put, every put`
    await report.check(title, async () => {
      const { sorted, answers } = await delays(server.endpoint, ranges)
      const text = [0.5, 0.99, 1].map((q) => quantile(sorted, q).toFixed(1)).join(' / ')
      console.log(`${ranges} readers, ${answers} answers: ${sorted.length} events, p50 / p99 / most ${text} ms`)
      const p99Ms = quantile(sorted, 0.99)
      assert.ok(p99Ms < (values.latency ? P99_MS_MAX : STARVED_MS), `p99 is ${p99Ms.toFixed(1)} ms`)
    })
  }
  client.close()
})
report.end()
