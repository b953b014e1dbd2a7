/**
 * Brings a node's threads up and down. Memory is shared out before any thread starts; a thread that fails ends the
 * process; a stop goes through the threads in the order that requests travel, so that each finds what was sent to it
 * before it ends.
 */

import type { MessagePort, Worker } from 'node:worker_threads'
import { wrap, type Remote } from 'comlink'
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs'
import { SharedWords, Word } from '../messages/shared-words.js'
import { Doorbell } from '../ring/doorbell.js'
import type { ActorName } from './actor.js'
import { runThread, type ActorBuilders, type ThreadReport } from './thread-runner.js'
import type { ThreadStart } from './thread-start.js'
import { awaitNativeSections } from './threads/native-sections.js'
import { spawnThread } from './threads/spawn.js'

/** Control calls of an actor on another thread: each returns a promise. */
export type RemoteControl<T> = Remote<T>

export interface SupervisorOptions {
  readonly starts: readonly ThreadStart[]
  /** Null: threads are spawned; otherwise the one thread's actors run here, built by these. */
  readonly inline: ActorBuilders | null
  /** How a thread is spawned when they are; by default from workers/thread.worker. */
  readonly spawn?: (start: ThreadStart) => Worker
  /** An actor or its thread failed. The node is not to be used any more. */
  readonly onFailure: (actor: string, cause: string) => void
}

/** Actors in the order their threads stop: a request's way through the node, the log last. */
const STOP_ORDER: readonly ActorName[] = ['front', 'watch', 'lease', 'raft', 'peer', 'mvcc', 'wal']

/** Beyond the drain that a thread allows itself. */
const STOP_GRACE_MS = 2000

export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #words: SharedWords
  readonly #workers: (Worker | null)[] = []
  readonly #controls = new Map<string, MessagePort>()
  readonly #remotes = new Map<string, RemoteControl<object>>()
  readonly #seen = new Set<string>()
  readonly #waiting = new Map<string, (() => void)[]>()
  #stopping = false

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#words = new SharedWords((options.starts[0] as ThreadStart).words)
  }

  /** Resolves when every thread has its actors built and started. */
  async start(): Promise<void> {
    for (const start of this.#options.starts) this.#startThread(start)
    await Promise.all(this.#options.starts.map((start) => this.#until(`started:${start.threadIndex}`)))
  }

  /** Resolves once any actor has reported the event. */
  event(name: string): Promise<void> {
    return this.#until(`event:${name}`)
  }

  /** The control calls of an actor that runs an event loop. */
  control<T>(name: ActorName, index: number): RemoteControl<T> {
    const key = `${name}:${index}`
    const port = this.#controls.get(key)
    if (port === undefined) throw new Error(`actor ${name} ${index} offers no control calls`)
    // Kept: comlink closes the port when a proxy of it is garbage.
    const remote = this.#remotes.get(key) ?? wrap<T>(nodeEndpoint(port))
    this.#remotes.set(key, remote as RemoteControl<object>)
    return remote as RemoteControl<T>
  }

  /** Stops all threads in put order; each has its drain bound and a grace on top. */
  async stop(): Promise<void> {
    this.#stopping = true
    const stopped = new Set<number>()
    for (const name of STOP_ORDER) {
      const group = this.#options.starts.filter(
        (start) =>
          !stopped.has(start.threadIndex) &&
          this.#workers[start.threadIndex] !== undefined &&
          start.actors.some((actor) => actor.name === name && actor.thread === start.threadIndex),
      )
      for (const start of group) stopped.add(start.threadIndex)
      await Promise.all(group.map((start) => this.#stopThread(start)))
    }
    for (const port of this.#controls.values()) port.close()
    awaitNativeSections()
    await Promise.all(this.#workers.map((worker) => worker?.terminate()))
  }

  #startThread(start: ThreadStart): void {
    if (this.#options.inline !== null) {
      this.#workers[start.threadIndex] = null
      void runThread(start, this.#options.inline, (report) => this.#onReport(start, report))
      return
    }
    const spawn = this.#options.spawn ?? spawnActorThread
    const worker = spawn(start)
    this.#workers[start.threadIndex] = worker
    worker.on('message', (report: ThreadReport) => this.#onReport(start, report))
    worker.on('error', (error) => this.#fail(start.threadName, error.stack ?? String(error)))
    worker.on('exit', (code) => {
      if (!this.#stopping) this.#fail(start.threadName, `thread ended by itself with code ${code}`)
      this.#happened(`stopped:${start.threadIndex}`)
    })
  }

  #onReport(start: ThreadStart, report: ThreadReport): void {
    switch (report.kind) {
      case 'started':
      case 'stopped':
        this.#happened(`${report.kind}:${start.threadIndex}`)
        return
      case 'failed':
        this.#fail(report.actor, report.cause)
        // It takes no more turns, so nobody need wait for its drain.
        this.#happened(`stopped:${start.threadIndex}`)
        return
      case 'event':
        this.#happened(`event:${report.event}`)
        return
      case 'control':
        this.#controls.set(`${report.name}:${report.index}`, report.port)
        return
    }
  }

  #fail(actor: string, cause: string): void {
    this.#options.onFailure(actor, cause)
  }

  async #stopThread(start: ThreadStart): Promise<void> {
    this.#words.store(Word.stopRequested + start.threadIndex, 1)
    new Doorbell(start.doorbells[start.threadIndex] as SharedArrayBuffer).ring()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, start.drainMsMax + STOP_GRACE_MS)
    })
    await Promise.race([this.#until(`stopped:${start.threadIndex}`), late])
    clearTimeout(timer)
  }

  #until(what: string): Promise<void> {
    if (this.#seen.has(what)) return Promise.resolve()
    return new Promise((resolve) => {
      const list = this.#waiting.get(what) ?? []
      list.push(resolve)
      this.#waiting.set(what, list)
    })
  }

  #happened(what: string): void {
    this.#seen.add(what)
    for (const resolve of this.#waiting.get(what) ?? []) resolve()
    this.#waiting.delete(what)
  }
}

function spawnActorThread(start: ThreadStart): Worker {
  return spawnThread('thread', start.threadName, start)
}
