/**
 * One simulated member over its lives: the real actors, each on a thread of its own, over simulated devices. What it
 * has on its disks outlives its processes.
 */

import type { Actor, ActorName } from '../../actor/actor.js'
import { ThreadContext } from '../../actor/thread-context.js'
import type { Identity, ThreadStart } from '../../actor/thread-start.js'
import { EMPTY_BYTES, type Bytes } from '../../base/bytes.js'
import type { MemberRecord } from '../../cluster/member-record.js'
import { readMembers } from '../../cluster/membership-table.js'
import type { Config } from '../../config/config.js'
import { KeyspaceView } from '../../keyspace/keyspace-view.js'
import { SharedWords, Word } from '../../messages/shared-words.js'
import { PeerPage } from '../../metrics/peer-page.js'
import { allocateNode } from '../../node-memory.js'
import type { OpenStore, SimStoreDisk } from '../devices/sim-store.js'
import { refusalProblem } from '../checkers/refusal-verdict.js'
import { SimDisk, type BadSector } from '../devices/sim-disk.js'
import { buildActor, type NodeParts } from './build-actors.js'
import { DeviceFailure, PowerCut } from './failure.js'
import { SimLogger } from './sim-logger.js'
import { SimThread } from './sim-thread.js'
import type { World } from './world.js'

/** Smaller than real ones, so that full rings happen. */
const RING_BYTES_MAX = 128 * 1024
const EVENT_LOG_BYTES = 128 * 1024
/** Full after some hundred puts, so that rows go to the file all the time. */
const RECENT_SLOT_BYTES = 64 * 1024
const DISK_MS = 0.25
const WALL_START_MS = 1_800_000_000_000
/** Monotonic clocks of two machines, and of two lives of one, have nothing in common. */
const ORIGIN_MS_MAX = 10_000_000

export interface SimNodeOptions {
  readonly name: string
  readonly number: number
  readonly config: Config
  readonly identity: Identity
  readonly storeDisk: SimStoreDisk
  readonly parts: NodeParts
  /** After each turn of a thread of this node. */
  readonly afterTurn: (node: SimNode, thread: SimThread) => void
  /** This process has ended by itself; `isExpected` if a real one would have. */
  readonly onEnd: (node: SimNode, cause: string, isExpected: boolean) => void
}

export interface StoreImageOfNode {
  readonly index: number
  readonly term: number
  readonly confState: Bytes
  /** Of this moment: called before anything else happens. */
  readonly writeTo: (disk: SimStoreDisk, path: string) => void
}

export class SimNode {
  readonly name: string
  readonly number: number
  readonly identity: Identity
  readonly disk = new SimDisk()
  readonly storeDisk: SimStoreDisk
  /** Of this life; empty while it is down. */
  threads: readonly SimThread[] = []
  words: SharedWords | null = null
  peers: PeerPage | null = null
  eventLog: SharedArrayBuffer | null = null
  actors = new Map<ActorName, { readonly actor: Actor; readonly thread: SimThread }>()
  /** Lives begun. */
  lives = 0
  heldUntilMs = 0
  slowness = 1
  /** Syncs of the log take this much longer, or do not end before then. */
  diskSlowness = 1
  diskStallUntilMs = 0
  wallOffsetMs = 0
  #originMs = 0
  #servesLife = 0
  /** Nobody starts it again: its disk is broken. */
  isLost = false
  /** What has gone bad of its log, until a start has shown what comes of that. */
  damage: BadSector | null = null
  readonly #world: World
  readonly #options: SimNodeOptions
  readonly #logger: SimLogger
  #store: OpenStore | null = null

  constructor(world: World, options: SimNodeOptions) {
    this.#world = world
    this.#options = options
    this.name = options.name
    this.number = options.number
    this.identity = options.identity
    this.storeDisk = options.storeDisk
    this.#logger = new SimLogger(world, options.name)
  }

  get isUp(): boolean {
    return this.threads.length > 0
  }

  /** Its client ports are open: as the real one, it has a leader and has said its name by then. */
  get isServing(): boolean {
    return this.isUp && this.#servesLife === this.lives
  }

  get appliedIndex(): number {
    return this.loadWord('appliedIndex')
  }

  get memberId(): bigint {
    return this.identity.memberId
  }

  thread(name: ActorName): SimThread | null {
    return this.actors.get(name)?.thread ?? null
  }

