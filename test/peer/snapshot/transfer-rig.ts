/** A store, who sends images of it, who receives them, and a wire between the two that a test can cut and bend. */

import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync, mkdirSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { Prng } from '../../../src/base/prng.js'
import { systemClock } from '../../../src/base/system-clock.js'
import { Snapshots } from '../../../src/peer/snapshot/snapshots.js'
import { imageDirOf } from '../../../src/peer/snapshot/image-file.js'
import type { SenderReport } from '../../../src/peer/snapshot/sender-protocol.js'
import { SnapshotSender } from '../../../src/peer/snapshot/snapshot-sender.js'
import { Dialer } from '../../../src/peer/streams/dial-socket.js'
import { MessageType, encodeMessage } from '../../../src/proto/generated/raftpb.js'
import { removeStoreFile } from '../../../src/store/restore-store.js'
import { MvccRig } from '../../mvcc/support/mvcc-rig.js'
import { QUIET_LOGGER } from '../../mvcc/support/quiet-logger.js'
import { LmdbDisk } from '../../mvcc/support/test-disk.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { CLUSTER, PeerRig, portOf, membersOf, type member } from '../peer-rig.js'

export const SENDER = 0xan
export const RECEIVER = 0xbn

/** What a wire does to one connection after another, with bytes on their way to the receiver. */
export interface WireFault {
  /** The connection is cut after so many bytes. */
  readonly cutAfter?: number
  /** The byte at this place is changed. */
  readonly flipAt?: number
}

/** A TCP relay. */
export class Wire {
  /** Bytes of all connections on their way to the receiver. */
  forwarded = 0
  connections = 0
  readonly #target: number
  readonly #server: Server
  readonly #faults: WireFault[]
  readonly #sockets = new Set<Socket>()

  private constructor(target: number, faults: readonly WireFault[]) {
    this.#target = target
    this.#faults = [...faults]
    this.#server = createServer((socket) => this.#relay(socket))
  }

  /** The faults are for the connections that carry an image, in their order. */
  static async open(target: number, faults: readonly WireFault[]): Promise<Wire> {
    const wire = new Wire(target, faults)
    wire.#server.listen(0, '127.0.0.1')
    await once(wire.#server, 'listening')
    return wire
  }

  get url(): string {
    const address = this.#server.address()
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #relay(from: Socket): void {
    const to = connect(this.#target, '127.0.0.1')
    let fault: WireFault | null = null
    let seen = 0
    for (const socket of [from, to]) {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        from.destroy()
        to.destroy()
      })
    }
    to.on('data', (bytes: Buffer) => from.write(bytes))
    from.on('data', (bytes: Buffer) => {
      if (seen === 0 && bytes.toString('latin1', 0, 4) === 'POST') {
        this.connections++
        fault = this.#faults.shift() ?? null
      }
      const { flipAt = -1, cutAfter = Infinity } = fault ?? {}
      if (flipAt >= seen && flipAt < seen + bytes.length) bytes[flipAt - seen] = (bytes[flipAt - seen] as number) ^ 1
      seen += bytes.length
      this.forwarded += bytes.length
      if (seen >= cutAfter) from.destroy()
      else if (!to.write(bytes)) {
        from.pause()
        to.once('drain', () => from.resume())
      }
    })
  }
}

export class TransferRig {
  readonly store: MvccRig
  readonly storeDir: string
  readonly reports: SenderReport[] = []
  readonly delivered: { path: string; message: Uint8Array }[] = []
  receiver: PeerRig | null = null
  wire: Wire | null = null
  sender: SnapshotSender | null = null
  readonly #directory = temporaryDirectory()
  readonly receiveDir = this.#directory.path('received')
  /** Answers of raft's ring, in order; true when they are used up. */
  readonly deliverResults: boolean[] = []

  constructor(keys: number, valueBytes = 1000) {
    const disk = new LmdbDisk()
    this.storeDir = disk.directory
    this.store = new MvccRig({ disk })
    for (let key = 0; key < keys; key++) {
      this.store.send({ kind: 'put', put: { key: `key ${key}`, value: `${key}`.padEnd(valueBytes, 'v') } })
      if (key % 500 !== 499) continue
      this.store.run()
      this.store.node.fronts[0]?.take()
    }
    this.store.run()
    mkdirSync(this.receiveDir)
    mkdirSync(imageDirOf(this.storeDir), { recursive: true })
  }

  async start(
    { faults = [], bytesPerSecond = Infinity, pageBytes = 4096 }: {
      faults?: readonly WireFault[]
      bytesPerSecond?: number
      pageBytes?: number
    } = {},
  ): Promise<this> {
    const members = await membersOf(SENDER, RECEIVER)
    const port = portOf(members.find(({ id }) => id === RECEIVER) as ReturnType<typeof member>)
    const log: string[] = []
    const logger = { ...QUIET_LOGGER, warn: (_: string, msg: string, fields?: object) => {
      log.push(`${msg} ${JSON.stringify(fields ?? {})}`)
    } }
    const snapshots = new Snapshots({
      sending: {
        start: () => {
          throw new Error('the receiver sends nothing')
        },
        tellRaft: () => true, requestTurn: () => undefined, clock: systemClock, logger,
      },
      receiving: {
        memberId: RECEIVER, dir: this.receiveDir, noFsync: false, pageBytes, times: null, clock: systemClock, logger,
        deliver: (path, message) => {
          if (this.deliverResults.shift() === false) return false
          this.delivered.push({ path, message })
          return true
        },
      },
    })
    this.receiver = await PeerRig.start({ id: RECEIVER, members, port, snapshots })
    this.receiver.log.push = (...lines: string[]) => log.push(...lines)
    this.log = log
    this.wire = await Wire.open(port, faults)
    const random = new Prng(1)
    const self = { clusterId: CLUSTER, memberId: SENDER, peerUrls: ['http://127.0.0.1:1'], features: [] }
    this.sender = new SnapshotSender({
      dialer: new Dialer({ self, material: null, localAddress: null, onGone: () => undefined }),
      storeDir: this.storeDir,
      words: this.store.words,
      bytesPerSecond,
      clock: systemClock,
      pause: (ms) => pause(Math.min(ms, 20)),
      random: () => random.float(),
      removeFile: removeStoreFile,
      report: (report) => this.reports.push(report),
    })
    return this
  }

  /** What the receiver warned of. */
  log: string[] = []

  get lastIndex(): number {
    return this.store.log.length
  }

  /** Sends to the receiver and tells whether that went well. */
  async send(index = this.lastIndex, urls: readonly string[] = [(this.wire as Wire).url]): Promise<boolean> {
    const confState = { voters: [SENDER, RECEIVER] }
    const message = encodeMessage({
      type: MessageType.MsgSnap, to: RECEIVER, from: SENDER, term: 9,
      snapshot: { metadata: { index, term: 2, conf_state: confState } },
    })
    const before = this.reports.length
    await (this.sender as SnapshotSender).send({ kind: 'send', to: RECEIVER, urls, message })
    const sent = this.reports.slice(before).find((report) => report.kind === 'sent')
    return sent?.kind === 'sent' && sent.ok
  }

  get images(): string[] {
    const dir = imageDirOf(this.storeDir)
    return existsSync(dir) ? readdirSync(dir) : []
  }

  get received(): Buffer {
    return readFileSync(this.delivered[0]?.path ?? '')
  }

  async close(): Promise<void> {
    this.sender?.stop()
    this.wire?.close()
    await this.receiver?.stop()
    this.store.close()
    this.#directory.remove()
  }
}
