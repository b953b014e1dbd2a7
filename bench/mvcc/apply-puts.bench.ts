/**
 * What the mvcc thread pays for a put: entries out of their ring, one store transaction for each hundred, events,
 * words and answers, on the real store. Prints microseconds for each put; exits with 1 when the median of updates is
 * above the target. A machine that others use shows in mean and p99.
 *
 *     node dist/bench/mvcc/apply-puts.bench.js [seconds] [keys]
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Turn } from '../../src/actor/turn.js'
import { Prng } from '../../src/base/prng.js'
import { systemClock } from '../../src/base/system-clock.js'
import { EVENT_LOG_BYTES, MIB, RECENT_SLOT_BYTES } from '../../src/config/limits.js'
import { allocateEventLog } from '../../src/keyspace/event-log-layout.js'
import { EventLogWriter } from '../../src/keyspace/event-log-writer.js'
import { frontMessages } from '../../src/messages/front-messages.js'
import { leaseMessages } from '../../src/messages/lease-messages.js'
import { senderOf } from '../../src/messages/message-codec.js'
import { mvccMessages } from '../../src/messages/mvcc-messages.js'
import { raftMessages } from '../../src/messages/raft-messages.js'
import { memberPrefix, requestHigh, requestLow } from '../../src/messages/request-id.js'
import { SharedWords, Word, allocateWords } from '../../src/messages/shared-words.js'
import { allocateSyncTimes } from '../../src/messages/sync-times.js'
import { MvccActor } from '../../src/mvcc/mvcc-actor.js'
import type { Checkpointer } from '../../src/mvcc/checkpoint/checkpointer.js'
import { MVCC_LIMITS } from '../../src/mvcc/mvcc-context.js'
import { RaftBody, raftRequestSize, writeRaftRequest, type RaftBodyField } from '../../src/proto/hot/raft-request.js'
import { encodeCompactionRequest, encodePutRequest } from '../../src/proto/generated/etcdserverpb.js'
import { allocateRing } from '../../src/ring/ring-layout.js'
import { RingReader } from '../../src/ring/ring-reader.js'
import { RingWriter } from '../../src/ring/ring-writer.js'
import { EMPTY_BYTES } from '../../src/base/bytes.js'
import { RecentMemory, allocateRecent } from '../../src/store/recent/recent-memory.js'
import { SwitchingStore } from '../../src/store/generations/switching-store.js'
import { openLmdbStore } from '../../src/store/lmdb-store.js'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { QUIET_LOGGER } from '../../test/mvcc/support/quiet-logger.js'
import { memoryCounters } from '../../test/support/metrics/memory-counters.js'

const BATCH = 100
const VALUE_BYTES = 256
const TARGET_US = 5
const MEMBER_ID = 77n

const { words: amounts } = scriptOptions({
  does: 'What the mvcc thread pays for a put, on the real store.',
  words: { names: '[SECONDS [KEYS]]', kind: 'numbers', max: 2, text: 'how long, and over how many keys (5 and 10000)' },
})
const [seconds = 5, keyCount = 10_000] = amounts.map(Number)
const dir = mkdtempSync(join(tmpdir(), 'raftring-bench-'))
const prng = new Prng(7)
const turn = new Turn(systemClock)
const words = new SharedWords(allocateWords())
const store = openLmdbStore({ path: join(dir, 'store') })
const NO_SOURCE = { file: EMPTY_BYTES, begin: () => EMPTY_BYTES, adopt: () => undefined, giveUp: () => undefined }
/** None is ever due below. */
const noCheckpoints: Checkpointer = {
  isRunning: false,
  ordered: 0,
  isDone: () => true,
  begin: () => undefined,
  syncAhead: () => undefined,
  remove: () => undefined, place: () => true,
  hasOutcome: () => false,
  takeOutcome: () => ({ ok: false, code: 'no-space', message: '' }),
  waitForOutcome: () => undefined,
  close: () => undefined,
}

const inlet = allocateRing(8 * MIB)
const inletWriter = new RingWriter(inlet)
const apply = senderOf(mvccMessages, inletWriter)
const frontRing = allocateRing(4 * MIB)
const frontReader = new RingReader(frontRing)

