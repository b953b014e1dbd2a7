/** What the actors of the thread tests do, and the shared memory that joins one of them to the test. */

import assert from 'node:assert/strict'
import { Worker } from 'node:worker_threads'
import type { ActorName } from '../../src/actor/actor.js'
import type { ThreadContext } from '../../src/actor/thread-context.js'
import type { ActorBuilders } from '../../src/actor/thread-runner.js'
import type { RingPlacement, ThreadStart } from '../../src/actor/thread-start.js'
import { conclude } from '../../src/config/config.js'
import { readFlags } from '../../src/config/flags.js'
import type { Sender } from '../../src/messages/protocol.js'
import { SharedWords, Word, allocateWords } from '../../src/messages/shared-words.js'
import { allocateActorPage } from '../../src/metrics/counter-catalogue.js'
import { allocateSyncTimes } from '../../src/messages/sync-times.js'
import { LOG_RING_BYTES } from '../../src/metrics/logger.js'
import { allocatePeerPage } from '../../src/metrics/peer-page.js'
import { allocateThreadPage } from '../../src/metrics/thread-catalogue.js'
import { Doorbell, allocateDoorbell } from '../../src/ring/doorbell.js'
import { allocateRing } from '../../src/ring/ring-layout.js'
import { RingReader } from '../../src/ring/ring-reader.js'
import { RingWriter } from '../../src/ring/ring-writer.js'
import { ScriptedActor, sayerOf, sayMessages, type SayMessages, type Script } from '../actor/scripted-actor.js'

export type Behaviour =
  | 'echo'
  | 'timer'
  | 'busy for ever'
  | 'notify'
  | 'note the closing'
  | 'throw while built'
  | 'throw at start'
  | 'throw while hearing'
  | 'throw at work'
  | 'throw outside a turn'

/** What an echo says last. */
export const CLOSED = 999_999
export const TIMER_MS = 30
/** Words, unused in these tests, that count the threads closed and hold each thread's place among them. */
const CLOSINGS = Word.term
export const CLOSING_OF = Word.appliedWanted

export function buildersFor(behaviour: Behaviour): ActorBuilders {
  const build = (name: ActorName) => (context: ThreadContext, index: number) => {
    if (behaviour === 'throw while built') assert.fail('thrown while built')
    const hasFront = context.start.actors.some((actor) => actor.name === 'front')
    const front = hasFront ? context.senderTo(sayMessages, { name, index }, { name: 'front', index: 0 }) : null
    const actor = new ScriptedActor(name, scriptOf(behaviour, front, context))
    return Object.assign(actor, { control: { double: (value: number) => value * 2 } })
  }
  return {
    raft: build('raft'),
    wal: build('wal'),
    mvcc: build('mvcc'),
    lease: build('lease'),
    watch: build('watch'),
  }
}

function scriptOf(behaviour: Behaviour, front: Sender<SayMessages> | null, context: ThreadContext): Script {
  const say = (value: number): void => {
    assert.ok(front?.say({ value, data: new Uint8Array(8) }), 'the ring to the test has room')
  }
  let dueMs = Infinity
  const scripts: Readonly<Record<Behaviour, Script>> = {
    echo: { onSay: say, onClose: () => say(CLOSED) },
    timer: {
      onStart: (nowMs) => {
        dueMs = nowMs + TIMER_MS
      },
      wakeAtMs: () => dueMs,
      doWork: (nowMs) => {
        if (nowMs < dueMs) return 0
        say(Math.floor(nowMs - dueMs))
        dueMs = Infinity
        return 1
      },
    },
    'busy for ever': { isIdle: () => false, onClose: () => say(CLOSED) },
    'note the closing': {
      onClose: () => {
        context.words.add(CLOSINGS, 1)
        context.words.store(CLOSING_OF + context.start.threadIndex, context.words.load(CLOSINGS))
      },
    },
    notify: { onStart: () => context.notify('ready to be seen') },
    'throw while built': {},
    'throw at start': { onStart: () => assert.fail('thrown at start') },
    'throw while hearing': { onSay: () => assert.fail('thrown while hearing') },
    'throw at work': { doWork: () => assert.fail('thrown at work') },
    'throw outside a turn': { onSay: () => setImmediate(() => assert.fail('thrown outside a turn')) },
  }
  return scripts[behaviour]
}

