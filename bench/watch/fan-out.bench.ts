/**
 * What a watch worker pays for one event: out of the event log, matched, encoded once, into its front's ring with the
 * numbers of all who watch. Prints microseconds for each event and nanoseconds for each watcher that gets it.
 *
 *     node dist/bench/watch/fan-out.bench.js [events] [watchers]
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Turn } from '../../src/actor/turn.js'
import { EMPTY_BYTES, utf8, type Bytes } from '../../src/base/bytes.js'
import { Slice } from '../../src/base/slice.js'
import { systemClock } from '../../src/base/system-clock.js'
import { EVENT_LOG_BYTES, MIB } from '../../src/config/limits.js'
import { allocateEventLog } from '../../src/keyspace/event-log-layout.js'
import { EventLogWriter } from '../../src/keyspace/event-log-writer.js'
import { KeyspaceWriter } from '../../src/keyspace/keyspace-writer.js'
import { frontMessages } from '../../src/messages/front-messages.js'
import { senderOf } from '../../src/messages/message-codec.js'
import { SharedWords, Word, allocateWords } from '../../src/messages/shared-words.js'
import { WatchOption, watchMessages } from '../../src/messages/watch-messages.js'
import { allocateRing } from '../../src/ring/ring-layout.js'
import { RingReader } from '../../src/ring/ring-reader.js'
import { RingWriter } from '../../src/ring/ring-writer.js'
import { openLmdbStore } from '../../src/store/lmdb-store.js'
import { WatchActor } from '../../src/watch/watch-actor.js'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { QUIET_LOGGER } from '../../test/mvcc/support/quiet-logger.js'
import { machineFacts } from '../ring/machine-facts.js'
import { memoryCounters } from '../../test/support/metrics/memory-counters.js'

const VALUE_BYTES = 256
const WARM_UP = 0.2

const { words } = scriptOptions({
  does: 'What a watch worker pays for one event: matched, encoded once, into the ring of its front.',
  words: { names: '[EVENTS [WATCHERS]]', kind: 'numbers', max: 2, text: 'how many (3000 and 1000)' },
})
const [events = 3000, watchers = 1000] = words.map(Number)
const value = new Slice().at(new Uint8Array(VALUE_BYTES), 0, VALUE_BYTES)

/** A worker with one front, and a key space that is written between its turns. */
class Bench {
  readonly #words = new SharedWords(allocateWords())
  readonly #dir = mkdtempSync(join(tmpdir(), 'raftring-bench-'))
  readonly #store = openLmdbStore({ path: join(this.#dir, 'store') })
  readonly #writer = new KeyspaceWriter()
  readonly #log: EventLogWriter
  readonly #turn = new Turn(systemClock)
  readonly #inlet: RingWriter
  readonly #outlet: RingReader
  #revision = 1
  #created = 0

