/**
 * One thread sends a number of records, another takes them: the same loop over a ring, ringbuf.js and a MessagePort.
 */

import type { MessagePort } from 'node:worker_threads'
import { RingBuffer } from 'ringbuf.js'
import { Doorbell } from '../../src/ring/doorbell.js'
import { RingReader } from '../../src/ring/ring-reader.js'
import { RingWriter } from '../../src/ring/ring-writer.js'

export interface OneWayPlan {
  readonly way: 'ring' | 'ringbuf.js' | 'MessagePort'
  readonly role: 'send' | 'take'
  readonly records: number
  readonly recordBytes: number
  /** Records made visible together. */
  readonly batch: number
  readonly memory: SharedArrayBuffer
  readonly takerBell: SharedArrayBuffer
  readonly senderBell: SharedArrayBuffer
  readonly port: MessagePort | null
}

/** Records under way to a MessagePort, which has no bound of its own. */
const CREDIT = 4096
const PARK_MS = 1000

/** Both sides report their monotonic time: the sender when it begins, the taker when it has the last record. */
export function run(plan: OneWayPlan, report: (atMs: number) => void): void {
  const now = (): number => {
    const [seconds, nanoseconds] = process.hrtime()
    return seconds * 1000 + nanoseconds / 1e6
  }
  const startedMs = now()
  const sides = {
    ring: { send: sendRing, take: takeRing },
    'ringbuf.js': { send: sendRingbuf, take: takeRingbuf },
    MessagePort: { send: sendPort, take: takePort },
  }
  sides[plan.way][plan.role](plan, () => report(plan.role === 'send' ? startedMs : now()))
}

function sendRing(plan: OneWayPlan, done: () => void): void {
  const writer = new RingWriter(plan.memory)
  const [taker, own] = [new Doorbell(plan.takerBell), new Doorbell(plan.senderBell)]
  const payload = new Uint8Array(plan.recordBytes).fill(7)
  const hasRoom = (): boolean => writer.freeBytes >= writer.capacityBytes / 2
  let unpublished = 0
  for (let sent = 0; sent < plan.records; sent++) {
    let at = writer.claim(1, payload.length)
    while (at < 0) {
      if (writer.publish()) taker.ring()
      own.park(PARK_MS, hasRoom)
      at = writer.claim(1, payload.length)
    }
    writer.bytes.set(payload, at)
    writer.commit(payload.length)
    if (++unpublished < plan.batch) continue
    unpublished = 0
    if (writer.publish()) taker.ring()
  }
  if (writer.publish()) taker.ring()
  done()
}

function takeRing(plan: OneWayPlan, done: () => void): void {
  const reader = new RingReader(plan.memory)
  const [sender, own] = [new Doorbell(plan.senderBell), new Doorbell(plan.takerBell)]
  const hasNext = (): boolean => reader.hasNext()
  for (let taken = 0; taken < plan.records;) {
    let inBatch = 0
    while (inBatch < 1024 && reader.next()) {
      if (reader.bytes[reader.end - 1] !== 7) throw new Error('a record is torn')
      inBatch++
    }
    taken += inBatch
    reader.release()
    sender.ring()
    if (inBatch === 0) own.park(PARK_MS, hasNext)
  }
  done()
}

/** ringbuf.js moves elements without framing or wake-up: a length goes first, and our doorbell does the waking. */
function sendRingbuf(plan: OneWayPlan, done: () => void): void {
  const ring = new RingBuffer(plan.memory, Uint8Array)
  const [taker, own] = [new Doorbell(plan.takerBell), new Doorbell(plan.senderBell)]
  const frame = new Uint8Array(4 + plan.recordBytes).fill(7)
  new DataView(frame.buffer).setUint32(0, plan.recordBytes, true)
  const hasRoom = (): boolean => ring.available_write() >= ring.capacity() / 2
  let unrung = 0
  for (let sent = 0; sent < plan.records; sent++) {
    while (ring.available_write() < frame.length) {
      taker.ring()
      own.park(PARK_MS, hasRoom)
    }
    ring.push(frame)
    if (++unrung < plan.batch) continue
    unrung = 0
    taker.ring()
  }
  taker.ring()
  done()
}

function takeRingbuf(plan: OneWayPlan, done: () => void): void {
  const ring = new RingBuffer(plan.memory, Uint8Array)
  const [sender, own] = [new Doorbell(plan.senderBell), new Doorbell(plan.takerBell)]
  const header = new Uint8Array(4)
  const lengthOf = new DataView(header.buffer)
  const payload = new Uint8Array(plan.recordBytes)
  const hasNext = (): boolean => ring.available_read() > 0
  for (let taken = 0; taken < plan.records;) {
    let inBatch = 0
    while (inBatch < 1024 && ring.available_read() > 0) {
      ring.pop(header)
      ring.pop(payload, lengthOf.getUint32(0, true))
      if (payload[plan.recordBytes - 1] !== 7) throw new Error('a record is torn')
      inBatch++
    }
    taken += inBatch
    sender.ring()
    if (inBatch === 0) own.park(PARK_MS, hasNext)
  }
  done()
}

/** One message holds a batch; the taker answers with credit, because a port's queue has no bound. */
function sendPort(plan: OneWayPlan, done: () => void): void {
  const port = plan.port as MessagePort
  let sent = 0
  let credit = CREDIT
  const send = (): void => {
    while (credit >= plan.batch && sent < plan.records) {
      const batch = Array.from({ length: plan.batch }, () => new Uint8Array(plan.recordBytes).fill(7))
      port.postMessage(batch)
      sent += plan.batch
      credit -= plan.batch
    }
    if (sent < plan.records) return
    done()
    port.unref()
  }
  port.on('message', (more: number) => {
    credit += more
    send()
  })
  send()
}

function takePort(plan: OneWayPlan, done: () => void): void {
  const port = plan.port as MessagePort
  let taken = 0
  let owed = 0
  port.on('message', (batch: readonly Uint8Array[]) => {
    for (const record of batch) if (record[record.length - 1] !== 7) throw new Error('a record is torn')
    taken += batch.length
    owed += batch.length
    if (owed >= CREDIT / 4) {
      port.postMessage(owed)
      owed = 0
    }
    if (taken >= plan.records) done()
  })
}
