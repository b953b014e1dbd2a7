/**
 * Peer: owns the sockets between members. What raft has to say leaves with one write for each stream and turn; what
 * other members say goes to raft at once, in the order of its stream. Nothing is promised: what cannot be sent is
 * dropped and counted, and raft hears which member probably missed something.
 */

import type { Duplex } from 'node:stream'
import type { Actor } from '../actor/actor.js'
import { hexId, text, type Bytes } from '../base/bytes.js'
import type { Clock } from '../base/clock.js'
import { Slice } from '../base/slice.js'
import { decodeIds, decodeMembers } from '../cluster/membership-message.js'
import { dispatcherOf, type Dispatch } from '../messages/message-codec.js'
import { peerMessages, type PeerMessages } from '../messages/peer-messages.js'
import type { Handler, Message, Sender } from '../messages/protocol.js'
import type { RaftMessages } from '../messages/raft-messages.js'
import type { DoorControl } from '../listen/door-control.js'
import type { Logger } from '../metrics/logger.js'
import { PeerWord, type PeerPage } from '../metrics/peer-page.js'
import type { RingReader } from '../ring/ring-reader.js'
import { Feature, type Caller, type OwnIdentity, type Refusal, type StreamKind } from './streams/handshake.js'
import { MARK_BYTES } from './streams/frames.js'
import { IncomingStream } from './streams/incoming-stream.js'
import type { DialEvents } from './streams/link.js'
import { MemberPages } from './port/member-pages.js'
import { Peer, type PeerLimits } from './peer.js'
import type { PageAnswer, PortOwner } from './port/peer-http-server.js'
import { PeerTable } from './peer-table.js'
import type { MemberList } from './member-list.js'
import type { Snapshots } from './snapshot/snapshots.js'
import { StreamSocket } from './streams/stream-socket.js'

/** Calls between fronts, both ways. */
export interface MemberCallCarrier {
  onAskMember(message: Message<PeerMessages, 'askMember'>, urls: readonly string[]): void
  onAnswerMember(message: Message<PeerMessages, 'answerMember'>): void
}

export interface PeerContext {
  readonly self: OwnIdentity
  readonly first: MemberList
  readonly limits: PeerLimits
  /** The longest message of another member that raft's ring takes. */
  readonly frameBytesMax: number
  readonly clock: Clock
  readonly random: () => number
  readonly page: PeerPage
  readonly logger: Logger
  readonly raft: Pick<Sender<RaftMessages>, 'received' | 'unreachable' | 'way'>
  /** Makes what was sent to raft visible to it without waiting for the end of a turn, if it is on this thread. */
  readonly publishToRaft: () => void
  readonly requestTurn: () => void
  /** Has this member's data sent to others, and takes in a leader's. */
  readonly snapshots: Snapshots
  /** The newest state mark of this member, 0 for none. */
  readonly newestMark: () => number
  /** Carries what fronts ask of other members' fronts. */
  readonly calls: MemberCallCarrier
  readonly dial: (to: bigint, kind: StreamKind, url: string, events: DialEvents) => () => void
  /** Opens the port for members; `close` ends it. */
  readonly openPort: (owner: PortOwner) => { readonly control: DoorControl; close(): void }
}

/** How soon a full ring to raft is looked at again: its reader does not ring its writers. */
const FULL_RING_RETRY_MS = 1
/** How often unknown members are looked at. */
const EXPIRE_MS = 5000

export class PeerActor implements Actor, Handler<PeerMessages>, PortOwner {
  readonly name = 'peer' as const
  readonly control: DoorControl
  readonly self: OwnIdentity
  readonly #context: PeerContext
  readonly #dispatch: Dispatch
  readonly #table: PeerTable
  readonly #pages: MemberPages
  readonly #port: { close(): void }
  /** Raft is to hear of each of them. */
  readonly #lost = new Set<bigint>()
  /** And of these, whether entries can be sent to them now. */
  readonly #ways = new Map<bigint, boolean>()
  readonly #body = new Slice()
  readonly #mark = Buffer.alloc(MARK_BYTES)
  #markSent = 0
  #expireAtMs = Infinity

