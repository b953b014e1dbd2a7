/** A peer actor with real sockets on this process's event loop, and a test in the place of raft. */

import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { EventLoopRunner } from '../../src/actor/event-loop-runner.js'
import { Idling } from '../../src/actor/idling.js'
import { Turn } from '../../src/actor/turn.js'
import type { Bytes } from '../../src/base/bytes.js'
import { Prng } from '../../src/base/prng.js'
import { Slice } from '../../src/base/slice.js'
import { systemClock } from '../../src/base/system-clock.js'
import type { MemberRecord } from '../../src/cluster/member-record.js'
import type { TlsMaterial } from '../../src/listen/tls-material-file.js'
import { senderOf } from '../../src/messages/message-codec.js'
import { peerMessages, type PeerMessages } from '../../src/messages/peer-messages.js'
import type { Sender } from '../../src/messages/protocol.js'
import type { LogFields, Logger } from '../../src/metrics/logger.js'
import { PeerPage, allocatePeerPage } from '../../src/metrics/peer-page.js'
import { connectPeer } from '../../src/peer/open-peer.js'
import type { MemberCallCarrier, PeerActor } from '../../src/peer/peer-actor.js'
import type { OpenRoute, PeerRoute } from '../../src/peer/port/peer-http-server.js'
import { FEATURES } from '../../src/peer/streams/handshake.js'
import { Snapshots } from '../../src/peer/snapshot/snapshots.js'
import type { PeerLimits } from '../../src/peer/peer.js'
import { encodeMemberListResponse } from '../../src/proto/generated/etcdserverpb.js'
import { Doorbell, allocateDoorbell } from '../../src/ring/doorbell.js'
import { allocateRing } from '../../src/ring/ring-layout.js'
import { RingReader } from '../../src/ring/ring-reader.js'
import { RingWriter } from '../../src/ring/ring-writer.js'
import type { ThreadMeter } from '../../src/actor/meter/thread-meter.js'
import { freePort } from '../support/cluster/free-ports.js'

export const CLUSTER = 0xc1n

export const LIMITS: PeerLimits = {
  times: { dialMs: 30_000, pingMs: 50, patienceMs: 30_000, writeMs: 30_000, retryMsMin: 10, retryMsMax: 50 },
  appendPatienceMs: 60_000,
  urgentBytesMax: 256 * 1024,
  appendBytesMax: 1024 * 1024,
}

export interface PeerRigOptions {
  readonly id: bigint
  readonly clusterId?: bigint
  readonly members?: readonly MemberRecord[]
  readonly limits?: PeerLimits
  readonly material?: TlsMaterial | null
  readonly snapshots?: Snapshots
  readonly routes?: ReadonlyMap<string, PeerRoute>
  readonly openRoutes?: ReadonlyMap<string, OpenRoute>
  readonly calls?: MemberCallCarrier
  /** Where to listen; any port by default. */
  readonly port?: number
  /** A unix socket in place of the port. */
  readonly path?: string
  readonly frameBytesMax?: number
  /** All by default. */
  readonly features?: readonly string[]
  /** Where it calls from. */
  readonly localAddress?: string
}

export function member(id: bigint, port: number, scheme = 'http'): MemberRecord {
  const peerUrls = [`${scheme}://127.0.0.1:${port}`]
  return { id, peerUrls, isLearner: false, name: `n${id}`, clientUrls: [] }
}

/** Of a member that neither sends nor takes any. */
function noSnapshots(memberId: bigint, logger: Logger): Snapshots {
  const start = (): never => {
    throw new Error('a snapshot is sent')
  }
  const sending = { start, tellRaft: () => true, requestTurn: () => undefined, clock: systemClock, logger }
  const receiving = {
    memberId, dir: '/nowhere', noFsync: true, pageBytes: 4096, times: null, clock: systemClock, logger,
    deliver: () => true,
  }
  return new Snapshots({ sending, receiving })
}

export class PeerRig {
  readonly id: bigint
  readonly heard: string[] = []
  readonly lost: bigint[] = []
  /** What raft was told of the ways to others, in order. */
  readonly ways: [member: bigint, isOpen: boolean][] = []
  readonly log: string[] = []
  readonly page = new PeerPage(allocatePeerPage())
  port = 0
  /** While false raft's ring is full. */
  hasRoom = true
  removals = 0
  mark = 0
  readonly actor: PeerActor
  readonly #runner: EventLoopRunner
  readonly #sender: Sender<PeerMessages>
  readonly #ring: RingWriter
  readonly #waiting = new Set<() => void>()
  #isStopping = false
  readonly #stopped: Promise<void>

