/**
 * A watch worker between real rings, over a real key space on a store in memory. The rig commits, compacts, speaks for
 * fronts, and holds every record that comes back against its own history: each event once, in order, whole revisions,
 * nothing left out that was promised.
 */

import assert from 'node:assert/strict'
import { runUntilQuiet } from '../../src/actor/inline-runner.js'
import { Turn } from '../../src/actor/turn.js'
import { copyBytes, text, utf8, type Bytes } from '../../src/base/bytes.js'
import { Slice } from '../../src/base/slice.js'
import { allocateEventLog } from '../../src/keyspace/event-log-layout.js'
import { EventLogWriter } from '../../src/keyspace/event-log-writer.js'
import { LATEST } from '../../src/keyspace/keyspace-view.js'
import { KeyspaceWriter } from '../../src/keyspace/keyspace-writer.js'
import { frontMessages, type FrontMessages } from '../../src/messages/front-messages.js'
import { dispatcherOf, senderOf, type Dispatch } from '../../src/messages/message-codec.js'
import type { Handler, Message, Sender } from '../../src/messages/protocol.js'
import { SharedWords, Word, allocateWords } from '../../src/messages/shared-words.js'
import { WatchOption, watchMessages, type WatchMessages } from '../../src/messages/watch-messages.js'
import type { Logger } from '../../src/metrics/logger.js'
import { decodeWatchResponse } from '../../src/proto/generated/etcdserverpb.js'
import type { Event, KeyValue } from '../../src/proto/generated/mvccpb.js'
import { allocateRing } from '../../src/ring/ring-layout.js'
import { RingReader } from '../../src/ring/ring-reader.js'
import { RingWriter } from '../../src/ring/ring-writer.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import type { ReadableStore, Store } from '../../src/store/store.js'
import { WatchActor } from '../../src/watch/watch-actor.js'
import { ClientWatch, show, showEvent, type Change, type PastEvent, type WatchOptions } from './client-watch.js'
import { memoryCounters } from '../support/metrics/memory-counters.js'

export interface RigOptions {
  readonly fronts?: number
  readonly logBytes?: number
  readonly ringBytes?: number
  readonly partBytesMax?: number
  readonly progressNotifyMs?: number
  /** The store that the rig writes, and the one that the worker reads: the same one in memory if not given. */
  readonly store?: { readonly writer: Store; readonly reader: () => ReadableStore }
}

const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  enabled: () => false,
}

interface FrontEnd {
  readonly writer: RingWriter
  readonly sender: Sender<WatchMessages>
  readonly reader: RingReader
  readonly hear: Dispatch
  /** Parts of a block that has not ended. */
  parts: Bytes[]
}

export class WatchRig {
  nowMs = 1000
  readonly words = new SharedWords(allocateWords())
  readonly turn: Turn
  readonly watches: ClientWatch[] = []
  /** Answers to progress requests: stream and revision. */
  readonly progress: { readonly front: number; readonly stream: number; readonly revision: number }[] = []
  readonly history: PastEvent[] = []
  revision = 1
  compactRevision = -1
  readonly #store: Store
  readonly #writer = new KeyspaceWriter()
  readonly #log: EventLogWriter
  readonly #fronts: FrontEnd[]
  readonly #live = new Map<string, string>()
  #applied = 0

  constructor(options: RigOptions = {}) {
    this.#store = options.store?.writer ?? new MemoryStore()
    const memory = allocateEventLog(options.logBytes ?? 1 << 20)
    this.#log = new EventLogWriter(memory, this.words)
    this.#transact(() => undefined)
    this.turn = new Turn({ nowMs: () => this.nowMs, wallMs: () => 0 })
    const count = options.fronts ?? 1
    const toFronts = Array.from({ length: count }, () => allocateRing(options.ringBytes ?? 1 << 20))
    const writers = toFronts.map((ring) => new RingWriter(ring))
    for (const writer of writers) this.turn.outbox.add(writer, null)
    const inbox = this.turn.add(new WatchActor({
      words: this.words,
      eventLog: memory,
      recentRows: null,
      index: 0,
      openStore: options.store?.reader ?? (() => this.#store),
      fronts: writers.map((writer) => senderOf(frontMessages, writer)),
      progressNotifyMs: options.progressNotifyMs ?? 600_000,
      seed: 7,
      counters: memoryCounters(),
      logger: silentLogger,
      partBytesMax: options.partBytesMax ?? 64 * 1024,
    }))
    this.#fronts = toFronts.map((ring, front) => {
      const toWatch = allocateRing(1 << 20)
      inbox.add(new RingReader(toWatch), front)
      const writer = new RingWriter(toWatch)
      const hear = dispatcherOf(frontMessages, this.#handlerOf(front))
      return { writer, sender: senderOf(watchMessages, writer), reader: new RingReader(ring), hear, parts: [] }
    })
    this.turn.start()
  }