  constructor(context: PeerContext) {
    this.#context = context
    this.self = context.self
    this.#dispatch = dispatcherOf(peerMessages, this)
    const { clock, random, logger, limits, dial, requestTurn, first } = context
    this.#table = new PeerTable(context.self.memberId, first, context.page, {
      clock,
      random,
      logger,
      limits,
      dial,
      onLost: (id) => this.#lost.add(id),
      onWay: (id, isOpen) => this.#ways.set(id, isOpen),
      onActivity: requestTurn,
    })
    context.snapshots.attach((id) => this.#table.find(id))
    this.#pages = new MemberPages(first)
    const port = context.openPort(this)
    this.control = port.control
    this.#port = port
  }

  onStart(nowMs: number): void {
    this.#expireAtMs = nowMs + EXPIRE_MS
  }

  onFrame(reader: RingReader): void {
    this.#dispatch(reader)
  }

  isBlocked(): boolean {
    return false
  }

  onSend(message: Message<PeerMessages, 'send'>): void {
    const id = BigInt.asUintN(64, message.to)
    const peer = this.#table.find(id)
    if (peer === undefined || !peer.send(message.urgent === 1, message.data)) this.#lost.add(id)
  }

  onSendSnapshot(message: Message<PeerMessages, 'sendSnapshot'>): void {
    this.#context.snapshots.send(BigInt.asUintN(64, message.to), message.data.copy())
  }

  onMembers(message: Message<PeerMessages, 'members'>): void {
    const members = decodeMembers(message.members.copy())
    // A store that has seen no member yet knows less than the configuration that this member was started with.
    if (members.length === 0) return
    this.#table.update(members, new Set(decodeIds(message.removed.copy())))
    this.#pages.update(members, text(message.version.copy()))
  }

  onAskMember(message: Message<PeerMessages, 'askMember'>): void {
    const peer = this.#table.find(BigInt.asUintN(64, message.to))
    this.#context.calls.onAskMember(message, peer?.urls ?? [])
  }

  onAnswerMember(message: Message<PeerMessages, 'answerMember'>): void {
    this.#context.calls.onAnswerMember(message)
  }

  doWork(nowMs: number): number {
    const { snapshots } = this.#context
    const mark = this.#newMark()
    for (const peer of this.#table.peers) {
      if (mark !== null) peer.sendMark(mark)
      peer.onRoom(nowMs)
      peer.onDeadline(nowMs)
      peer.flush()
    }
    if (nowMs >= this.#expireAtMs) {
      this.#expireAtMs = nowMs + EXPIRE_MS
      this.#table.expire(nowMs)
      snapshots.expire(nowMs)
    }
    snapshots.work(nowMs)
    for (const id of this.#lost) {
      if (!this.#context.raft.unreachable({ member: BigInt.asIntN(64, id) })) break
      this.#lost.delete(id)
    }
    for (const [id, isOpen] of this.#ways) {
      if (!this.#context.raft.way({ member: BigInt.asIntN(64, id), open: isOpen ? 1 : 0 })) break
      this.#ways.delete(id)
    }
    return 0
  }

  wakeAtMs(): number {
    let wakeAtMs = this.#table.size > 0 ? this.#expireAtMs : Infinity
    let isHeld = this.#lost.size + this.#ways.size > 0 || this.#context.snapshots.owes
    for (const peer of this.#table.peers) {
      wakeAtMs = Math.min(wakeAtMs, peer.wakeAtMs())
      isHeld ||= peer.hasPaused
    }
    return isHeld ? Math.min(wakeAtMs, this.#context.clock.nowMs() + FULL_RING_RETRY_MS) : wakeAtMs
  }

  /** What members were told last, such as who is to lead, leaves before the end. Entries they ask for again. */
  isIdle(): boolean {
    for (const peer of this.#table.peers) if (peer.isActive && peer.urgentBytes > 0) return false
    return true
  }

  onClose(): void {
    this.#table.stop()
    this.#context.snapshots.close()
    this.#port.close()
  }

  // What the port asks.

  isRemoved(id: bigint): boolean {
    return this.#table.isRemoved(id)
  }

  admit(caller: Caller): Refusal | null {
    const admitted = this.#table.admit(caller)
    return admitted instanceof Peer ? null : admitted
  }

  page(path: string): PageAnswer | null {
    return this.#pages.page(path)
  }

  onStream(kind: StreamKind, caller: Caller, socket: Duplex, head: Buffer): void {
    const peer = this.#table.find(caller.from)
    if (peer === undefined) {
      socket.destroy()
      return
    }
    const { clock, logger, limits, frameBytesMax, requestTurn } = this.#context
    peer.slot.setServerVersion(caller.serverVersion)
    const tellsMarks = caller.features.includes(Feature.stateMarks)
    // It may have told them in a version that it ran before.
    if (!tellsMarks) peer.slot.set(PeerWord.stateMark, 0)
    const id = hexId(caller.from)
    const inlet = new StreamSocket(socket, head, {
      onData: (chunk) => {
        peer.slot.add(PeerWord.receivedBytes, chunk.length)
        stream.onData(chunk, clock.nowMs())
        requestTurn()
      },
      onClosed: (reason) => stream.close(reason),
    })
    const stream = new IncomingStream({
      kind,
      inlet,
      frameBytesMax,
      patienceMs: kind === 'message' ? limits.times.patienceMs : limits.appendPatienceMs,
      wallMs: () => clock.wallMs(),
      deliver: (bytes, start, end) => this.#deliver(bytes, start, end),
      onDropped: () => peer.slot.add(PeerWord.receivedFailures),
      onMark: (mark) => {
        if (tellsMarks) peer.slot.set(PeerWord.stateMark, mark)
      },
      onClosed: (reason) => {
        peer.forget(stream, clock.nowMs())
        logger.info('peer', 'a stream from a member has ended', { 'peer-id': id, stream: kind, reason })
      },
    }, clock.nowMs())
    peer.accept(stream, clock.nowMs())
    logger.info('peer', 'a member has opened a stream', {
      'peer-id': id, stream: kind, 'server-version': caller.serverVersion,
    })
    requestTurn()
  }

  /** Once for each mark. */
  #newMark(): Bytes | null {
    const mark = this.#context.newestMark()
    if (mark === this.#markSent || mark === 0) return null
    this.#markSent = mark
    this.#mark.writeDoubleLE(mark)
    return this.#mark
  }

  #deliver(bytes: Bytes, start: number, end: number): boolean {
    if (!this.#context.raft.received({ data: this.#body.at(bytes, start, end) })) return false
    this.#context.publishToRaft()
    return true
  }
}
