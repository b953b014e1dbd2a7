/** A player of ping-pong: answers every record, or serves and measures each round trip. */

import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { Doorbell } from '../../src/ring/doorbell.js'
import { RingReader } from '../../src/ring/ring-reader.js'
import { RingWriter } from '../../src/ring/ring-writer.js'

export interface PingPongPlan {
  readonly serves: boolean
  readonly rounds: number
  readonly sleeps: 'blocking' | 'event loop' | 'MessagePort'
  readonly ownRing: SharedArrayBuffer
  readonly otherRing: SharedArrayBuffer
  readonly ownBell: SharedArrayBuffer
  readonly otherBell: SharedArrayBuffer
  readonly port: MessagePort
}

const plan = workerData as PingPongPlan
const times = new Float64Array(plan.rounds)
let rounds = 0
let servedAt = process.hrtime.bigint()

/** Counts a hit; true when the game is over for this player. */
function hit(hitBack: () => void): boolean {
  if (plan.serves) times[rounds] = Number(process.hrtime.bigint() - servedAt) / 1000
  rounds++
  const over = rounds === plan.rounds
  if (plan.serves && over) parentPort?.postMessage(times)
  if (plan.serves && !over) servedAt = process.hrtime.bigint()
  if (!plan.serves || !over) hitBack()
  return over
}

function playRing(): void {
  const reader = new RingReader(plan.ownRing)
  const writer = new RingWriter(plan.otherRing)
  const [own, other] = [new Doorbell(plan.ownBell), new Doorbell(plan.otherBell)]
  const hitBack = (): void => {
    const at = writer.claim(1, 64)
    writer.bytes.fill(7, at, at + 64)
    writer.commit(64)
    writer.publish()
    other.ring()
  }
  const hasNext = (): boolean => reader.hasNext()
  const take = (): boolean => {
    let over = false
    while (!over && reader.next()) {
      reader.release()
      over = hit(hitBack)
    }
    return over
  }
  if (plan.serves) {
    servedAt = process.hrtime.bigint()
    hitBack()
  }
  if (plan.sleeps === 'blocking') {
    while (!take()) own.park(1000, hasNext)
    return
  }
  // The parent's port keeps this thread's event loop alive.
  parentPort?.ref()
  const turn = (): void => {
    own.stayAwake()
    if (!take() && !own.parkAsync(hasNext, turn)) setImmediate(turn)
  }
  turn()
}

function playPort(): void {
  const record = new Uint8Array(64)
  const hitBack = (): void => plan.port.postMessage(record)
  plan.port.on('message', () => void hit(hitBack))
  if (!plan.serves) return
  servedAt = process.hrtime.bigint()
  hitBack()
}

parentPort?.on('message', plan.sleeps === 'MessagePort' ? playPort : playRing)
parentPort?.postMessage('ready')
