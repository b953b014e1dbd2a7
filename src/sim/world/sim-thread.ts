/**
 * One thread of a simulated process: its actors' turns happen when their doorbell was rung or their deadline has come,
 * a random while later. It sleeps by the real doorbell, so that a wake-up that nobody sends is missing here as well.
 */

import type { Turn } from '../../actor/turn.js'
import type { Doorbell } from '../../ring/doorbell.js'
import type { Plan } from './sim-time.js'
import type { World } from './world.js'

/** As the real runners do, a thread looks around at least this often. */
const SLEEP_MS_MAX = 1000
/** From a ring until the thread runs, mostly. */
const WAKE_MS = 0.03
/** Sometimes somebody else has the core. */
const PREEMPTED_CHANCE = 0.004
const PREEMPTED_MS = 6
/** Turns in a row that may do nothing and still keep the thread from sleeping: a real one would burn its core. */
const IDLE_TURNS_MAX = 200

export interface SimThreadOptions {
  readonly name: string
  readonly number: number
  readonly turn: Turn
  readonly doorbell: Doorbell
  /** What the process's own clock shows at time 0. */
  readonly originMs: number
  /** Threads of a process that may not run now: until when. */
  readonly heldUntilMs: () => number
  /** How much longer everything takes. */
  readonly slowness: () => number
  /** What the thread's device makes it wait for before the next turn. */
  readonly deviceMs: () => number
  readonly afterTurn: () => void
  readonly onThrow: (error: unknown) => void
  /** It neither does anything nor sleeps. */
  readonly onSpin: () => void
}

export class SimThread {
  readonly name: string
  readonly doorbell: Doorbell
  readonly turn: Turn
  /** Nothing of it happens before then: its kernel sleep, a collection of garbage. */
  heldUntilMs = 0
  readonly #world: World
  readonly #options: SimThreadOptions
  #plan: Plan | null = null
  #sleep: Plan | null = null
  #wakeAtMs = Infinity
  #isAsleep = false
  #isOver = false
  #hasStarted = false
  /** In a row, the last of which did nothing and found no sleep. */
  #idleTurns = 0
  #didWork = false
  /** What its event loop will hear from outside before its next turn. */
  readonly #heard: (() => void)[] = []
  readonly #hasWork = (): boolean => this.#heard.length > 0 || this.turn.hasWork()
  readonly #run = (): void => {
    this.#plan = null
    this.#runTurn()
  }

  readonly #onDeadline = (): void => {
    this.#sleep = null
    if (!this.#isAsleep || this.#isOver) return
    if (this.#world.nowMs < this.#wakeAtMs) this.#sleepUntil(this.#wakeAtMs)
    else this.#runTurn()
  }

  constructor(world: World, options: SimThreadOptions) {
    this.#world = world
    this.#options = options
    this.name = options.name
    this.turn = options.turn
    this.doorbell = options.doorbell
  }

  start(): void {
    this.#planAt(this.#world.nowMs + this.#delayMs())
  }

  /** The process is gone. */
  end(): void {
    this.#isOver = true
    if (this.#plan !== null) this.#plan.run = null
    if (this.#sleep !== null) this.#sleep.run = null
  }

  /** From outside the process: a packet, a client. */
  hear(what: () => void): void {
    if (this.#isOver) return
    this.#heard.push(what)
    this.poke()
  }

  /** Something for it has come. */
  poke(): void {
    if (this.#isOver) return
    this.#isAsleep = false
    this.#planAt(this.#world.nowMs + this.#delayMs())
  }

  /** Was it rung while it slept? */
  look(): void {
    if (!this.#isAsleep || this.doorbell.isAsleep) return
    this.poke()
  }

  #delayMs(): number {
    const { chance } = this.#world
    const base = chance.chance(PREEMPTED_CHANCE) ? PREEMPTED_MS : WAKE_MS
    return this.#world.around(base) * this.#options.slowness() + this.#options.deviceMs()
  }

  /** A turn, at the latest then. */
  #planAt(atMs: number): void {
    const plan = this.#plan
    if (plan !== null && plan.run !== null) {
      if (plan.atMs <= atMs) return
      plan.run = null
    }
    this.#plan = this.#world.time.at(atMs, this.#run)
  }

  /** A turn at its deadline. The plan of an earlier sleep serves, or there would be more plans than turns. */
  #sleepUntil(atMs: number): void {
    this.#wakeAtMs = atMs
    const plan = this.#sleep
    if (plan !== null && plan.run !== null) {
      if (plan.atMs <= atMs) return
      plan.run = null
    }
    this.#sleep = this.#world.time.at(atMs, this.#onDeadline)
  }

  #runTurn(): void {
    if (this.#isOver) return
    const heldUntilMs = Math.max(this.heldUntilMs, this.#options.heldUntilMs())
    if (heldUntilMs > this.#world.nowMs) {
      this.#planAt(heldUntilMs + this.#delayMs())
      return
    }
    this.#isAsleep = false
    try {
      this.#turn()
    } catch (error) {
      this.#options.onThrow(error)
      return
    }
    if (this.#isOver) return
    this.#options.afterTurn()
    this.#rest()
  }

  #turn(): void {
    this.doorbell.stayAwake()
    if (!this.#hasStarted) {
      this.#hasStarted = true
      this.turn.start()
      return
    }
    const heard = this.#heard.splice(0)
    for (const hear of heard) hear()
    const work = this.turn.run()
    this.#didWork = work > 0
    this.#world.trace.tally(this.#world.nowMs, this.#options.number, work)
  }

  #rest(): void {
    const nowMs = this.#world.nowMs
    let wakeAtMs = nowMs
    if (this.turn.maySleep && this.doorbell.sayAsleep(this.#hasWork)) {
      this.#isAsleep = true
      wakeAtMs = Math.min(this.turn.wakeAtMs() - this.#options.originMs, nowMs + SLEEP_MS_MAX)
      // A deadline that has passed already is looked at again at once; time must go on all the same.
      this.#sleepUntil(Math.max(wakeAtMs, nowMs) + this.#delayMs())
    } else this.#planAt(nowMs + this.#delayMs())
    this.#idleTurns = this.#didWork || wakeAtMs > nowMs ? 0 : this.#idleTurns + 1
    if (this.#idleTurns > IDLE_TURNS_MAX) this.#options.onSpin()
  }
}