  /** One store transaction and one publication of the log: a revision for each list of changes. */
  commit(...revisions: readonly (readonly Change[])[]): void {
    this.#transact(() => {
      for (const changes of revisions) this.#applyRevision(changes)
    })
  }

  put(key: string, value: string): void {
    this.commit([{ key, value }])
  }

  compact(revision: number): void {
    this.compactRevision = revision
    this.#transact(() => {
      this.#writer.setCurrentRevision(this.revision)
      this.#writer.setCompactRevision(revision)
    })
  }

  /** Removes what the compaction allows, all of it. */
  compactPhysically(): void {
    if (this.compactRevision < 0) return
    for (let done = false; !done;) {
      this.#store.transact((transaction) => {
        this.#writer.begin(transaction)
        done = this.#writer.compactSlice(this.compactRevision, 50, LATEST).done
        this.#writer.finish()
      })
    }
  }

  watch(options: WatchOptions): ClientWatch {
    const watch = new ClientWatch(this.watches.length + 1, options)
    this.watches.push(watch)
    const { prevKv, progressNotify, noPut, noDelete, startRevision, key, rangeEnd } = options
    const bits =
      (prevKv === true ? WatchOption.prevKv : 0) | (progressNotify === true ? WatchOption.progressNotify : 0) |
      (noPut === true ? WatchOption.noPut : 0) | (noDelete === true ? WatchOption.noDelete : 0)
    this.#tell(watch.front, (watcher) => watcher.create({
      watcher: watch.number,
      stream: watch.stream,
      options: bits,
      startRevision: startRevision ?? 0,
      key: utf8(key),
      rangeEnd: utf8(rangeEnd ?? ''),
    }))
    return watch
  }

  cancel(watch: ClientWatch): void {
    if (!watch.isOver) watch.state = watch.state === 'creating' ? 'creating' : 'canceling'
    this.#tell(watch.front, (watcher) => watcher.cancel({ watcher: watch.number }))
  }

  closeStream(front: number, stream: number): void {
    for (const watch of this.watches) {
      if (watch.front === front && watch.stream === stream && !watch.isOver) watch.state = 'closed'
    }
    this.#tell(front, (watcher) => watcher.closeStream({ stream }))
  }

  pause(front: number, stream: number): void {
    this.#tell(front, (watcher) => watcher.pause({ stream }))
  }

  resume(front: number, stream: number): void {
    this.#tell(front, (watcher) => watcher.resume({ stream }))
  }

  askProgress(front: number, stream: number): void {
    this.#tell(front, (watcher) => watcher.progress({ stream }))
  }

  /** One turn of the worker; fronts do not read. */
  step(): number {
    return this.turn.run()
  }

  /** The front takes at most so many records. */
  read(front: number, recordsMax = Infinity): void {
    const end = this.#fronts[front] as FrontEnd
    for (let i = 0; i < recordsMax && end.reader.next(); i++) end.hear(end.reader)
    end.reader.release()
  }

  /** Everything comes to rest: full rings are emptied and looked at again. */
  settle(): void {
    for (let quiet = 0; quiet < 3;) {
      const turns = runUntilQuiet(this.turn)
      const waiting = this.#fronts.some(({ reader }) => reader.hasNext())
      this.#fronts.forEach((_, front) => this.read(front))
      quiet = turns === 0 && !waiting ? quiet + 1 : 0
      this.nowMs += 1
    }
  }

  /** Fails if a watcher is owed anything that has happened. */
  assertComplete(): void {
    for (const watch of this.watches) {
      if (watch.state === 'live') assert.deepEqual(this.#owed(watch, Infinity).map(show), [], `watcher ${watch.number}`)
    }
  }

  #transact(change: () => void): void {
    const result = this.#store.transact((transaction) => {
      this.#writer.begin(transaction)
      change()
      this.#writer.setCurrentRevision(this.revision)
      this.#writer.setApplied(++this.#applied, 1)
      this.#writer.finish()
    })
    assert.ok(result.ok)
    this.#log.publish()
    this.words.store(Word.currentRevision, this.revision)
    this.words.store(Word.compactRevision, this.compactRevision)
    this.words.store(Word.appliedIndex, this.#applied)
  }

  #applyRevision(changes: readonly Change[]): void {
    const main = this.revision + 1
    let sub = 0
    for (const { key, value } of changes) {
      const source = slice(utf8(key))
      const record = value === null
        ? this.#writer.remove(source, main, sub)
        : this.#writer.put(source, slice(utf8(value)), 0n, main, sub)
      if (record === null) continue
      this.#log.append(main, sub, record.bytes, record.start, record.end)
      const previous = this.#live.get(key) ?? null
      this.history.push({ revision: main, key: utf8(key), value, previous })
      if (value === null) this.#live.delete(key)
      else this.#live.set(key, value)
      sub++
    }
    if (sub > 0) this.revision = main
  }

  #tell(front: number, send: (sender: Sender<WatchMessages>) => boolean): void {
    const { sender, writer } = this.#fronts[front] as FrontEnd
    assert.ok(send(sender), 'the ring to watch is full')
    writer.publish()
  }

  #owed(watch: ClientWatch, upTo: number): PastEvent[] {
    return this.history.filter((event) => {
      return event.revision >= watch.from && event.revision <= upTo && watch.wants(event)
    })
  }

  #find(front: number, number: number): ClientWatch {
    const watch = this.watches[number - 1]
    assert.ok(watch !== undefined && watch.front === front, `watcher ${number} is not of front ${front}`)
    return watch
  }

  #handlerOf(front: number): Handler<FrontMessages> {
    const methods: Partial<Handler<FrontMessages>> = {
      onWatchCreated: (message) => this.#created(this.#find(front, message.watcher), message),
      onWatchEvents: (message) => this.#heard(front, message),
      onWatchCanceled: (message) => this.#canceled(this.#find(front, message.watcher), message),
      onWatchProgress: ({ stream, revision }) => this.#progressed(front, stream, revision),
      onWatchNotify: ({ watcher, revision }) => this.#noticed(this.#find(front, watcher), revision),
    }
    return new Proxy(methods, {
      get(target, name) {
        const method = (target as Record<string | symbol, unknown>)[name]
        assert.ok(method !== undefined, `unexpected ${String(name)}`)
        return method
      },
    }) as unknown as Handler<FrontMessages>
  }

  #created(watch: ClientWatch, message: Message<FrontMessages, 'watchCreated'>): void {
    if (watch.state === 'closed') return
    assert.equal(watch.state, 'creating')
    assert.equal(message.error, 0)
    watch.state = 'live'
    watch.createdRevision = message.revision
    const start = watch.options.startRevision ?? 0
    watch.from = start === 0 ? message.revision + 1 : start
  }

  #canceled(watch: ClientWatch, message: Message<FrontMessages, 'watchCanceled'>): void {
    if (watch.state === 'closed') return
    if (message.compactRevision === 0) {
      watch.state = 'canceled'
      return
    }
    assert.ok(message.compactRevision <= this.compactRevision, 'compacted to a revision that nobody compacted to')
    assert.ok(watch.from < message.compactRevision, 'a watcher ended although nothing of it is compacted')
    assert.ok(watch.state === 'live' || watch.state === 'canceling', `compacted while ${watch.state}`)
    watch.compactRevision = message.compactRevision
    watch.state = 'compacted'
  }

  #heard(front: number, message: Message<FrontMessages, 'watchEvents'>): void {
    const end = this.#fronts[front] as FrontEnd
    end.parts.push(message.events.copy())
    if (message.more === 1) return
    const bytes = Buffer.concat(end.parts)
    end.parts = []
    assert.equal(bytes.length, message.totalBytes)
    const { events } = decodeWatchResponse(bytes)
    const numbers = new Uint32Array(copyBytes(message.watchers.view()).buffer)
    assert.ok(numbers.length > 0, 'events for nobody')
    for (const number of numbers) this.#delivered(this.#find(front, number), message.revision, events)
  }

  #delivered(watch: ClientWatch, revision: number, events: readonly Event[]): void {
    if (watch.isOver) return
    assert.ok(watch.state === 'live' || watch.state === 'canceling', `events while ${watch.state}`)
    const last = Number(events.at(-1)?.kv?.mod_revision ?? 0)
    assert.ok(revision >= last, `header at ${revision}, last event at ${last}`)
    const owed = this.#owed(watch, last)
    assert.deepEqual(events.map(showEvent), owed.map(show), `events of watcher ${watch.number}`)
    events.forEach((event, i) => this.#compare(watch, event, owed[i] as PastEvent))
    watch.from = last + 1
    watch.previous.push(...events.map(({ prev_kv }) => (prev_kv === undefined ? null : text(prev_kv.value))))
    watch.responses.push({ revision, events: events.map(showEvent) })
  }

  #compare(watch: ClientWatch, event: Event, owed: PastEvent): void {
    const { prev_kv } = event
    if (watch.options.prevKv !== true || owed.previous === null) {
      assert.equal(prev_kv, undefined)
    } else if (owed.revision - 1 < this.compactRevision) {
      // It may have been sent before the compaction.
      if (prev_kv !== undefined) assert.equal(text(prev_kv.value), owed.previous)
    } else {
      assert.equal(text((prev_kv as KeyValue).value), owed.previous)
    }
  }

  #progressed(front: number, stream: number, revision: number): void {
    this.progress.push({ front, stream, revision })
    for (const watch of this.watches) {
      if (watch.front === front && watch.stream === stream && watch.state === 'live') this.#assertTold(watch, revision)
    }
  }

  #noticed(watch: ClientWatch, revision: number): void {
    if (watch.isOver) return
    this.#assertTold(watch, revision)
    watch.notices.push(revision)
  }

  #assertTold(watch: ClientWatch, revision: number): void {
    assert.deepEqual(this.#owed(watch, revision).map(show), [], `progress of watcher ${watch.number} passes its events`)
  }
}

function slice(bytes: Bytes): Slice {
  return new Slice().at(bytes, 0, bytes.length)
}