  constructor() {
    const eventLog = allocateEventLog(EVENT_LOG_BYTES)
    this.#log = new EventLogWriter(eventLog, this.#words)
    const inlet = allocateRing(4 * MIB)
    const outlet = allocateRing(4 * MIB)
    const writer = new RingWriter(outlet)
    this.#turn.outbox.add(writer, null)
    this.#inlet = new RingWriter(inlet)
    this.#outlet = new RingReader(outlet)
    const actor = new WatchActor({
      index: 0,
      words: this.#words,
      eventLog,
      recentRows: null,
      openStore: () => openLmdbStore({ path: join(this.#dir, 'store'), readOnly: true }),
      fronts: [senderOf(frontMessages, writer)],
      progressNotifyMs: 600_000,
      seed: 1,
      counters: memoryCounters(),
      logger: QUIET_LOGGER,
    })
    this.#turn.add(actor).add(new RingReader(inlet), 0)
    this.#turn.start()
    this.#write([])
  }

  watch(key: Bytes, rangeEnd: Bytes, options = 0): void {
    const watcher = ++this.#created
    const sent = senderOf(watchMessages, this.#inlet).create({
      watcher, stream: 1, options, startRevision: 0, key, rangeEnd,
    })
    if (!sent) throw new Error('ring full')
    this.#inlet.publish()
    if (watcher % 1000 === 0) this.#drain()
  }

  /** Milliseconds of the worker's thread for one event each. */
  run(count: number, keyOf: (event: number) => Bytes): number[] {
    this.#drain()
    const times: number[] = []
    for (let event = 0; event < count; event++) {
      this.#write([keyOf(event)])
      const startedMs = systemClock.nowMs()
      this.#turn.run()
      times.push(systemClock.nowMs() - startedMs)
      this.#read()
    }
    return times.slice(Math.floor(count * WARM_UP))
  }

  close(): void {
    this.#turn.close()
    this.#store.close()
    rmSync(this.#dir, { recursive: true })
  }

  #write(keys: readonly Bytes[]): void {
    const result = this.#store.transact((transaction) => {
      const writer = this.#writer
      writer.begin(transaction)
      for (const key of keys) {
        const record = writer.put(new Slice().at(key, 0, key.length), value, 0n, ++this.#revision, 0)
        this.#log.append(this.#revision, 0, record.bytes, record.start, record.end)
      }
      writer.setCurrentRevision(this.#revision)
      writer.finish()
    })
    if (!result.ok) throw new Error(result.message)
    this.#log.publish()
    this.#words.store(Word.currentRevision, this.#revision)
  }

  #drain(): void {
    while (this.#turn.run() > 0) this.#read()
    this.#read()
  }

  #read(): void {
    while (this.#outlet.next()) continue
    this.#outlet.release()
  }
}

function report(name: string, receivers: number, times: number[]): void {
  times.sort((a, b) => a - b)
  const at = (share: number): number => (times[Math.floor(times.length * share)] as number) * 1000
  const each = receivers === 0 ? '' : `, ${((at(0.5) * 1000) / receivers).toFixed(0)} ns for each of ${receivers}`
  console.log(`${name}: p50 ${at(0.5).toFixed(1)} us, p99 ${at(0.99).toFixed(1)} us an event${each}`)
}

const name = (i: number): Bytes => utf8(`/registry/pods/namespace-${i % 50}/pod-${i}`)

interface Scenario {
  readonly title: string
  readonly receivers: number
  readonly set: (bench: Bench) => void
  readonly keyOf: (event: number) => Bytes
}

const hot = name(0)
const scenarios: readonly Scenario[] = [
  {
    title: 'all watch the key',
    receivers: watchers,
    set: (bench) => times(watchers, () => bench.watch(hot, EMPTY_BYTES)),
    keyOf: () => hot,
  },
  {
    title: 'all watch the key and want what was before',
    receivers: watchers,
    set: (bench) => times(watchers, () => bench.watch(hot, EMPTY_BYTES, WatchOption.prevKv)),
    keyOf: () => hot,
  },
  {
    title: 'all watch a range of their own around the key',
    receivers: watchers,
    set: (bench) => times(watchers, (i) => bench.watch(utf8(`/registry/${i}`), utf8(`/registry/x${i}`))),
    keyOf: () => utf8('/registry/pods'),
  },
  {
    title: 'each watches a key of its own',
    receivers: 1,
    set: (bench) => times(watchers, (i) => bench.watch(name(i), EMPTY_BYTES)),
    keyOf: (event) => name(event % watchers),
  },
  {
    title: 'nobody watches the key',
    receivers: 0,
    set: (bench) => times(watchers, (i) => {
      bench.watch(name(i), i % 2 === 0 ? EMPTY_BYTES : utf8(`/registry/pods0${i}`))
    }),
    keyOf: () => utf8('/elsewhere'),
  },
]

function times(count: number, work: (i: number) => void): void {
  for (let i = 0; i < count; i++) work(i)
}

console.log(machineFacts())
console.log(`${watchers} watchers, one front, values of ${VALUE_BYTES} bytes, an event in each turn`)
for (const { title, receivers, set, keyOf } of scenarios) {
  const bench = new Bench()
  set(bench)
  report(title, receivers, bench.run(events, keyOf))
  bench.close()
}
