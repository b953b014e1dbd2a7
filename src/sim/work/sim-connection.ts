/**
 * How a simulated client reaches a member: requests and answers take a while, a member that is down refuses at once,
 * and whoever waits for one that dies learns that it has gone, not what became of the request.
 */

import type { FrontActor } from '../../front/front-actor.js'
import type { GrpcService } from '../../front/grpc/grpc-call.js'
import type { SimNode } from '../world/sim-node.js'
import type { World } from '../world/world.js'
import { SimCall, type Caller } from './sim-call.js'

const WAY_MS = 0.2
const ROOT = 'root'

/** `refused`: it was never heard. `lost`: nobody knows. */
export type CallEnd =
  | { readonly kind: 'answered'; readonly message: Uint8Array }
  | { readonly kind: 'failed'; readonly status: number; readonly text: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'lost' }

export interface StreamListener {
  onMessage(bytes: Uint8Array): void
  /** The stream is gone, whoever ended it. */
  onEnd(): void
}

export interface SimStream {
  send(bytes: Uint8Array): void
  close(): void
}

interface OpenCall {
  readonly node: SimNode
  readonly life: number
  gone(): void
}

export class Connections {
  readonly #world: World
  readonly #open = new Set<OpenCall>()

  constructor(world: World) {
    this.#world = world
  }

  /** Of a process that has ended: its sockets are closed. */
  onNodeDown(node: SimNode): void {
    for (const call of this.#open) if (call.node === node) this.#world.time.after(this.#wayMs(), () => call.gone())
  }

  /** Calls `onEnd` once. `patienceMs`: when the client gives up and cancels. */
  unary(
    node: SimNode,
    request: { method: string; user: string; token?: string; bytes: Uint8Array; patienceMs: number },
    onEnd: (end: CallEnd) => void,
  ): void {
    let answer: Uint8Array | null = null
    const life = node.lives
    const end = (it: CallEnd): void => {
      if (!this.#open.delete(entry)) return
      onEnd(it)
    }
    const call = new SimCall(request.method, callerOf(request), {
      onMessage: (bytes) => {
        answer = bytes
      },
      onEnd: (status, text) => {
        const message = answer ?? new Uint8Array(0)
        const it: CallEnd = status === 0 ? { kind: 'answered', message } : { kind: 'failed', status, text }
        this.#world.time.after(this.#wayMs(), () => end(it))
      },
    })
    const entry: OpenCall = { node, life, gone: () => end({ kind: 'lost' }) }
    this.#open.add(entry)
    this.#world.time.after(this.#wayMs(), () => {
      if (!this.#open.has(entry)) return
      if (!node.isServing || node.lives !== life) return end({ kind: 'refused' })
      this.#deliver(node, call, (front) => {
        call.hasStarted = true
        front.onCallStart(call)
        if (!call.isOver) sendTo(front, call, request.bytes)
        if (!call.isOver) front.onHalfClose(call)
      })
    })
    this.#world.time.after(request.patienceMs, () => {
      if (!this.#open.has(entry)) return
      end({ kind: 'lost' })
      this.#world.time.after(this.#wayMs(), () => this.#cancel(entry, call))
    })
  }

  stream(node: SimNode, request: { method: string; user: string }, listener: StreamListener): SimStream {
    const life = node.lives
    let isOpen = true
    const end = (): void => {
      if (!this.#open.delete(entry)) return
      isOpen = false
      listener.onEnd()
    }
    // What is on its way one after the other arrives in that order.
    let inboundMs = 0
    let outboundMs = 0
    const inbound = (what: () => void): void => {
      inboundMs = Math.max(inboundMs, this.#world.nowMs + this.#wayMs())
      this.#world.time.at(inboundMs, what)
    }
    const outbound = (what: () => void): void => {
      outboundMs = Math.max(outboundMs, this.#world.nowMs + this.#wayMs())
      this.#world.time.at(outboundMs, what)
    }
    const call = new SimCall(request.method, callerOf(request), {
      onMessage: (bytes) => inbound(() => {
        if (isOpen) listener.onMessage(bytes)
      }),
      onEnd: () => inbound(end),
    })
    const entry: OpenCall = { node, life, gone: end }
    this.#open.add(entry)
    outbound(() => {
      if (!node.isServing || node.lives !== life) return end()
      this.#deliver(node, call, (front) => {
        call.hasStarted = true
        front.onCallStart(call)
      })
    })
    return {
      send: (bytes) => outbound(() => {
        if (isOpen && node.isServing && node.lives === life) {
          this.#deliver(node, call, (front) => {
            if (!call.isOver) sendTo(front, call, bytes)
          })
        }
      }),
      close: () => {
        if (!this.#open.delete(entry)) return
        isOpen = false
        outbound(() => this.#cancel(entry, call))
      },
    }
  }

  /** What the client says of it has arrived. A call whose beginning never did is nothing to the server. */
  #cancel({ node, life }: OpenCall, call: SimCall): void {
    if (!node.isServing || node.lives !== life) return
    this.#deliver(node, call, (front) => {
      if (call.isOver || !call.hasStarted) return
      call.drop()
      front.onCancel(call)
    })
  }

  #deliver(node: SimNode, call: SimCall, what: (front: GrpcService) => void): void {
    const front = node.actors.get('front')
    front?.thread.hear(() => {
      call.nowMs = node.clockMs
      what((front.actor as FrontActor).service)
    })
  }

  #wayMs(): number {
    return this.#world.around(WAY_MS)
  }
}

/** Clients have certificates as members would see them, most of them root's; they count while auth is on. */
function callerOf({ user, token = '' }: { user: string; token?: string }): Caller {
  return { user: user === '' ? ROOT : user, token }
}

function sendTo(front: GrpcService, call: SimCall, bytes: Uint8Array): void {
  front.onMessage(call, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length)
}
