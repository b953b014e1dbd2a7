/** What goes wrong in a run: one fault after the other, some of them together, each with its end. */

import type { Prng } from '../../base/prng.js'
import type { Disturbances } from '../checkers/lease-checker.js'
import type { SimCluster } from '../world/sim-cluster.js'
import { FAIR } from '../network/sim-network.js'
import type { SimNode } from '../world/sim-node.js'
import type { World } from '../world/world.js'

/** Between two faults, on average; each seed has one of them. */
const PAUSES_MS = [1000, 2000, 4000]
/** Some runs are quiet for a while now and then: what is too late can only be told then. */
const QUIET_EVERY_MS = 40_000
const QUIET_FROM_MS = 14_000
/** Kinds of faults that one run has: a few that meet often find more than all of them together. */
const KINDS = { least: 3, most: 9 }
/** After a fault it takes the cluster this long to have a leader again and to be done with what piled up. */
export const RECOVERY_MS = 6000

export type Fault = (plan: FaultPlan) => number

export class FaultPlan {
  count = 0
  readonly world: World
  readonly cluster: SimCluster
  readonly random: Prng
  readonly #disturbances: Disturbances
  readonly #pauseMs: number
  readonly #hasQuiet: boolean
  readonly #faults: readonly Fault[]
  #isOver = false

  constructor(world: World, cluster: SimCluster, disturbances: Disturbances) {
    this.world = world
    this.cluster = cluster
    this.random = world.stream()
    this.#disturbances = disturbances
    this.#pauseMs = this.random.pick(PAUSES_MS)
    this.#hasQuiet = this.random.chance(0.3)
    const kinds = this.random.between(KINDS.least, KINDS.most)
    this.#faults = Array.from({ length: kinds }, () => this.random.pick(FAULTS))
  }

