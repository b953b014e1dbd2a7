/**
 * The peer actor over the simulated network, in place of the one that owns sockets. What it cannot pass on is lost, as
 * it may be.
 */

import type { Actor } from '../../actor/actor.js'
import type { ThreadContext } from '../../actor/thread-context.js'
import { EMPTY_BYTES, utf8 } from '../../base/bytes.js'
import { frontMessages, type FrontMessages } from '../../messages/front-messages.js'
import { dispatcherOf, type Dispatch } from '../../messages/message-codec.js'
import { peerMessages, type PeerMessages } from '../../messages/peer-messages.js'
import type { Handler, Message, Sender } from '../../messages/protocol.js'
import { raftMessages, type RaftMessages } from '../../messages/raft-messages.js'
import { decodeConfState, decodeMessage, encodeMessage } from '../../proto/generated/raftpb.js'
import type { RingReader } from '../../ring/ring-reader.js'
import type { NetworkPort, SimNetwork } from './sim-network.js'
import type { SimNode } from '../world/sim-node.js'

const SELF = { name: 'peer', index: 0 } as const

export function openSimPeer(context: ThreadContext, node: SimNode, network: SimNetwork): SimPeerActor {
  const raft = context.senderTo(raftMessages, SELF, { name: 'raft', index: 0 })
  const fronts = context.sendersTo(frontMessages, SELF, 'front')
  const actor = new SimPeerActor({ raft, fronts, node, network })
  network.open(node, actor)
  return actor
}

export class SimPeerActor implements Actor, Handler<PeerMessages>, NetworkPort {
  readonly name = 'peer' as const
  readonly #raft: Sender<RaftMessages>
  readonly #fronts: readonly Sender<FrontMessages>[]
  readonly #node: SimNode
  readonly #network: SimNetwork
  readonly #dispatch: Dispatch

  constructor(options: {
    raft: Sender<RaftMessages>
    fronts: readonly Sender<FrontMessages>[]
    node: SimNode
    network: SimNetwork
  }) {
    this.#raft = options.raft
    this.#fronts = options.fronts
    this.#node = options.node
    this.#network = options.network
    this.#dispatch = dispatcherOf(peerMessages, this)
  }

  arrived(_from: bigint, data: Uint8Array): void {
    if (!this.#raft.received({ data })) this.#network.lost++
  }

  onStart(): void {
    return
  }

  onFrame(reader: RingReader): void {
    this.#dispatch(reader)
  }

  isBlocked(): boolean {
    return false
  }

  onSend({ to, data }: Message<PeerMessages, 'send'>): void {
    const member = BigInt.asUintN(64, to)
    if (!this.#network.send(this.#node, member, data.copy())) this.#raft.unreachable({ member: to })
  }

  /** The image is of this moment, and the message says so. */
  onSendSnapshot({ to, data }: Message<PeerMessages, 'sendSnapshot'>): void {
    const asked = decodeMessage(data.copy())
    const tell = (ok: boolean): void => {
      if (!this.#raft.snapshotSent({ member: to, ok: ok ? 1 : 0 })) this.#network.lost++
    }
    const image = this.#node.imageOf(asked.snapshot?.metadata?.index ?? 0)
    if (image === null) {
      tell(false)
      return
    }
    const { index, term, confState, writeTo } = image
    const metadata = { index, term, conf_state: decodeConfState(confState) }
    const message = encodeMessage({ ...asked, snapshot: { metadata } })
    this.#network.sendStore(this.#node, BigInt.asUintN(64, to), { message, writeTo, onEnd: tell })
  }

  storeArrived(path: string, message: Uint8Array): boolean {
    return this.#raft.snapshotReceived({ path: utf8(path), data: message })
  }

  onMembers(): void {
    return
  }

  /** Fronts' calls do not travel here: it is as if nobody had answered. */
  onAskMember({ call, front }: Message<PeerMessages, 'askMember'>): void {
    this.#fronts[front]?.memberAnswered({ call, isAnswered: 0, status: 0, message: EMPTY_BYTES, data: EMPTY_BYTES })
  }

  onAnswerMember(): void {
    return
  }

  doWork(): number {
    return 0
  }

  wakeAtMs(): number {
    return Infinity
  }

  isIdle(): boolean {
    return true
  }

  onClose(): void {
    return
  }
}