const frontWriter = outlet(frontRing)
const actor = new MvccActor({
  memberId: MEMBER_ID,
  store: new SwitchingStore(store, new RecentMemory(allocateRecent(RECENT_SLOT_BYTES, 7))),
  firstGeneration: { number: 1, store, source: NO_SOURCE },
  generations: null,
  checkpointer: noCheckpoints,
  eventLog: new EventLogWriter(allocateEventLog(EVENT_LOG_BYTES), words),
  words,
  syncTimes: allocateSyncTimes(),
  fronts: [senderOf(frontMessages, frontWriter)],
  raft: senderOf(raftMessages, outlet(allocateRing(64 * 1024))),
  lease: senderOf(leaseMessages, outlet(allocateRing(MIB))),
  publish: () => turn.outbox.flush(),
  publishToFronts: () => undefined,
  awaitDurable: () => false,
  ringFronts: () => undefined,
  ringWatchers: () => undefined,
  onRemoved: () => undefined,
  peer: null,
  config: {
    compactionBatchMax: 1000,
    compactionSleepMs: 10,
    slowApplyMs: 100,
    quotaBytes: Infinity,
    learnersMax: 1, bootstrapDefragBytesMin: Infinity,
  },
  // Checkpoints are measured with the disk, elsewhere.
  limits: { ...MVCC_LIMITS, checkpointDirtyBytes: Infinity, syncAheadBytes: Infinity, checkpointMs: Infinity },
  clock: systemClock,
  counters: memoryCounters(),
  logger: QUIET_LOGGER,
})
turn.add(actor).add(new RingReader(inlet), 0)
turn.start()
// The first turn tells lease what the store has; entries are taken from the second on.
turn.run()

let index = 0
let sequence = 0
const value = new Uint8Array(VALUE_BYTES)

function outlet(memory: SharedArrayBuffer): RingWriter {
  const writer = new RingWriter(memory)
  turn.outbox.add(writer, null)
  return writer
}

function put(keyNumber: number): void {
  for (let i = 0; i < VALUE_BYTES; i += 4) value[i] = prng.u32()
  const key = Buffer.from(`/registry/pods/default/web-${String(keyNumber).padStart(8, '0')}`)
  send(RaftBody.put, encodePutRequest({ key, value }))
}

function send(field: RaftBodyField, body: Uint8Array): void {
  sequence++
  const high = requestHigh(memberPrefix(MEMBER_ID), 0, sequence)
  const low = requestLow(sequence)
  const data = new Uint8Array(raftRequestSize(high, low, field, body.length))
  writeRaftRequest(data, 0, high, low, field, body, 0, body.length)
  const times = {
    orderedMs: 0, proposedMs: 0, writeStartMs: 0, writtenMs: 0, syncedMs: 0, quorumMs: 0, committedMs: 0,
  }
  if (!apply.apply({ term: 2, index: ++index, type: 0, answer: 1, ...times, data })) throw new Error('ring full')
}

/** Milliseconds that the actor's thread spent on one batch. */
function batch(nextKey: () => number): number {
  for (let i = 0; i < BATCH; i++) put(nextKey())
  inletWriter.publish()
  const startedMs = systemClock.nowMs()
  turn.run()
  const tookMs = systemClock.nowMs() - startedMs
  let answers = 0
  while (frontReader.next()) answers++
  frontReader.release()
  if (answers !== BATCH) throw new Error(`${answers} answers`)
  return tookMs
}

/** Median and total, over batches for as long as asked. */
function measure(name: string, nextKey: () => number, forMs: number): number {
  const took: number[] = []
  let totalMs = 0
  while (totalMs < forMs) {
    const ms = batch(nextKey)
    took.push(ms)
    totalMs += ms
  }
  took.sort((a, b) => a - b)
  const perPut = (ms: number): string => ((ms * 1000) / BATCH).toFixed(2).padStart(8)
  const at = (q: number): number => took[Math.floor((took.length - 1) * q)] as number
  process.stdout.write(
    `${name.padEnd(28)} p50${perPut(at(0.5))} us  mean${perPut(totalMs / took.length)}  p99${perPut(at(0.99))}  `
      + `${Math.round((took.length * BATCH) / (totalMs / 1000))} put/s\n`,
  )
  return (at(0.5) * 1000) / BATCH
}

process.stdout.write(`${cpus()[0]?.model ?? 'cpu'}, Node ${process.version}, batches of ${BATCH} x ${VALUE_BYTES} B\n`)
let next = 0
while (next < keyCount) batch(() => next++)
measure('warm-up', () => prng.between(0, keyCount - 1), 500)
const updates = measure('random keys, updates', () => prng.between(0, keyCount - 1), seconds * 400)
measure('new keys in order', () => next++, seconds * 200)
measure('one key', () => 5, seconds * 100)
send(RaftBody.compaction, encodeCompactionRequest({ revision: words.load(Word.currentRevision) }))
inletWriter.publish()
turn.run()
while (frontReader.next()) continue
measure('updates during compaction', () => prng.between(0, keyCount - 1), seconds * 300)
process.exitCode = updates > TARGET_US ? 1 : 0
store.close()
rmSync(dir, { recursive: true, force: true })
