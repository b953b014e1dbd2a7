/**
 * The helper thread beside the log: fills files with zeros before they are needed and removes those that are not. The
 * two talk over a pair of rings, because both sleep on doorbells and deliver no ports.
 */

import { join } from 'node:path'
import { text, utf8, type Bytes } from '../base/bytes.js'
import { assert } from '../base/assert.js'
import { Doorbell, allocateDoorbell } from '../ring/doorbell.js'
import { allocateRing } from '../ring/ring-layout.js'
import { RingReader } from '../ring/ring-reader.js'
import { RingWriter } from '../ring/ring-writer.js'
import type { SegmentSupply, SupplyStatus } from './wal-device.js'
import { ZeroFill, removeFile, systemErrorOf } from './wal-file.js'

export interface PreallocatorStart {
  readonly directory: string
  readonly fileBytes: number
  readonly noFsync: boolean
  /** Orders to the helper, and the doorbell that it sleeps on. */
  readonly orders: SharedArrayBuffer
  readonly doorbell: SharedArrayBuffer
  /** Reports from the helper. The log looks at them when it likes; a test may sleep on the doorbell. */
  readonly reports: SharedArrayBuffer
  readonly reportBell: SharedArrayBuffer
}

/** Records of the orders: a file's name follows. */
const Order = Object.freeze({ prepare: 1, discard: 2, stop: 3 })
/** Records of the reports: the system's error number follows, 0 for success. */
const Report = Object.freeze({ prepared: 1, discarded: 2 })

const RING_BYTES = 16 * 1024
const PARK_MS_MAX = 1000
/** Between two chunks the disk is the log's: filling all at once would delay its syncs. */
const CHUNK_PAUSE_MS = 2

/** The log's end. */
export class ThreadSegmentSupply implements SegmentSupply {
  readonly #orders: RingWriter
  readonly #doorbell: Doorbell
  readonly #reports: RingReader
  #status: SupplyStatus = 'idle'
  #failure = 0
  #discardFailure = 0

  /** Null once the helper runs: a node that stays small never needs the thread. */
  #spawn: (() => void) | null

  /** `spawn` starts a thread that calls `runPreallocator` with what it is given; called with the first order. */
  constructor(
    options: Pick<PreallocatorStart, 'directory' | 'fileBytes' | 'noFsync'>,
    spawn: (start: PreallocatorStart) => void,
  ) {
    const orders = allocateRing(RING_BYTES)
    const reports = allocateRing(RING_BYTES)
    const doorbell = allocateDoorbell()
    this.#orders = new RingWriter(orders)
    this.#reports = new RingReader(reports)
    this.#doorbell = new Doorbell(doorbell)
    const reportBell = allocateDoorbell()
    this.#spawn = () => spawn({ ...options, orders, doorbell, reports, reportBell })
  }

  prepare(name: string): void {
    const status = this.status()
    assert(status === 'idle' || status === 'failed', `prepare while ${status}`)
    // A full ring means that the helper does nothing any more; the log can do without it.
    this.#status = this.#order(Order.prepare, name) ? 'preparing' : 'failed'
  }

  status(): SupplyStatus {
    this.#hear()
    return this.#status
  }

  take(): void {
    assert(this.#status === 'ready', `take while ${this.#status}`)
    this.#status = 'idle'
  }

  failure(): number {
    return this.#failure
  }

  /** An order that finds the ring full is dropped: the file goes at the next start. */
  discard(name: string): void {
    this.#order(Order.discard, name)
  }

  discardFailure(): number {
    this.#hear()
    return this.#discardFailure
  }

  close(): void {
    if (this.#spawn === null) this.#order(Order.stop, '')
  }

  #order(type: number, name: string): boolean {
    const spawn = this.#spawn
    this.#spawn = null
    spawn?.()
    const isSent = send(this.#orders, type, utf8(name))
    this.#doorbell.ring()
    return isSent
  }

  #hear(): void {
    const reports = this.#reports
    while (reports.next()) {
      const errorNumber = reports.view.getInt32(reports.start, true)
      if (reports.type === Report.discarded) {
        this.#discardFailure = errorNumber
        continue
      }
      this.#failure = errorNumber
      this.#status = errorNumber === 0 ? 'ready' : 'failed'
    }
    reports.release()
  }
}

/** The helper's end. Returns when told to stop. */
export function runPreallocator(start: PreallocatorStart): void {
  const orders = new RingReader(start.orders)
  const doorbell = new Doorbell(start.doorbell)
  const reports = new RingWriter(start.reports)
  const reportBell = new Doorbell(start.reportBell)
  const hasOrder = (): boolean => orders.hasNext()
  const report = (type: number, errorNumber: number): void => {
    const payload = new Uint8Array(Int32Array.of(errorNumber).buffer)
    send(reports, type, payload)
    reportBell.ring()
  }
  for (;;) {
    if (!orders.next()) {
      doorbell.park(PARK_MS_MAX, hasOrder)
      continue
    }
    if (orders.type === Order.stop) return
    const path = join(start.directory, text(orders.bytes.slice(orders.start, orders.end)))
    const isPrepare = orders.type === Order.prepare
    orders.release()
    if (!isPrepare) {
      report(Report.discarded, systemErrorOf(() => removeFile(path)))
      continue
    }
    const fill = new ZeroFill(path, start)
    while (fill.step()) doorbell.park(CHUNK_PAUSE_MS, hasOrder)
    fill.finish()
    report(Report.prepared, fill.errorNumber)
  }
}

function send(ring: RingWriter, type: number, payload: Bytes): boolean {
  const at = ring.claim(type, payload.length)
  if (at < 0) return false
  ring.bytes.set(payload, at)
  ring.commit(payload.length)
  ring.publish()
  return true
}
