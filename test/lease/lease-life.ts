/** One life of a lease actor: rings and all. The test is mvcc, raft and the front. */

import { Turn } from '../../src/actor/turn.js'
import { LeaseActor } from '../../src/lease/lease-actor.js'
import { frontMessages } from '../../src/messages/front-messages.js'
import { leaseMessages } from '../../src/messages/lease-messages.js'
import { senderOf } from '../../src/messages/message-codec.js'
import { raftMessages } from '../../src/messages/raft-messages.js'
import { firstSequence } from '../../src/messages/request-id.js'
import { SharedWords, allocateWords } from '../../src/messages/shared-words.js'
import { allocateRing } from '../../src/ring/ring-layout.js'
import { RingReader } from '../../src/ring/ring-reader.js'
import { RingWriter } from '../../src/ring/ring-writer.js'
import { QUIET_LOGGER } from '../mvcc/support/quiet-logger.js'
import { memoryCounters } from '../support/metrics/memory-counters.js'

export interface LifeOptions {
  readonly memberId: bigint
  readonly electionMs: number
  readonly requestTimeoutMs: number
  readonly nowMs: () => number
  readonly wallMs: number
}

/** One life of the actor: rings and all. */
export class LeaseLife {
  readonly words = new SharedWords(allocateWords())
  readonly turn: Turn
  readonly #toLease: Record<'mvcc' | 'raft' | 'front', RingWriter>
  readonly mvcc
  readonly raft
  readonly front
  readonly proposals: RingReader
  readonly answers: RingReader

  constructor({ memberId, electionMs, requestTimeoutMs, nowMs, wallMs }: LifeOptions) {
    this.turn = new Turn({ nowMs, wallMs: () => wallMs })
    const rings = { mvcc: allocateRing(1 << 20), raft: allocateRing(4096), front: allocateRing(65_536) }
    this.#toLease = {
      mvcc: new RingWriter(rings.mvcc), raft: new RingWriter(rings.raft), front: new RingWriter(rings.front),
    }
    this.mvcc = senderOf(leaseMessages, this.#toLease.mvcc)
    this.raft = senderOf(leaseMessages, this.#toLease.raft)
    this.front = senderOf(leaseMessages, this.#toLease.front)
    const proposals = allocateRing(262_144)
    const answers = allocateRing(262_144)
    this.proposals = new RingReader(proposals)
    this.answers = new RingReader(answers)
    const toRaft = new RingWriter(proposals)
    const toFront = new RingWriter(answers)
    this.turn.outbox.add(toRaft, null)
    this.turn.outbox.add(toFront, null)
    const inbox = this.turn.add(new LeaseActor({
      words: this.words,
      raft: senderOf(raftMessages, toRaft),
      fronts: [senderOf(frontMessages, toFront)],
      memberId,
      firstSequence: firstSequence(wallMs),
      electionMs,
      requestTimeoutMs,
      counters: memoryCounters(),
      logger: QUIET_LOGGER,
    }))
    for (const ring of [rings.mvcc, rings.raft, rings.front]) inbox.add(new RingReader(ring), 0)
    this.turn.start()
  }

  /** Facts first, as mvcc does. */
  publish(): void {
    this.#toLease.mvcc.publish()
    this.#toLease.raft.publish()
    this.#toLease.front.publish()
  }
}
