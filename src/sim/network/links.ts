/**
 * How long members have been connected, as each of them sees it: what peer finds out from its sockets and tells fronts
 * in a page. The simulated network has no sockets, so the links are looked at every now and then; that draws nothing,
 * and no member has a turn for it.
 */

import { PeerWord, type PeerPage } from '../../metrics/peer-page.js'
import type { SimCluster } from '../world/sim-cluster.js'
import type { SimNode } from '../world/sim-node.js'
import type { World } from '../world/world.js'

const LOOK_MS = 250
/** As peer: silence for so long ends a connection. */
const PATIENCE_MS = 5000

interface Link {
  /** Lives of the two processes that it is between. */
  readonly lives: readonly [number, number]
  readonly sinceMs: number
  heardMs: number
  /** Infinity while it stands. */
  untilMs: number
}

/** What was so all the time from one moment to another, and what may have been at some time in between. */
export interface Bounds {
  readonly surely: boolean
  readonly maybe: boolean
}

export class Links {
  readonly #world: World
  readonly #cluster: SimCluster
  /** Of each pair, in order. */
  readonly #links = new Map<number, Link[]>()

  constructor(world: World, cluster: SimCluster) {
    this.#world = world
    this.#cluster = cluster
  }

  start(): void {
    const look = (): void => {
      for (const node of this.#cluster.nodes) this.#look(node)
      this.#world.time.after(LOOK_MS, look)
    }
    look()
  }

  /** Had `from` been connected to `to` for so long, from a moment until now? */
  connectedFor(leastMs: number, from: SimNode, to: SimNode, fromMs: number): Bounds {
    const links = this.#links.get(pairOf(from, to)) ?? []
    const nowMs = this.#world.nowMs
    return {
      // A process that has ended since nobody looked has taken its connections with it.
      surely: links.some(({ lives, sinceMs, untilMs }) => lives[0] === from.lives && lives[1] === to.lives &&
        sinceMs + leastMs < fromMs - SLACK_MS && untilMs > nowMs),
      // It may have come to that before it ended.
      maybe: links.some(({ sinceMs, untilMs }) => {
        const endMs = Math.min(untilMs, nowMs)
        return endMs >= fromMs && sinceMs + leastMs <= endMs + SLACK_MS
      }),
    }
  }

  #look(from: SimNode): void {
    const { peers } = from
    // A member that stands still sees nothing.
    if (peers === null || isHeld(from, this.#world.nowMs)) return
    const { nodes } = this.#cluster
    for (const to of nodes) if (to !== from) this.#lookAt(from, to, peers)
    for (const slot of peers.slots()) {
      if (nodes.some(({ memberId }) => memberId === slot.id)) continue
      slot.set(PeerWord.isKnown, 0)
      slot.set(PeerWord.activeSinceMs, 0)
    }
  }

  #lookAt(from: SimNode, to: SimNode, page: PeerPage): void {
    const { nowMs } = this.#world
    const { network } = this.#cluster
    const isCut = network.isCut(from, to) || network.isCut(to, from)
    const isHeard = to.isUp && !isCut && !isHeld(to, nowMs)
    const last = this.#links.get(pairOf(from, to))?.at(-1)
    if (last !== undefined && last.untilMs === Infinity) {
      if (isHeard) last.heardMs = nowMs
      const isSame = last.lives[0] === from.lives && last.lives[1] === to.lives
      // A process that is gone resets what it had open.
      const isGone = !isSame || (!to.isUp && !isCut)
      if (isGone || nowMs - last.heardMs >= PATIENCE_MS) last.untilMs = nowMs
    }
    if (isHeard && (last === undefined || last.untilMs !== Infinity)) this.#open(from, to)
    const open = this.#links.get(pairOf(from, to))?.at(-1)
    const ageMs = open === undefined || open.untilMs !== Infinity ? null : nowMs - open.sinceMs
    const slot = page.claim(to.memberId)
    slot?.set(PeerWord.isKnown, 1)
    slot?.set(PeerWord.activeSinceMs, ageMs === null ? 0 : from.clockMs - ageMs)
  }

  #open(from: SimNode, to: SimNode): void {
    const { nowMs } = this.#world
    const pair = pairOf(from, to)
    const link: Link = { lives: [from.lives, to.lives], sinceMs: nowMs, heardMs: nowMs, untilMs: Infinity }
    const links = this.#links.get(pair)
    if (links === undefined) this.#links.set(pair, [link])
    else links.push(link)
  }
}

/** Clocks of members have fractions of their own. */
const SLACK_MS = 0.01

function isHeld(node: SimNode, nowMs: number): boolean {
  return Math.max(node.heldUntilMs, node.thread('peer')?.heldUntilMs ?? 0) > nowMs
}

function pairOf(from: SimNode, to: SimNode): number {
  return from.number * 64 + to.number
}
