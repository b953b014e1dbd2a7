/**
 * Preloaded into every thread of a server: the actor named by the file FAILING_ACTOR_TRIGGER throws at its next turn,
 * as a broken invariant of its own would.
 */

import { readFileSync } from 'node:fs'
import type { Actor } from '../../src/actor/actor.js'
import { FrontActor } from '../../src/front/front-actor.js'
import { LeaseActor } from '../../src/lease/lease-actor.js'
import { MvccActor } from '../../src/mvcc/mvcc-actor.js'
import { PeerActor } from '../../src/peer/peer-actor.js'
import { RaftActor } from '../../src/raft/raft-actor.js'
import { WalActor } from '../../src/wal/wal-actor.js'
import { WatchActor } from '../../src/watch/watch-actor.js'

const trigger = process.env['FAILING_ACTOR_TRIGGER'] ?? ''

function named(): string {
  try {
    return readFileSync(trigger, 'utf8')
  } catch {
    // Nobody has been told to fail.
    return ''
  }
}

for (const kind of [FrontActor, LeaseActor, MvccActor, PeerActor, RaftActor, WalActor, WatchActor]) {
  const prototype: Actor = kind.prototype
  const { doWork } = prototype
  prototype.doWork = function (this: Actor, nowMs: number): number {
    if (named() === this.name) throw new Error(`injected into ${this.name}`)
    return doWork.call(this, nowMs)
  }
}