export type ThreadKind = 'blocking' | 'event loop'

/** The test's side of one actor thread: it is the front that the actor talks to, on a thread of its own. */
export class Peer {
  readonly start: ThreadStart
  readonly words: SharedWords
  readonly #toActor: RingWriter
  readonly #sayer: Sender<SayMessages>
  readonly #actorDoorbell: Doorbell
  readonly #fromActor: RingReader
  readonly #doorbell: Doorbell
  readonly #heard: number[] = []

  constructor(kind: ThreadKind, options: { name?: ActorName; drainMsMax?: number } = {}) {
    const name = options.name ?? 'raft'
    const [there, back] = [allocateRing(64 * 1024), allocateRing(64 * 1024)]
    const rings: RingPlacement[] = [
      { from: 'front', fromIndex: 0, to: name, toIndex: 0, memory: there },
      { from: name, fromIndex: 0, to: 'front', toIndex: 0, memory: back },
    ]
    const doorbells = [allocateDoorbell(), allocateDoorbell()]
    this.start = {
      threadIndex: 0,
      threadName: `${name}-thread`,
      eventLoop: kind === 'event loop',
      config: defaults(),
      identity: { memberId: 1n, clusterId: 1n, bootstrapEntries: [], storeDir: '' },
      actors: [
        { name, index: 0, thread: 0 },
        { name: 'front', index: 0, thread: 1 },
      ],
      rings,
      doorbells,
      words: allocateWords(),
      eventLog: new SharedArrayBuffer(8),
      recentRows: new SharedArrayBuffer(8),
      actorPages: [allocateActorPage(), allocateActorPage()],
      threadPages: [allocateThreadPage(), allocateThreadPage()],
      profileChannel: 'raftring-profiles-test',
      threadNames: [`${name}-thread`, 'front-0'],
      syncTimes: allocateSyncTimes(),
      stagePages: [],
      recentRequests: [],
      peerPage: allocatePeerPage(),
      logRing: allocateRing(LOG_RING_BYTES),
      logDoorbell: allocateDoorbell(),
      drainMsMax: options.drainMsMax ?? 5000,
    }
    this.words = new SharedWords(this.start.words)
    this.#toActor = new RingWriter(there)
    this.#sayer = sayerOf(this.#toActor)
    this.#fromActor = new RingReader(back)
    this.#actorDoorbell = new Doorbell(doorbells[0] as SharedArrayBuffer)
    this.#doorbell = new Doorbell(doorbells[1] as SharedArrayBuffer)
  }

  say(...values: readonly number[]): void {
    for (const value of values) assert.ok(this.#sayer.say({ value, data: new Uint8Array(8) }))
    if (this.#toActor.publish()) this.#actorDoorbell.ring()
  }

  /** Resolves with everything heard so far once it is at least `count` numbers. */
  hears(count: number): Promise<readonly number[]> {
    return new Promise((resolve) => {
      const look = (): void => {
        this.#doorbell.stayAwake()
        this.#take()
        if (this.#heard.length >= count) resolve(this.#heard)
        else if (!this.#doorbell.parkAsync(() => this.#fromActor.hasNext(), look)) look()
      }
      // A pending waitAsync alone does not keep a process alive; the worker that is waited for does.
      look()
    })
  }

  #take(): void {
    while (this.#fromActor.next()) {
      this.#heard.push(this.#fromActor.view.getFloat64(this.#fromActor.start, true))
    }
    this.#fromActor.release()
  }
}

function defaults(): ThreadStart['config'] {
  const flags = readFlags(['--name=test'], {})
  assert.ok(flags.ok && 'raw' in flags)
  const result = conclude(flags.raw, 2)
  assert.ok(result.ok)
  return result.config
}

/** How a supervisor under test starts threads. */
export function spawnBehaving(behaviour: Behaviour): (start: ThreadStart) => Worker {
  return (start) =>
    new Worker(new URL('./actors.worker.js', import.meta.url), {
      name: start.threadName,
      workerData: { start, behaviour },
    })
}
