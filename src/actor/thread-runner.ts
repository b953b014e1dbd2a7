/**
 * Runs one thread from its start message: builds its actors, puts them on the right runner, reports what became of
 * them.
 */

import { MessageChannel, type MessagePort, type Transferable } from 'node:worker_threads'
import { expose } from 'comlink'
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs'
import { assert } from '../base/assert.js'
import { systemClock } from '../base/system-clock.js'
import { RingLogger } from '../metrics/logger.js'
import type { Actor, ActorName } from './actor.js'
import { runBlocking, type RunnerControl } from './blocking-runner.js'
import { EventLoopRunner } from './event-loop-runner.js'
import { Idling } from './idling.js'
import { ThreadContext } from './thread-context.js'
import { threadControlOf } from './thread-control.js'
import type { ThreadStart } from './thread-start.js'

/** Builds one actor with its real devices. Code that only this actor needs may be loaded for it. */
export type ActorBuilder = (context: ThreadContext, index: number) => Actor | Promise<Actor>
export type ActorBuilders = Readonly<Partial<Record<ActorName, ActorBuilder>>>

/** What a thread tells the supervisor. */
export type ThreadReport =
  | { readonly kind: 'started' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly actor: string; readonly cause: string }
  /** An actor on an event loop offers control calls over comlink. */
  | { readonly kind: 'control'; readonly name: ActorName; readonly index: number; readonly port: MessagePort }
  /** Something that the supervisor waits for, such as `published`. */
  | { readonly kind: 'event'; readonly event: string }

export type ReportThread = (report: ThreadReport, transfer: readonly Transferable[]) => void

/** An actor with control calls. Only actors on an event loop may have them: a parked thread delivers no port. */
export interface Controllable {
  readonly control: object
}

/** Returns when a blocking thread has stopped, or once one with an event loop runs. */
export async function runThread(start: ThreadStart, builders: ActorBuilders, report: ReportThread): Promise<void> {
  const context = contextOf(start, (event) => report({ kind: 'event', event }, []))
  let building: string | null = null
  try {
    for (const { name, index, thread } of start.actors) {
      if (thread !== start.threadIndex) continue
      building = name
      const build = builders[name]
      assert(build !== undefined, `no builder for actor ${name}`)
      const actor = await build(context, index)
      context.host(actor, index)
      if (start.eventLoop && isControllable(actor)) offerControl(context, actor, index, report)
    }
    building = null
    run(context, report)
  } catch (error) {
    reportFailure(context, building, error, report)
  }
}

function isControllable(actor: Actor): actor is Actor & Controllable {
  return 'control' in actor
}

function offerControl(
  context: ThreadContext,
  actor: Actor & Controllable,
  index: number,
  report: ReportThread,
): void {
  const { port1, port2 } = new MessageChannel()
  expose({ ...threadControlOf(context), ...actor.control }, nodeEndpoint(port1))
  port1.unref()
  report({ kind: 'control', name: actor.name, index, port: port2 }, [port2])
}

function contextOf(start: ThreadStart, notify: (event: string) => void): ThreadContext {
  const logger = new RingLogger({
    ring: start.logRing,
    doorbell: start.logDoorbell,
    level: start.config.logLevel,
    format: start.config.logFormat,
    wallMs: () => systemClock.wallMs(),
  })
  return new ThreadContext(start, systemClock, logger, notify)
}

function run(context: ThreadContext, report: ReportThread): void {
  const control: RunnerControl = {
    stopRequested: () => context.stopRequested(),
    drainMsMax: context.start.drainMsMax,
    meter: context.meter,
    idling: new Idling(context.start.config.idleStrategy, context.clock),
  }
  const { turn, doorbell, clock, meter } = context
  if (!context.start.eventLoop) {
    meter.startBlocking()
    report({ kind: 'started' }, [])
    runBlocking(turn, doorbell, clock, control)
    meter.stop()
    report({ kind: 'stopped' }, [])
    return
  }
  const runner = new EventLoopRunner({
    turn,
    doorbell,
    clock,
    control,
    onStopped: () => {
      meter.stop()
      report({ kind: 'stopped' }, [])
    },
    onFailure: (error) => reportFailure(context, null, error, report),
  })
  context.requestTurn = runner.request
  meter.startEventLoop(clock)
  runner.start()
  report({ kind: 'started' }, [])
}

/** Names the actor that was being built or was running; the thread where no actor was. */
function reportFailure(context: ThreadContext, building: string | null, error: unknown, report: ReportThread): void {
  const actor = building ?? context.turn.activeName ?? context.start.threadName
  report({ kind: 'failed', actor, cause: describe(error) }, [])
}

export function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