  private constructor(options: PeerRigOptions, port: number) {
    this.id = options.id
    const { material = null, localAddress = null, members = [] } = options
    const random = new Prng(Number(options.id))
    const ring = allocateRing(4 * 1024 * 1024)
    const turn = new Turn(systemClock)
    let tellStopped = (): void => undefined
    this.#stopped = new Promise((resolve) => {
      tellStopped = resolve
    })
    this.#runner = new EventLoopRunner({
      turn,
      doorbell: new Doorbell(allocateDoorbell()),
      clock: systemClock,
      control: {
        stopRequested: () => this.#isStopping,
        drainMsMax: 100,
        meter: null as unknown as ThreadMeter,
        idling: new Idling('park', systemClock),
      },
      onStopped: tellStopped,
      onFailure: (error) => {
        throw error
      },
    })
    this.actor = connectPeer({
      self: {
        clusterId: options.clusterId ?? CLUSTER, memberId: options.id, peerUrls: urlsOf(port, material),
        features: options.features ?? FEATURES,
      },
      first: members,
      limits: options.limits ?? LIMITS,
      frameBytesMax: options.frameBytesMax ?? 512 * 1024,
      clock: systemClock,
      random: () => random.float(),
      page: this.page,
      logger: this.#logger(),
      raft: {
        received: ({ data }) => this.#hear(data),
        unreachable: ({ member: id }) => {
          this.lost.push(BigInt.asUintN(64, id))
          this.#changed()
          return true
        },
        way: ({ member: id, open }) => {
          this.ways.push([BigInt.asUintN(64, id), open === 1])
          this.#changed()
          return true
        },
      },
      publishToRaft: () => undefined,
      requestTurn: () => this.#runner.request(),
      newestMark: () => this.mark,
      snapshots: options.snapshots ?? noSnapshots(options.id, this.#logger()),
      calls: options.calls ?? { onAskMember: () => undefined, onAnswerMember: () => undefined },
      routes: options.routes ?? new Map<string, PeerRoute>(),
      openRoutes: options.openRoutes ?? new Map<string, OpenRoute>(),
      material,
      localAddress,
      reusePort: false,
      onGone: () => {
        this.removals++
        this.#changed()
      },
    })
    this.#ring = new RingWriter(ring)
    this.#sender = senderOf(peerMessages, this.#ring)
    turn.add(this.actor).add(new RingReader(ring), 0)
    this.#runner.start()
  }

  static async start(options: PeerRigOptions): Promise<PeerRig> {
    const port = options.port ?? (await freePort())
    const rig = new PeerRig(options, port)
    const isTls = (options.material ?? null) !== null
    const order = { role: 'peer', isPlain: !isTls, isTls } as const
    try {
      const { path } = options
      const tcp = { kind: 'tcp', host: '127.0.0.1', port } as const
      const address = path === undefined ? tcp : ({ kind: 'unix', path } as const)
      const listening = await rig.actor.control.listen(address, order)
      rig.port = listening?.port ?? 0
      return rig
    } catch (error) {
      await rig.stop()
      throw error
    }
  }

  send(to: bigint, text: string | Bytes, urgent = true): void {
    const data = typeof text === 'string' ? Buffer.from(text) : text
    if (!this.#sender.send({ to: BigInt.asIntN(64, to), urgent: urgent ? 1 : 0, data })) throw new Error('ring full')
    this.#publish()
  }

  tellMembers(members: readonly MemberRecord[], removed: readonly bigint[] = []): void {
    const ids = Buffer.alloc(8 * removed.length)
    removed.forEach((id, i) => ids.writeBigUInt64LE(id, 8 * i))
    const list = members.map(({ id, name, peerUrls, clientUrls, isLearner }) => ({
      ID: id, name, peerURLs: peerUrls, clientURLs: clientUrls, isLearner,
    }))
    const version = Buffer.from('3.7.0')
    this.#sender.members({ members: encodeMemberListResponse({ members: list }), removed: ids, version })
    this.#publish()
  }

  /** Resolves when the condition holds; it is looked at whenever something has happened here. */
  async until(what: string, condition: () => boolean, patienceMs = 60_000): Promise<void> {
    if (condition()) return
    const signal = AbortSignal.timeout(patienceMs)
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (!condition()) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      signal.addEventListener('abort', () => {
        if (!this.#waiting.delete(look)) return
        reject(new Error(`${what} did not happen; log:\n${this.log.join('\n')}`))
      })
    })
  }

  /** As `until` for what nobody tells, such as a number that has grown: it is looked at all the time. */
  async untilSeen(what: string, condition: () => boolean, patienceMs = 60_000): Promise<void> {
    const deadlineMs = systemClock.nowMs() + patienceMs
    while (!condition()) {
      if (systemClock.nowMs() > deadlineMs) throw new Error(`${what} did not happen; log:\n${this.log.join('\n')}`)
      await new Promise(setImmediate)
    }
  }

  untilLogged(text: string): Promise<void> {
    return this.until(`"${text}" in the log`, () => this.log.some((line) => line.includes(text)))
  }

  untilActive(id: bigint): Promise<void> {
    return this.untilLogged(`peer became active {"peer-id":"${id.toString(16)}"`)
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    this.#runner.request()
    await this.#stopped
  }

  /** A plain connection to this member's port. */
  async connect(): Promise<Socket> {
    const socket = createConnection(this.port, '127.0.0.1')
    await once(socket, 'connect')
    return socket
  }

  #publish(): void {
    this.#ring.publish()
    this.#runner.request()
  }

  #hear(data: Bytes | Slice): boolean {
    if (!this.hasRoom) return false
    this.heard.push(Buffer.from(data instanceof Slice ? data.copy() : data).toString())
    this.#changed()
    return true
  }

  #changed(): void {
    for (const look of this.#waiting) look()
  }

  #logger(): Logger {
    const add = (level: string) => (_: string, msg: string, fields?: LogFields) => {
      this.log.push(`${level} ${msg} ${JSON.stringify(fields ?? {})}`)
      this.#changed()
    }
    return { debug: add('debug'), info: add('info'), warn: add('warn'), error: add('error'), enabled: () => true }
  }
}

function urlsOf(port: number, material: TlsMaterial | null): string[] {
  return [`${material === null ? 'http' : 'https'}://127.0.0.1:${port}`]
}

/** Resolves when the socket is closed, however that came. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => undefined)
    socket.once('close', () => resolve())
    socket.resume()
  })
}

/** Members with these ids on free ports of this machine. */
export async function membersOf(...ids: readonly bigint[]): Promise<MemberRecord[]> {
  const members: MemberRecord[] = []
  for (const id of ids) members.push(member(id, await freePort()))
  return members
}

export function portOf({ peerUrls }: MemberRecord): number {
  return Number(new URL(peerUrls[0] as string).port)
}
