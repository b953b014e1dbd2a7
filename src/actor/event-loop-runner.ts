/** Runs a thread whose actors own sockets: turns happen in the event loop, after the I/O of a poll phase. */

import type { Clock } from '../base/clock.js'
import type { Doorbell } from '../ring/doorbell.js'
import type { RunnerControl } from './blocking-runner.js'
import type { Turn } from './turn.js'

const TIMER_MS_MAX = 1000
/** How often a draining thread looks whether it is done. */
const DRAIN_POLL_MS = 5

export class EventLoopRunner {
  readonly #turn: Turn
  readonly #doorbell: Doorbell
  readonly #clock: Clock
  readonly #control: RunnerControl
  readonly #onStopped: () => void
  readonly #onFailure: (error: unknown) => void
  #scheduled = false
  #stopped = false
  #giveUpAtMs = Infinity
  #timer: NodeJS.Timeout | null = null
  #timerAtMs = Infinity

  constructor(options: {
    turn: Turn
    doorbell: Doorbell
    clock: Clock
    control: RunnerControl
    onStopped: () => void
    onFailure: (error: unknown) => void
  }) {
    this.#turn = options.turn
    this.#doorbell = options.doorbell
    this.#clock = options.clock
    this.#control = options.control
    this.#onStopped = options.onStopped
    this.#onFailure = options.onFailure
  }

  start(): void {
    this.#turn.start()
    this.request()
  }

  /** Asks for a turn after the current phase of the event loop. Sockets call this when they have heard something. */
  readonly request = (): void => {
    if (this.#scheduled || this.#stopped) return
    this.#scheduled = true
    setImmediate(this.#runTurn)
  }

  readonly #runTurn = (): void => {
    this.#scheduled = false
    if (this.#stopped) return
    try {
      this.#doorbell.stayAwake()
      if (this.#turn.run() > 0) this.#control.idling.onWork(this.#turn.endedMs)
      if (this.#control.stopRequested() && this.#stopIfDrained()) return
      if (this.#turn.maySleep) this.#lookOrSleep()
      else this.request()
    } catch (error) {
      this.#stopped = true
      this.#onFailure(error)
    }
  }

  /** Includes a stop not yet seen: the supervisor's ring may have come while this thread was still awake. */
  readonly #hasWork = (): boolean =>
    this.#turn.hasWork() || (this.#giveUpAtMs === Infinity && this.#control.stopRequested())

  /** Sockets are polled in every round of the loop, so that looking around keeps nobody waiting. */
  readonly #lookOrSleep = (): void => {
    if (this.#scheduled || this.#stopped) return
    if (!this.#control.idling.isLooking) return this.#sleep()
    if (this.#hasWork()) return this.request()
    setImmediate(this.#lookOrSleep)
  }

  #sleep(): void {
    if (!this.#doorbell.parkAsync(this.#hasWork, this.#onRung)) {
      this.request()
      return
    }
    const sleepMsMax = this.#giveUpAtMs === Infinity ? TIMER_MS_MAX : DRAIN_POLL_MS
    const wakeAtMs = Math.min(this.#turn.wakeAtMs(), this.#clock.nowMs() + sleepMsMax)
    // An armed timer that is due no later serves; re-arming for every turn would cost more than a spare wake-up.
    if (this.#timer !== null && this.#timerAtMs <= wakeAtMs) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timerAtMs = wakeAtMs
    this.#timer = setTimeout(this.#onTimer, Math.max(0, Math.ceil(wakeAtMs - this.#clock.nowMs())))
  }

  /** The stack is empty when a doorbell is heard: the turn need not wait for the next phase of the event loop. */
  readonly #onRung = (): void => {
    if (!this.#scheduled) this.#runTurn()
  }

  readonly #onTimer = (): void => {
    this.#timer = null
    this.#timerAtMs = Infinity
    this.request()
  }

  /** True if the thread is done. A drain that takes too long is cut short. */
  #stopIfDrained(): boolean {
    const nowMs = this.#clock.nowMs()
    if (this.#giveUpAtMs === Infinity) this.#giveUpAtMs = nowMs + this.#control.drainMsMax
    if (!this.#turn.isIdle() && nowMs < this.#giveUpAtMs) return false
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#turn.close()
    this.#onStopped()
    return true
  }
}
