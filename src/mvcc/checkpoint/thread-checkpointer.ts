/**
 * Checkpoints on a helper thread. The mvcc thread sleeps on its doorbell and delivers no ports, so the two talk over a
 * pair of rings, as actors do: orders one way, one report for each checkpoint the other way.
 */

import { assert, unreachable } from '../../base/assert.js'
import { EMPTY_BYTES, text, utf8, type Bytes } from '../../base/bytes.js'
import { Doorbell, allocateDoorbell } from '../../ring/doorbell.js'
import { allocateRing } from '../../ring/ring-layout.js'
import { RingReader } from '../../ring/ring-reader.js'
import { RingWriter } from '../../ring/ring-writer.js'
import type { Checkpointer, CheckpointOutcome, CheckpointSource, CheckpointTarget } from './checkpointer.js'

/** What the helper thread starts with, beside what its target needs. */
export interface CheckpointHelperStart {
  readonly orders: SharedArrayBuffer
  /** The helper sleeps on this. */
  readonly doorbell: SharedArrayBuffer
  readonly reports: SharedArrayBuffer
  /** The thread that mvcc runs on sleeps on this. */
  readonly mvccDoorbell: SharedArrayBuffer
}

export interface ThreadCheckpointerOptions {
  readonly mvccDoorbell: SharedArrayBuffer
  readonly nowMs: () => number
  /** Starts a thread that calls `runCheckpointHelper` with what it is given. */
  readonly spawn: (start: CheckpointHelperStart) => void
}

/** Records of the orders: what the source wrote, its file, a path, two paths with a zero between them. */
const Order = Object.freeze({ write: 1, sync: 2, stop: 3, remove: 4, place: 5 })
/** Records of the reports; a message follows all but `written`. */
const Report = Object.freeze({ written: 1, noSpace: 2, failed: 3 } as const)
type ReportType = (typeof Report)[keyof typeof Report]

/** An order holds two pages of the store and a header. */
const RING_BYTES = 256 * 1024
const PARK_MS_MAX = 1000
const PATH_END = '\0'
/** A disk may be slow, but a node that ends waits no longer than two minutes for it. */
const WAIT_MS_MAX = 120_000

interface BegunCheckpoint {
  readonly source: CheckpointSource
  readonly appliedIndex: number
  readonly appliedTerm: number
}

/** The mvcc actor's end. */
export class ThreadCheckpointer implements Checkpointer {
  readonly #nowMs: () => number
  readonly #ownDoorbell: Doorbell
  readonly #orders: RingWriter
  readonly #reports: RingReader
  readonly #helperDoorbell: Doorbell
  #begun: BegunCheckpoint | null = null

  constructor(options: ThreadCheckpointerOptions) {
    const { mvccDoorbell, nowMs, spawn } = options
    const orders = allocateRing(RING_BYTES)
    const reports = allocateRing(RING_BYTES)
    const doorbell = allocateDoorbell()
    this.#nowMs = nowMs
    this.#ownDoorbell = new Doorbell(mvccDoorbell)
    this.#orders = new RingWriter(orders)
    this.#reports = new RingReader(reports)
    this.#helperDoorbell = new Doorbell(doorbell)
    spawn({ orders, doorbell, reports, mvccDoorbell })
  }

  get isRunning(): boolean {
    return this.#begun !== null
  }

  get ordered(): number {
    return this.#orders.position
  }

  isDone(ordered: number): boolean {
    return this.#orders.hasReleased(ordered)
  }

