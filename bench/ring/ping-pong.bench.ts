/**
 * Round-trip time of one record between two threads that sleep while they wait: what an idle pipeline pays for a hop
 * and back. Run: node dist/bench/ring/ping-pong.bench.js
 */

import { once } from 'node:events'
import { MessageChannel, Worker } from 'node:worker_threads'
import { allocateDoorbell } from '../../src/ring/doorbell.js'
import { allocateRing } from '../../src/ring/ring-layout.js'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { machineFacts } from './machine-facts.js'
import type { PingPongPlan } from './ping-pong.worker.js'

type Sleep = PingPongPlan['sleeps']

scriptOptions({ does: 'Round-trip time of one record between two threads that sleep while they wait.' })

const ROUNDS = 20_000
const GAMES: readonly (readonly [Sleep, Sleep])[] = [
  ['blocking', 'blocking'],
  ['blocking', 'event loop'],
  ['event loop', 'event loop'],
  ['MessagePort', 'MessagePort'],
]

async function play(first: Sleep, second: Sleep): Promise<Float64Array> {
  const rings = [allocateRing(4096), allocateRing(4096)] as const
  const bells = [allocateDoorbell(), allocateDoorbell()] as const
  const { port1, port2 } = new MessageChannel()
  const players = [
    start({ serves: true, rounds: ROUNDS, sleeps: first, port: port1, ownRing: rings[0], otherRing: rings[1],
      ownBell: bells[0], otherBell: bells[1] }),
    start({ serves: false, rounds: ROUNDS, sleeps: second, port: port2, ownRing: rings[1], otherRing: rings[0],
      ownBell: bells[1], otherBell: bells[0] }),
  ] as const
  await Promise.all(players.map((player) => once(player, 'message')))
  const result = once(players[0], 'message') as Promise<[Float64Array]>
  players[1].postMessage('go')
  players[0].postMessage('go')
  const [times] = await result
  await Promise.all(players.map((player) => player.terminate()))
  return times.sort()
}

function start(plan: PingPongPlan): Worker {
  const url = new URL('./ping-pong.worker.js', import.meta.url)
  return new Worker(url, { workerData: plan, transferList: [plan.port] })
}

console.log(machineFacts())
console.log('round trip in us     p50      p99    p99.9')
for (const [first, second] of GAMES) {
  const times = await play(first, second)
  const quantile = (q: number): string => (times[Math.floor((times.length - 1) * q)] ?? NaN).toFixed(1).padStart(9)
  console.log(`${' '.repeat(16)}${quantile(0.5)}${quantile(0.99)}${quantile(0.999)}  ${first} - ${second}`)
}
