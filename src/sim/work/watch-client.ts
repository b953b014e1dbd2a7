/** A client that watches a range for as long as the run lasts, over as many streams as it takes. */

import { utf8, text as textOf } from '../../base/bytes.js'
import type { Prng } from '../../base/prng.js'
import {
  WatchCreateRequestFilterType,
  decodeWatchResponse,
  encodeWatchRequest,
  type WatchResponse,
} from '../../proto/generated/etcdserverpb.js'
import { EventType, type Event } from '../../proto/generated/mvccpb.js'
import type { Change, KeyRange, Truth } from '../checkers/truth.js'
import { WatchChecker } from '../checkers/watch-checker.js'
import type { SimNode } from '../world/sim-node.js'
import type { World } from '../world/world.js'
import { seenKey } from './kv-wire.js'
import type { Connections, SimStream } from './sim-connection.js'

const WATCH = '/etcdserverpb.Watch/Watch'
const RECONNECT_MS = 150
/** Streams are closed by their client now and then. */
const LIFE_MS = 9000
const PROGRESS_MS = 1500

export interface WatchContext {
  readonly world: World
  readonly nodes: readonly SimNode[]
  readonly connections: Connections
  readonly truth: Truth
  /** The highest revision that anybody has asked to compact to. */
  readonly compactedMax: () => number
}

export class WatchClient {
  readonly checker: WatchChecker
  readonly #context: WatchContext
  readonly #random: Prng
  readonly #filters: readonly number[]
  #stream: SimStream | null = null
  #node: SimNode | null = null
  /** Streams so far: what an old one says late is not this one's. */
  #streams = 0
  #events: Change[] = []
  #isClosing = false

  constructor(name: string, range: KeyRange, context: WatchContext) {
    this.#context = context
    this.#random = context.world.stream()
    const noPut = this.#random.chance(0.1)
    const noDelete = !noPut && this.#random.chance(0.1)
    this.#filters = [
      ...(noPut ? [WatchCreateRequestFilterType.NOPUT] : []),
      ...(noDelete ? [WatchCreateRequestFilterType.NODELETE] : []),
    ]
    const from = this.#random.chance(0.5) ? 0 : 2
    this.checker = new WatchChecker(context.truth, { name, range, from, noPut, noDelete })
  }

  get name(): string {
    return this.checker.name
  }

  start(): void {
    this.#later(this.#context.world.around(RECONNECT_MS, this.#random), () => this.#open())
  }

  /** It stays with a stream that works from here on. */
  settle(): void {
    this.#isClosing = true
  }

  #later(delayMs: number, what: () => void): void {
    this.#context.world.time.after(delayMs, what)
  }

  #open(): void {
    const { nodes, connections, world } = this.#context
    const up = nodes.filter((node) => node.isServing)
    if (up.length === 0) return this.start()
    const node = this.#random.pick(up)
    this.#node = node
    const number = ++this.#streams
    this.#events = []
    const { range, next } = this.checker
    world.say(this.name, () => `${node.name}: watches from ${next}`)
    const stream = connections.stream(node, { method: WATCH, user: '' }, {
      onMessage: (bytes) => {
        if (number === this.#streams) this.#hear(decodeWatchResponse(bytes))
      },
      onEnd: () => {
        if (number === this.#streams) this.#lost('its stream ended')
      },
    })
    this.#stream = stream
    stream.send(encodeWatchRequest({
      create_request: {
        key: utf8(range.key),
        range_end: utf8(range.end),
        start_revision: next,
        filters: this.#filters,
        prev_kv: this.#random.chance(0.3),
        fragment: this.#random.chance(0.2),
      },
    }))
    this.#plan(number)
  }

  /** Asks for progress now and then, and leaves a stream after a while. */
  #plan(number: number): void {
    const { world } = this.#context
    this.#later(world.around(PROGRESS_MS, this.#random), () => {
      if (number !== this.#streams || this.#stream === null) return
      this.#stream.send(encodeWatchRequest({ progress_request: {} }))
      this.#plan(number)
    })
    if (this.#streams !== number || this.#isClosing) return
    if (this.#random.chance(PROGRESS_MS / LIFE_MS)) {
      this.#later(world.around(PROGRESS_MS, this.#random), () => {
        if (number !== this.#streams || this.#isClosing) return
        this.#stream?.close()
        this.#lost('closes its stream')
      })
    }
  }

  #lost(why: string): void {
    this.#context.world.say(this.name, () => `${this.#node?.name ?? ''}: ${why}`)
    this.#streams++
    this.#stream = null
    this.start()
  }

  #hear(response: WatchResponse): void {
    const { world } = this.#context
    const revision = response.header?.revision ?? 0
    if (response.canceled) return this.#canceled(response)
    if (response.created) {
      this.checker.onCreated(revision)
      return
    }
    const isProgress = response.events.length === 0 && !response.fragment
    const problem = isProgress ? this.checker.onProgress(revision) : this.#take(response)
    if (problem !== null) return world.fail('correctness', `${problem}; by ${this.#node?.name ?? 'nobody'}`)
    if (!isProgress) world.say(this.name, () => `hears ${response.events.length} events up to ${this.checker.next - 1}`)
  }

  #take(response: WatchResponse): string | null {
    for (const event of response.events) this.#events.push(changeOf(event))
    // All fragments of a response belong together: whole revisions come out of them.
    if (response.fragment) return null
    const events = this.#events
    this.#events = []
    return this.checker.onEvents(events, false)
  }

  #canceled(response: WatchResponse): void {
    const { world, compactedMax } = this.#context
    if (response.compact_revision > 0) {
      const problem = this.checker.onCompacted(response.compact_revision, compactedMax())
      if (problem !== null) return world.fail('correctness', problem)
    }
    this.#stream?.close()
    this.#lost(`is canceled (${response.cancel_reason}, compacted to ${response.compact_revision})`)
  }
}

function changeOf({ type, kv }: Event): Change {
  if (kv === undefined) throw new Error('an event has a key')
  const { key, value, createRevision, modRevision, version, leaseId } = seenKey(kv)
  if (type === EventType.DELETE) {
    return { key: textOf(kv.key), value: null, createRevision, modRevision, version, leaseId }
  }
  return { key, value, createRevision, modRevision, version, leaseId }
}
