/** The sides of the doorbell tests: players of ping-pong, and writers and the reader of a fan-in. */

import assert from 'node:assert/strict'
import { parentPort, workerData } from 'node:worker_threads'
import { Doorbell } from '../../src/ring/doorbell.js'
import { RingReader } from '../../src/ring/ring-reader.js'
import { RingWriter } from '../../src/ring/ring-writer.js'

/** Each side has the ring it reads and the doorbell it sleeps on. */
export interface Side {
  readonly ring: SharedArrayBuffer
  readonly doorbell: SharedArrayBuffer
}

export type DoorbellRole =
  | { readonly role: 'player'; readonly sleeps: 'blocking' | 'event-loop'; readonly serves: boolean
      readonly own: Side; readonly other: Side; readonly rounds: number }
  | { readonly role: 'source'; readonly ring: SharedArrayBuffer; readonly doorbell: SharedArrayBuffer
      readonly records: number; readonly batch: number }
  | { readonly role: 'sink'; readonly rings: readonly SharedArrayBuffer[]; readonly doorbell: SharedArrayBuffer
      readonly records: number }

/** Nobody works this long on a round: a side that slept for it has missed a wake-up. */
const LOST_MS = 10_000

class Player {
  readonly #reader: RingReader
  readonly #writer: RingWriter
  readonly #own: Doorbell
  readonly #other: Doorbell
  readonly #rounds: number
  #heard = 0

  constructor(plan: Extract<DoorbellRole, { role: 'player' }>) {
    this.#reader = new RingReader(plan.own.ring)
    this.#writer = new RingWriter(plan.other.ring)
    this.#own = new Doorbell(plan.own.doorbell)
    this.#other = new Doorbell(plan.other.doorbell)
    this.#rounds = plan.rounds
    if (plan.serves) this.#say()
  }

  #say(): void {
    assert.ok(this.#writer.claim(this.#heard + 1, 0) >= 0, 'at most one record is under way')
    this.#writer.commit(0)
    this.#writer.publish()
    this.#other.ring()
  }

  /** Answers what has come; true when the game is over. */
  readonly play = (): boolean => {
    while (this.#reader.next()) {
      this.#heard++
      this.#reader.release()
      this.#say()
      if (this.#heard === this.#rounds) return true
    }
    return false
  }

  readonly hasWork = (): boolean => this.#reader.hasNext()

  runBlocking(): void {
    while (!this.play()) {
      const startedMs = Date.now()
      this.#own.park(LOST_MS, this.hasWork)
      assert.ok(Date.now() - startedMs < LOST_MS, `a wake-up was lost in round ${this.#heard}`)
    }
    report(this.#heard)
  }

  /** Nothing else keeps this thread's loop alive, so a lost wake-up ends the thread without a result. */
  runInEventLoop(): void {
    const hold = setInterval(() => assert.fail(`a wake-up was lost in round ${this.#heard}`), LOST_MS)
    const turn = (): void => {
      this.#own.stayAwake()
      if (this.play()) {
        clearInterval(hold)
        report(this.#heard)
        return
      }
      hold.refresh()
      if (!this.#own.parkAsync(this.hasWork, turn)) setImmediate(turn)
    }
    turn()
  }
}

function runSource(plan: Extract<DoorbellRole, { role: 'source' }>): void {
  const writer = new RingWriter(plan.ring)
  const doorbell = new Doorbell(plan.doorbell)
  let sent = 0
  while (sent < plan.records) {
    for (let i = 0; i < plan.batch && sent < plan.records; i++) {
      if (writer.claim(sent + 1, 0) < 0) break
      writer.commit(0)
      sent++
    }
    if (writer.publish()) doorbell.ring()
  }
  report(sent)
}

function runSink(plan: Extract<DoorbellRole, { role: 'sink' }>): void {
  const readers = plan.rings.map((ring) => new RingReader(ring))
  const doorbell = new Doorbell(plan.doorbell)
  const heard = readers.map(() => 0)
  const hasWork = (): boolean => readers.some((reader) => reader.hasNext())
  let left = plan.records * readers.length
  while (left > 0) {
    readers.forEach((reader, index) => {
      while (reader.next()) {
        const expected = (heard[index] as number) + 1
        if (reader.type !== expected) assert.fail(`ring ${index} gave ${reader.type} where ${expected} was due`)
        heard[index] = expected
        left--
      }
      reader.release()
    })
    if (left === 0) break
    const startedMs = Date.now()
    doorbell.park(LOST_MS, hasWork)
    assert.ok(Date.now() - startedMs < LOST_MS, `a wake-up was lost with ${left} records to come`)
  }
  report(doorbell.parks)
}

function report(result: number): void {
  parentPort?.postMessage(result)
}

const plan = workerData as DoorbellRole
if (plan.role === 'source') runSource(plan)
else if (plan.role === 'sink') runSink(plan)
else if (plan.sleeps === 'blocking') new Player(plan).runBlocking()
else new Player(plan).runInEventLoop()
