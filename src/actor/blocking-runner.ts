/** Runs a thread whose actors have no event loop of their own: it sleeps in Atomics.wait until rung. */

import type { Clock } from '../base/clock.js'
import type { Doorbell } from '../ring/doorbell.js'
import type { ThreadMeter } from './meter/thread-meter.js'
import type { Idling } from './idling.js'
import type { Turn } from './turn.js'

/** A thread looks at its stop word at least this often. */
const PARK_MS_MAX = 1000

export interface RunnerControl {
  /** True once the supervisor wants this thread to end. */
  stopRequested(): boolean
  /** Monotonic ms after which a drain is cut short. */
  drainMsMax: number
  readonly meter: ThreadMeter
  readonly idling: Idling
}

/** Returns after a requested stop, with every actor closed. */
export function runBlocking(turn: Turn, doorbell: Doorbell, clock: Clock, control: RunnerControl): void {
  const { meter, idling } = control
  turn.start()
  const hasWork = (): boolean => turn.hasWork() || control.stopRequested()
  while (!control.stopRequested()) {
    if (turn.run() > 0) idling.onWork(turn.endedMs)
    meter.betweenTurns(turn.endedMs)
    if (!turn.maySleep || idling.lookAround(hasWork)) continue
    const sleepMs = Math.min(turn.wakeAtMs() - clock.nowMs(), PARK_MS_MAX)
    if (sleepMs > 0) doorbell.park(sleepMs, hasWork)
  }
  const giveUpAtMs = clock.nowMs() + control.drainMsMax
  while (!turn.isIdle() && clock.nowMs() < giveUpAtMs) {
    turn.run()
    if (turn.maySleep) doorbell.park(1, () => turn.hasWork())
  }
  turn.close()
}
