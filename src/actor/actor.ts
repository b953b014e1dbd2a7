/**
 * The one shape that every actor has. An actor changes only its own memory, hears one message at a time, does at most
 * one batched side effect per turn, and never loops, sleeps, awaits or reads a clock: its runner does that.
 */

import type { RingReader } from '../ring/ring-reader.js'

export const ACTOR_NAMES = ['front', 'raft', 'wal', 'peer', 'mvcc', 'watch', 'lease'] as const
export type ActorName = (typeof ACTOR_NAMES)[number]

export interface Actor {
  readonly name: ActorName
  /** Called once, before anything else. May plan deadlines. */
  onStart(nowMs: number): void
  /**
   * One message; the reader stands on it. The view is dead when the turn ends. `from` is the number of the sender among
   * its kind (which front, which watch worker); 0 for kinds that exist once.
   */
  onFrame(reader: RingReader, nowMs: number, from: number): void
  /**
   * True while the actor cannot take more messages, because a ring it writes to is full: its inbox then stays as it
   * is until a later turn.
   */
  isBlocked(): boolean
  /**
   * True if a shared word that this actor waits for has come. Asked again after the thread has said that it parks, so
   * that a word stored in between is not slept over.
   */
  awaitedWordCame?(): boolean
  /**
   * Called once per turn after the inbox: due timers, one batched side effect, sends. Returns 0 if another call at once
   * would do nothing: the thread may sleep until something is heard or `wakeAtMs`.
   */
  doWork(nowMs: number): number
  /** The earliest deadline in monotonic milliseconds, Infinity if none. */
  wakeAtMs(): number
  /** True when nothing that was promised is still owed; asked during a drain. */
  isIdle(): boolean
  /** Called once; finishes what is owed. */
  onClose(): void
}
