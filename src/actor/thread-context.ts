/** One thread's ends of everything shared, from which its actors are built. */

import type { Clock } from '../base/clock.js'
import { assert } from '../base/assert.js'
import { senderOf } from '../messages/message-codec.js'
import type { Protocol, Sender } from '../messages/protocol.js'
import { SharedWords, Word } from '../messages/shared-words.js'
import { Doorbell } from '../ring/doorbell.js'
import { RingReader } from '../ring/ring-reader.js'
import { RingWriter } from '../ring/ring-writer.js'
import { Counters } from '../metrics/counters.js'
import type { Logger } from '../metrics/logger.js'
import type { Actor, ActorName } from './actor.js'
import type { ThreadStart } from './thread-start.js'
import { ThreadMeter } from './meter/thread-meter.js'
import { Turn } from './turn.js'

export interface ActorAddress {
  readonly name: ActorName
  readonly index: number
}

export class ThreadContext {
  readonly start: ThreadStart
  readonly clock: Clock
  readonly words: SharedWords
  readonly turn: Turn
  readonly meter: ThreadMeter
  readonly doorbell: Doorbell
  readonly logger: Logger
  /** Asks for a turn soon; on a blocking thread turns come by themselves. */
  requestTurn: () => void = () => undefined
  readonly #doorbells: readonly Doorbell[]
  readonly #writers = new Map<SharedArrayBuffer, RingWriter>()

  /** Tells the supervisor that something it waits for has happened. */
  readonly notify: (event: string) => void
  constructor(start: ThreadStart, clock: Clock, logger: Logger, notify: (event: string) => void) {
    this.notify = notify
    this.start = start
    this.clock = clock
    this.logger = logger
    this.words = new SharedWords(start.words)
    this.meter = new ThreadMeter(
      start.threadPages[start.threadIndex] as SharedArrayBuffer,
      start.threadName,
      start.profileChannel,
    )
    this.turn = new Turn(clock, this.meter)
    this.#doorbells = start.doorbells.map((memory) => new Doorbell(memory))
    const own = this.#doorbells[start.threadIndex]
    assert(own !== undefined, `thread ${start.threadIndex} has no doorbell`)
    this.doorbell = own
  }

  /** A typed sender from one of this thread's actors to another actor. */
  senderTo<P extends Protocol>(protocol: P, from: ActorAddress, to: ActorAddress): Sender<P> {
    return senderOf(protocol, this.writerTo(from, to))
  }

  /** The writing end of the ring between two actors, published at the end of this thread's turns. */
  writerTo(from: ActorAddress, to: ActorAddress): RingWriter {
    const ring = this.start.rings.find(
      (r) => r.from === from.name && r.fromIndex === from.index && r.to === to.name && r.toIndex === to.index,
    )
    assert(ring !== undefined, `no ring from ${from.name} ${from.index} to ${to.name} ${to.index}`)
    let writer = this.#writers.get(ring.memory)
    if (writer === undefined) {
      writer = new RingWriter(ring.memory)
      this.#writers.set(ring.memory, writer)
      const thread = this.threadOf(to.name, to.index)
      this.turn.outbox.add(writer, thread === this.start.threadIndex ? null : this.doorbellOf(to.name, to.index))
    }
    return writer
  }

  /** The same for every instance of a kind, by index. */
  writersTo(from: ActorAddress, to: ActorName): RingWriter[] {
    return this.start.actors.filter((actor) => actor.name === to).map((actor) => this.writerTo(from, actor))
  }

  /** Doorbells of the threads that have instances of a kind, each once, this thread's own left out. */
  doorbellsOf(name: ActorName): readonly Doorbell[] {
    const threads = this.start.actors.filter((actor) => actor.name === name).map((actor) => actor.thread)
    return [...new Set(threads)]
      .filter((thread) => thread !== this.start.threadIndex)
      .map((thread) => this.#doorbells[thread] as Doorbell)
  }

  /** Senders to every instance of a kind, by index. */
  sendersTo<P extends Protocol>(protocol: P, from: ActorAddress, to: ActorName): Sender<P>[] {
    return this.start.actors
      .filter((actor) => actor.name === to)
      .map((actor) => this.senderTo(protocol, from, actor))
  }

  /** The page in which this actor counts what it does; nobody else writes to it. */
  countersOf({ name, index }: ActorAddress): Counters {
    const at = this.start.actors.findIndex((actor) => actor.name === name && actor.index === index)
    const page = this.start.actorPages[at]
    assert(page !== undefined, `actor ${name} ${index} has no page of counters`)
    return new Counters(page)
  }

  threadOf(name: ActorName, index: number): number {
    const placement = this.start.actors.find((actor) => actor.name === name && actor.index === index)
    assert(placement !== undefined, `actor ${name} ${index} is nowhere`)
    return placement.thread
  }

  doorbellOf(name: ActorName, index: number): Doorbell {
    return this.#doorbells[this.threadOf(name, index)] as Doorbell
  }

  /** Puts an actor on this thread and connects all rings that lead to it. */
  host(actor: Actor, index: number): void {
    const inbox = this.turn.add(actor)
    for (const ring of this.start.rings) {
      if (ring.to === actor.name && ring.toIndex === index) inbox.add(new RingReader(ring.memory), ring.fromIndex)
    }
  }

  stopRequested(): boolean {
    return this.words.load(Word.stopRequested + this.start.threadIndex) !== 0
  }
}
