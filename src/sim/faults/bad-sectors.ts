/**
 * In some runs a sector of a member's log goes bad: bits of records flip that were on the medium. The member must not
 * start again, and its operator replaces it. Never a majority is struck, and nobody while members change anyway: a
 * cluster that has lost its quorum proves nothing.
 */

import type { Prng } from '../../base/prng.js'
import type { SimNode } from '../world/sim-node.js'
import type { FaultPlan } from './fault-plan.js'

/** So many runs have them. */
/** Where its random numbers come from. */
const BAD_SECTORS_ASIDE = 0xbad
const CHANCE = 0.25
const PAUSE_MS = 12_000
const RETRY_MS = 500
const DOWN_MS = 2000
const STRIKES = [1, 1, 2]

export class BadSectors {
  /** This run has them. */
  readonly isPlanned: boolean
  readonly #plan: FaultPlan
  readonly #random: Prng
  #isResting: () => boolean = () => true
  #left: number

  constructor(plan: FaultPlan) {
    this.#plan = plan
    this.#random = plan.world.aside(BAD_SECTORS_ASIDE)
    this.isPlanned = this.#random.chance(CHANCE)
    this.#left = this.#random.pick(STRIKES)
  }

  /** `isResting`: no change of members is under way. */
  start(isResting: () => boolean): void {
    this.#isResting = isResting
    this.#later(PAUSE_MS)
  }

  #later(meanMs: number): void {
    this.#plan.later(this.#plan.world.around(meanMs, this.#random), () => this.#strike())
  }

  #strike(): void {
    const { nodes, leader } = this.#plan.cluster
    const random = this.#random
    const node = leader !== null && random.chance(0.5) ? leader : random.pick(nodes)
    const sector = this.#isResting() && mayLoseOne(nodes) && node.isServing ? node.disk.pickSector(random) : null
    if (sector === null) return this.#later(RETRY_MS)
    this.#plan.carryOut((plan) => {
      const downMs = plan.world.around(DOWN_MS, random)
      plan.cluster.crash(node, random.chance(0.6) ? 'power' : 'kill')
      plan.say(`${node.name}: bits flip in ${sector.name} between ${sector.start} and ${sector.end}`)
      node.disk.damage(sector, random)
      node.damage = sector
      plan.later(downMs, () => plan.cluster.start(node))
      return downMs
    })
    if (--this.#left > 0) this.#later(PAUSE_MS)
  }
}

/** Those that are broken, and one more, leave a majority. */
export function mayLoseOne(members: readonly Pick<SimNode, 'isLost' | 'damage'>[]): boolean {
  const broken = members.filter(({ isLost, damage }) => isLost || damage !== null).length
  return 2 * (broken + 1) < members.length
}