  start(): void {
    const { config, identity, name } = this.#options
    this.lives++
    this.#originMs = this.#world.chance.between(0, ORIGIN_MS_MAX)
    this.#world.say(name, () => `starts (life ${this.lives})`)
    const memory = allocateNode(config, identity, {
      ringBytes: (bytes) => Math.min(bytes, RING_BYTES_MAX),
      eventLogBytes: EVENT_LOG_BYTES,
      recentSlotBytes: RECENT_SLOT_BYTES,
      recentSeed: () => 1,
    })
    this.words = new SharedWords(memory.words)
    const first = memory.starts[0] as ThreadStart
    this.eventLog = first.eventLog
    this.peers = new PeerPage(first.peerPage)
    this.#store = this.storeDisk.open()
    const threads: SimThread[] = []
    this.threads = threads
    for (const start of memory.starts) {
      if (!this.#startThread(start, threads)) return
    }
    for (const thread of threads) thread.start()
  }

  /** The process ends where it stands: `power` takes with it what the disk had not synced. */
  crash(kind: 'power' | 'kill'): void {
    if (!this.isUp) return
    this.#world.say(this.name, () => kind === 'power' ? 'loses its power' : 'is killed')
    this.#end()
    if (kind === 'power') this.disk.powerLoss(this.#world.chance)
    else this.disk.restarted()
  }

  /** An image of the store as it is now; null while it has not come to this entry. */
  imageOf(indexMin: number): StoreImageOfNode | null {
    const generation = this.loadWord('storeGeneration')
    const store = this.#store
    if (generation === 0 || store === null || this.appliedIndex < indexMin) return null
    const reader = store.openReader(generation)
    const snapshot = reader.beginRead()
    const view = new KeyspaceView(snapshot)
    const { appliedIndex: index, appliedTerm: term } = view
    const confState = view.confState() ?? EMPTY_BYTES
    snapshot.close()
    reader.close()
    return { index, term, confState, writeTo: (disk, path) => store.copyTo(disk, path, generation) }
  }

  /** The cluster's members as its own store has them; null while it has none open. */
  members(): readonly MemberRecord[] | null {
    const generation = this.loadWord('storeGeneration')
    const store = this.#store
    if (generation === 0 || store === null) return null
    const reader = store.openReader(generation)
    const snapshot = reader.beginRead()
    const members = readMembers(snapshot)
    snapshot.close()
    reader.close()
    return members
  }

  /** What made it slow is over: its threads look around now, and not when they had meant to. */
  hurry(): void {
    for (const thread of this.threads) thread.poke()
  }

  /** Nothing of it runs until then. */
  holdUntil(untilMs: number): void {
    this.heldUntilMs = Math.max(this.heldUntilMs, untilMs)
  }

  /** What its own clock shows. */
  get clockMs(): number {
    return this.#originMs + this.#world.nowMs
  }

  loadWord(word: keyof typeof Word): number {
    return this.words?.load(Word[word]) ?? 0
  }

  #startThread(start: ThreadStart, threads: SimThread[]): boolean {
    const { parts, number, afterTurn } = this.#options
    const life = this.lives
    const context = new ThreadContext(start, this.#clock(), this.#logger, (event) => {
      if (event === 'published' && this.lives === life) this.#servesLife = life
    })
    const device = {
      disk: this.disk,
      store: this.#store as OpenStore,
      isGone: () => this.lives !== life || !this.isUp,
      ringMvcc: () => this.thread('mvcc')?.poke(),
      onThrow: (error: unknown) => this.#onThrow(context, error),
    }
    const names = start.actors.filter(({ thread }) => thread === start.threadIndex).map(({ name }) => name)
    const thread: SimThread = new SimThread(this.#world, {
      name: start.threadName,
      number: number * 16 + start.threadIndex,
      turn: context.turn,
      doorbell: context.doorbell,
      originMs: this.#originMs,
      heldUntilMs: () => this.heldUntilMs,
      slowness: () => this.slowness,
      deviceMs: names.includes('wal') ? () => this.#diskMs() : () => 0,
      afterTurn: () => {
        if (names.includes('wal')) this.#checkLog()
        for (const other of this.threads) other.look()
        if (names.includes('front')) this.#world.owesPromises = this.#world.usesPromises
        afterTurn(this, thread)
      },
      onThrow: (error) => this.#onThrow(context, error),
      onSpin: () => this.#world.fail('liveness', `${this.name}: ${start.threadName} does nothing and never sleeps`),
    })
    context.requestTurn = () => thread.poke()
    threads.push(thread)
    try {
      for (const { name, index, thread: at } of start.actors) {
        if (at !== start.threadIndex) continue
        const actor = buildActor(context, { name, index }, { world: this.#world, node: this, device, parts })
        context.host(actor, index)
        this.actors.set(name, { actor, thread })
      }
      return true
    } catch (error) {
      this.#onThrow(context, error)
      return false
    }
  }

  #clock(): { nowMs: () => number; wallMs: () => number } {
    const { time } = this.#world
    const originMs = this.#originMs
    const wallMs = (): number => WALL_START_MS + Math.floor(time.nowMs) + this.wallOffsetMs
    return { nowMs: () => originMs + time.nowMs, wallMs }
  }

  #diskMs(): number {
    const stall = Math.max(0, this.diskStallUntilMs - this.#world.nowMs)
    return this.#world.around(DISK_MS) * this.diskSlowness + stall
  }

  /** After a turn of wal, the first of which opens the log. */
  #checkLog(): void {
    const { disk, name, damage } = this
    if (disk.lostRecords) this.#world.fail('correctness', `${name}: records that were synced have been written over`)
    if (damage === null) return
    // Padding and salts may change: no record says otherwise.
    this.#world.say(name, () => `starts in spite of a bad sector in ${damage.name}, and has lost nothing`)
    this.damage = null
  }

  /** True if the error is what a damaged log must end with: then it is broken for good. */
  #isRefusal(text: string): boolean {
    const { damage } = this
    if (damage === null) return false
    const problem = refusalProblem(text, damage)
    if (problem !== null) return false
    this.damage = null
    this.isLost = true
    return true
  }

  #onThrow(context: ThreadContext, error: unknown): void {
    const isCut = error instanceof PowerCut
    const actor = context.turn.activeName ?? 'a thread'
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#world.say(this.name, () => `ends: ${actor}: ${isCut ? 'power cut' : firstLine(text)}`)
    this.#end()
    if (isCut) this.disk.powerLoss(this.#world.chance)
    else this.disk.restarted()
    const isFull = text.includes('no space left on disk')
    const isExpected = isCut || isFull || error instanceof DeviceFailure || this.isLost || this.#isRefusal(text)
    this.#options.onEnd(this, `${this.name}: ${actor}: ${text}`, isExpected)
  }

  #end(): void {
    for (const thread of this.threads) thread.end()
    this.threads = []
    this.actors = new Map()
    this.words = null
    this.peers = null
    this.eventLog = null
    this.#store?.abandon()
    this.#store = null
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text
}