  start(): void {
    this.world.time.after(this.world.around(this.#pauseMs, this.random), () => {
      if (this.#isOver) return
      const isQuiet = this.#hasQuiet && this.world.nowMs % QUIET_EVERY_MS > QUIET_FROM_MS
      if (!isQuiet) this.carryOut(this.random.pick(this.#faults))
      this.start()
    })
  }

  /** Everything is mended, and everybody is up again. */
  heal(): void {
    this.#isOver = true
    const { network, nodes } = this.cluster
    network.heal()
    for (const node of nodes) {
      node.slowness = node.diskSlowness = 1
      node.heldUntilMs = node.diskStallUntilMs = 0
      node.disk.capacityBytes = Infinity
      node.disk.failsSyncs = false
      node.disk.cutPowerAfter(Infinity)
      node.storeDisk.isFull = false
      for (const thread of node.threads) thread.heldUntilMs = 0
      node.hurry()
      this.cluster.start(node)
    }
    this.world.say('faults', () => 'all is mended')
    this.#disturbances.add(this.world.nowMs, this.world.nowMs + RECOVERY_MS)
  }

  victim(): SimNode {
    const { leader, nodes } = this.cluster
    return leader !== null && this.random.chance(0.5) ? leader : this.random.pick(nodes)
  }

  say(what: string): void {
    this.world.say('faults', () => what)
  }

  later(delayMs: number, what: () => void): void {
    this.world.time.after(delayMs, () => {
      if (!this.#isOver) what()
    })
  }

  carryOut(fault: Fault): void {
    const startMs = this.world.nowMs
    const durationMs = fault(this)
    this.count++
    this.#disturbances.add(startMs, startMs + durationMs + RECOVERY_MS)
  }
}

const crash: Fault = (plan) => {
  const node = plan.victim()
  const downMs = plan.world.around(2500, plan.random)
  plan.cluster.crash(node, plan.random.chance(0.6) ? 'power' : 'kill')
  plan.later(downMs, () => plan.cluster.start(node))
  return downMs
}

/** In the middle of a write, a sync, or the cut of a segment. */
const crashInWrite: Fault = (plan) => {
  const node = plan.victim()
  const downMs = plan.world.around(2500, plan.random)
  plan.say(`${node.name} will lose its power in a write`)
  node.disk.cutPowerAfter(plan.random.between(0, 12))
  plan.later(downMs, () => {
    node.disk.cutPowerAfter(Infinity)
    plan.cluster.start(node)
  })
  return downMs
}

const crashAll: Fault = (plan) => {
  const downMs = plan.world.around(1500, plan.random)
  for (const node of plan.cluster.nodes) {
    plan.cluster.crash(node, plan.random.chance(0.7) ? 'power' : 'kill')
    plan.later(downMs * (0.5 + plan.random.float()), () => plan.cluster.start(node))
  }
  return 1.5 * downMs
}

const pause: Fault = (plan) => {
  const node = plan.victim()
  const heldMs = plan.world.around(2500, plan.random)
  plan.say(`${node.name} is stopped for ${heldMs.toFixed(0)} ms`)
  node.holdUntil(plan.world.nowMs + heldMs)
  return heldMs
}

const pauseThread: Fault = (plan) => {
  const node = plan.victim()
  if (!node.isUp) return 0
  const thread = plan.random.pick(node.threads)
  const heldMs = plan.world.around(1500, plan.random)
  plan.say(`${node.name}: thread ${thread.name} is held for ${heldMs.toFixed(0)} ms`)
  thread.heldUntilMs = plan.world.nowMs + heldMs
  return heldMs
}

const slow: Fault = (plan) => {
  const node = plan.victim()
  const slowMs = plan.world.around(4000, plan.random)
  const factor = plan.random.pick([20, 100, 400])
  plan.say(`${node.name} is ${factor} times slower for ${slowMs.toFixed(0)} ms`)
  node.slowness = factor
  plan.later(slowMs, () => {
    node.slowness = 1
    node.hurry()
  })
  return slowMs
}

const partition: Fault = (plan) => {
  const { network, nodes } = plan.cluster
  const cutMs = plan.world.around(4000, plan.random)
  const alone = plan.victim()
  const isMinority = plan.random.chance(0.5)
  const side = new Set(nodes.filter((node) => (isMinority ? node === alone : plan.random.chance(0.5))))
  const oneWay = plan.random.pick(['both', 'both', 'in', 'out'])
  const bridge = nodes.length > 2 && plan.random.chance(0.25) ? plan.random.pick(nodes) : null
  const names = [...side].map((node) => node.name).join(' ')
  plan.say(`[${names}] apart (${oneWay}${bridge === null ? '' : `, but for ${bridge.name}`})`)
  for (const a of nodes) {
    for (const b of nodes) {
      if (a === bridge || b === bridge || !side.has(a) || side.has(b)) continue
      if (oneWay !== 'in') network.cut(a, b)
      if (oneWay !== 'out') network.cut(b, a)
    }
  }
  plan.later(cutMs, () => {
    plan.say('links are whole')
    network.heal()
  })
  return cutMs
}

const storm: Fault = (plan) => {
  const { network } = plan.cluster
  const stormMs = plan.world.around(5000, plan.random)
  network.weather = {
    loss: plan.random.pick([0, 0.02, 0.1, 0.3]),
    twice: plan.random.pick([0, 0.05, 0.3]),
    delayMs: plan.random.pick([0, 5, 40, 150]),
  }
  const { loss, twice, delayMs } = network.weather
  plan.say(`packets: ${loss} lost, ${twice} twice, ${delayMs} ms late, for ${stormMs.toFixed(0)} ms`)
  plan.later(stormMs, () => {
    network.weather = FAIR
  })
  return stormMs
}

const stallDisk: Fault = (plan) => {
  const node = plan.victim()
  const stallMs = plan.world.around(2500, plan.random)
  plan.say(`${node.name}: the disk stalls for ${stallMs.toFixed(0)} ms`)
  node.diskStallUntilMs = plan.world.nowMs + stallMs
  return stallMs
}

const slowDisk: Fault = (plan) => {
  const node = plan.victim()
  const slowMs = plan.world.around(4000, plan.random)
  const factor = plan.random.pick([10, 50, 200])
  plan.say(`${node.name}: the disk is ${factor} times slower for ${slowMs.toFixed(0)} ms`)
  node.diskSlowness = factor
  plan.later(slowMs, () => {
    node.diskSlowness = 1
  })
  return slowMs
}

const fillDisk: Fault = (plan) => {
  const node = plan.victim()
  const fullMs = plan.world.around(3000, plan.random)
  plan.say(`${node.name}: the disk is full for ${fullMs.toFixed(0)} ms`)
  node.disk.capacityBytes = node.disk.usedBytes() - plan.random.between(0, 4096)
  node.storeDisk.isFull = true
  plan.later(fullMs, () => {
    node.disk.capacityBytes = Infinity
    node.storeDisk.isFull = false
  })
  return fullMs
}

/** A sync that fails ends the process; nothing that it should have synced may count. */
const failSync: Fault = (plan) => {
  const node = plan.victim()
  const downMs = plan.world.around(2500, plan.random)
  plan.say(`${node.name}: the next sync fails`)
  node.disk.failsSyncs = true
  plan.later(downMs, () => {
    node.disk.failsSyncs = false
    plan.cluster.start(node)
  })
  return downMs
}

const jumpClock: Fault = (plan) => {
  const node = plan.victim()
  const jumpMs = plan.random.pick([-3_600_000, -5000, 5000, 3_600_000, 86_400_000])
  plan.say(`${node.name}: the clock of the wall jumps by ${jumpMs} ms`)
  node.wallOffsetMs += jumpMs
  return 0
}

/** One leader after the other is gone for a moment, each with entries that the others may not have. */
const churn: Fault = (plan) => {
  const { network, nodes } = plan.cluster
  const rounds = plan.random.between(3, 8)
  const roundMs = 400 + 1400 * plan.random.float()
  plan.say(`${rounds} leaders will go, one every ${roundMs.toFixed(0)} ms`)
  for (let round = 0; round < rounds; round++) {
    plan.later(round * roundMs, () => {
      const { leader } = plan.cluster
      if (leader === null) return
      const awayMs = roundMs * (0.5 + plan.random.float())
      if (plan.random.chance(0.5)) {
        plan.cluster.crash(leader, 'power')
        plan.later(awayMs, () => plan.cluster.start(leader))
        return
      }
      // It can still send to one of them, so that entries get about.
      const friend = plan.random.pick(nodes)
      for (const node of nodes) {
        if (node !== friend) network.cut(leader, node)
        network.cut(node, leader)
      }
      plan.later(awayMs, () => network.heal())
    })
  }
  return (rounds + 1.5) * roundMs
}

const FAULTS: readonly Fault[] = [
  crash, crash, crash, crashInWrite, crashInWrite, crashAll, pause, pause, pauseThread, pauseThread, slow, partition,
  partition, churn, churn, partition, storm, storm, stallDisk, slowDisk, fillDisk, failSync, jumpClock,
]