  begin(source: CheckpointSource, appliedIndex: number, appliedTerm: number): void {
    assert(this.#begun === null, 'one checkpoint at a time')
    this.#begun = { source, appliedIndex, appliedTerm }
    const isSent = this.#order(Order.write, source.begin(appliedIndex, appliedTerm))
    assert(isSent, 'a ring has room for the one checkpoint that is written')
  }

  /** Nothing is lost when the ring is full: the checkpoint syncs everything that is left. */
  syncAhead(source: CheckpointSource): void {
    this.#order(Order.sync, source.file)
  }

  /** What a full ring does not take is removed by the next start. */
  remove(path: string): void {
    this.#order(Order.remove, utf8(path))
  }

  place(from: string, to: string): boolean {
    return this.#order(Order.place, utf8(`${from}${PATH_END}${to}`))
  }

  hasOutcome(): boolean {
    return this.#reports.hasNext()
  }

  takeOutcome(): CheckpointOutcome {
    const reports = this.#reports
    assert(reports.next(), 'a report waits')
    const type = reports.type as ReportType
    const message = text(reports.bytes.slice(reports.start, reports.end))
    reports.release()
    const begun = this.#begun
    // What a failed write-back has lost is unknown; a store that may lack it must not be built upon.
    assert(type !== Report.failed, `checkpoint: ${message}`)
    assert(begun !== null, 'a report without a checkpoint')
    this.#begun = null
    const { source, appliedIndex, appliedTerm } = begun
    switch (type) {
      case Report.written:
        source.adopt()
        return { ok: true, appliedIndex, appliedTerm }
      case Report.noSpace:
        source.giveUp()
        return { ok: false, code: 'no-space', message }
      default:
        return unreachable(type)
    }
  }

  waitForOutcome(): void {
    this.#waitUntil(() => this.hasOutcome())
  }

  close(): void {
    assert(this.#begun === null, 'the last checkpoint is finished first')
    this.#waitUntil(() => this.isDone(this.ordered) || this.hasOutcome())
    // Nothing but a failure is reported without a checkpoint.
    if (this.hasOutcome()) this.takeOutcome()
    this.#order(Order.stop, EMPTY_BYTES)
  }

  #waitUntil(isOver: () => boolean): void {
    const giveUpAtMs = this.#nowMs() + WAIT_MS_MAX
    while (!isOver()) {
      assert(this.#nowMs() < giveUpAtMs, 'the checkpoint helper does not answer')
      this.#ownDoorbell.park(PARK_MS_MAX, isOver)
    }
  }

  #order(type: number, payload: Bytes): boolean {
    const isSent = send(this.#orders, type, payload)
    this.#helperDoorbell.ring()
    return isSent
  }
}

/** The helper's end. Returns when told to stop, or after a failure that ends the process. */
export function runCheckpointHelper(start: CheckpointHelperStart, openTarget: () => CheckpointTarget): void {
  const report = reporterOf(start)
  try {
    const target = openTarget()
    serve(start, target, report)
    target.close()
  } catch (error) {
    report(Report.failed, error instanceof Error ? error.message : String(error))
  }
}

type Reporter = (type: ReportType, message: string) => void

function reporterOf(start: CheckpointHelperStart): Reporter {
  const reports = new RingWriter(start.reports)
  const mvccDoorbell = new Doorbell(start.mvccDoorbell)
  return (type, message) => {
    send(reports, type, utf8(message))
    mvccDoorbell.ring()
  }
}

function serve(start: CheckpointHelperStart, target: CheckpointTarget, report: Reporter): void {
  const orders = new RingReader(start.orders)
  const doorbell = new Doorbell(start.doorbell)
  const mvccDoorbell = new Doorbell(start.mvccDoorbell)
  const hasOrder = (): boolean => orders.hasNext()
  for (;;) {
    if (!orders.next()) {
      doorbell.park(PARK_MS_MAX, hasOrder)
      continue
    }
    const { type } = orders
    const payload = orders.bytes.slice(orders.start, orders.end)
    if (type === Order.stop) return
    fulfil(type, payload, target, report)
    // Not before: what is released is done.
    orders.release()
    mvccDoorbell.ring()
  }
}

function fulfil(type: number, payload: Bytes, target: CheckpointTarget, report: Reporter): void {
  if (type === Order.sync) {
    target.sync(payload)
    return
  }
  if (type === Order.remove) {
    target.remove(text(payload))
    return
  }
  if (type === Order.place) {
    const [from, to] = text(payload).split(PATH_END) as [string, string]
    target.place(from, to)
    return
  }
  const message = target.write(payload)
  if (message === undefined) report(Report.written, '')
  else report(Report.noSpace, message)
}

function send(ring: RingWriter, type: number, payload: Bytes): boolean {
  const at = ring.claim(type, payload.length)
  if (at < 0) return false
  ring.bytes.set(payload, at)
  ring.commit(payload.length)
  ring.publish()
  return true
}
