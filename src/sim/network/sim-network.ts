/**
 * The network between simulated members. A packet takes a while; it may be lost, come twice or late. Links are cut one
 * way at a time, so that a partition may be whole, one-sided or leave a bridge.
 */

import type { SimStoreDisk } from '../devices/sim-store.js'
import type { SimNode } from '../world/sim-node.js'
import type { World } from '../world/world.js'

const WAY_MS = 0.3
/** From asking for a store to having it. */
const STORE_MS = 150
const LATE_CHANCE = 0.01
const LATE_MS = 12
/** The beginning of an encoded raftpb.Message: its type, and the type of proposals. */
const TYPE_TAG = 0x08
const PROPOSE = 2

/** How bad things are, beside what a healthy network does. */
export interface Weather {
  readonly loss: number
  readonly twice: number
  /** Added to every packet's way, on average. */
  readonly delayMs: number
}

export const FAIR: Weather = Object.freeze({ loss: 0, twice: 0, delayMs: 0 })

/** Where a member takes what others have sent to it. */
export interface NetworkPort {
  /** Called on its own thread's turn. */
  arrived(from: bigint, data: Uint8Array): void
  /** A leader's store lies in this file. False when it cannot be passed on. */
  storeArrived(path: string, message: Uint8Array): boolean
}

/** A store on its way. */
export interface StoreParcel {
  readonly message: Uint8Array
  /** Puts it into a file of the receiver. */
  readonly writeTo: (disk: SimStoreDisk, path: string) => void
  /** Called on the sender's own turn. */
  readonly onEnd: (ok: boolean) => void
}

export class SimNetwork {
  weather = FAIR
  sent = 0
  lost = 0
  #stores = 0
  readonly #world: World
  #nodes = new Map<bigint, SimNode>()
  readonly #ports = new Map<SimNode, NetworkPort>()
  /** Pairs of member numbers that nothing passes between. */
  readonly #cut = new Set<number>()

  constructor(world: World) {
    this.#world = world
  }

  connect(nodes: readonly SimNode[]): void {
    this.#nodes = new Map(nodes.map((node) => [node.memberId, node]))
  }

  /** The port of this node's present life. */
  open(node: SimNode, port: NetworkPort): void {
    this.#ports.set(node, port)
  }

  cut(from: SimNode, to: SimNode): void {
    this.#cut.add(linkOf(from, to))
  }

  heal(): void {
    this.#cut.clear()
    this.weather = FAIR
  }

  isCut(from: SimNode, to: SimNode): boolean {
    return this.#cut.has(linkOf(from, to))
  }

  /** False when the sender can tell that it goes nowhere. */
  send(from: SimNode, toId: bigint, data: Uint8Array): boolean {
    const to = this.#nodes.get(toId)
    if (to === undefined) return false
    this.sent++
    const { chance } = this.#world
    const { loss, twice } = this.weather
    if (this.isCut(from, to) || (loss > 0 && chance.chance(loss))) {
      this.lost++
      return true
    }
    if (!to.isUp) {
      this.lost++
      return false
    }
    this.#carry(from, to, data)
    if (twice > 0 && !isProposal(data) && chance.chance(twice)) this.#carry(from, to, data)
    return true
  }

  /** A store takes its time; a link that is cut when it should arrive has been cut for good. */
  sendStore(from: SimNode, toId: bigint, parcel: StoreParcel): void {
    const world = this.#world
    const to = this.#nodes.get(toId)
    // It lies there from now on, and nobody knows of it before it has arrived.
    const path = to?.storeDisk.pathOf(`received ${++this.#stores}`) ?? ''
    if (to !== undefined) parcel.writeTo(to.storeDisk, path)
    const fromLife = from.lives
    const toLife = to?.lives ?? 0
    const end = (ok: boolean): void => {
      if (from.lives === fromLife) from.thread('peer')?.hear(() => parcel.onEnd(ok))
    }
    world.time.after(world.around(STORE_MS + this.weather.delayMs), () => {
      const thread = to?.thread('peer') ?? null
      const isLost = to === undefined || thread === null || to.lives !== toLife || this.isCut(from, to)
      if (isLost || world.chance.chance(this.weather.loss)) {
        this.lost++
        end(false)
        return
      }
      thread.hear(() => end(this.#ports.get(to)?.storeArrived(path, parcel.message) ?? false))
    })
  }

  #carry(from: SimNode, to: SimNode, data: Uint8Array): void {
    const world = this.#world
    const late = world.chance.chance(LATE_CHANCE) ? LATE_MS : WAY_MS
    const life = to.lives
    world.time.after(world.around(late + this.weather.delayMs), () => {
      if (!to.isUp || to.lives !== life || this.isCut(from, to)) {
        this.lost++
        return
      }
      const port = this.#ports.get(to)
      to.thread('peer')?.hear(() => port?.arrived(from.memberId, data))
    })
  }
}

/**
 * Proposals that are passed on to a leader come once or never: they travel in a stream, and nobody sends them again.
 * All else that members say to each other may come again.
 */
function isProposal(data: Uint8Array): boolean {
  return data[0] === TYPE_TAG && data[1] === PROPOSE
}

function linkOf(from: SimNode, to: SimNode): number {
  return from.number * 64 + to.number
}
