/** A link under a clock that the test moves, with dials that the test answers. */

import type { Clock } from '../../../src/base/clock.js'
import { FrameKind, FrameReader, PING_BYTES, PONG_BYTES, frameOf } from '../../../src/peer/streams/frames.js'
import { Link, type DialEvents, type LinkTimes, type Outlet } from '../../../src/peer/streams/link.js'

export const TIMES: LinkTimes = {
  dialMs: 2000, pingMs: 1000, patienceMs: 5000, writeMs: 3000, retryMsMin: 100, retryMsMax: 1000,
}

export class FakeClock implements Clock {
  now = 1000
  wall = 1_700_000_000_000

  nowMs(): number {
    return this.now
  }

  wallMs(): number {
    return this.wall
  }
}

/** One dial and the stream that came of it. */
export class FakeDial implements Outlet {
  readonly url: string
  readonly events: DialEvents
  readonly written: Buffer[] = []
  readonly #callbacks: (() => void)[] = []
  isGivenUp = false
  isCut = false

  constructor(url: string, events: DialEvents) {
    this.url = url
    this.events = events
  }

  write(bytes: Buffer, onWritten: () => void): void {
    this.written.push(Buffer.from(bytes))
    this.#callbacks.push(onWritten)
  }

  close(): void {
    this.isCut = true
  }

  open(features: readonly string[] = []): void {
    this.events.onOpen(this, features)
  }

  /** The kernel takes everything written so far. */
  drain(): void {
    for (const callback of this.#callbacks.splice(0)) callback()
  }

  /** Bodies of the frames of a kind that were written. */
  frames(kind: number): Buffer[] {
    const reader = new FrameReader(1 << 20)
    const found: Buffer[] = []
    reader.push(Buffer.concat(this.written))
    while (reader.next() === true) {
      if (reader.kind === kind) found.push(Buffer.from(reader.bytes.subarray(reader.start, reader.end)))
      reader.take()
    }
    return found
  }

  /** Answers the ping that was sent last. */
  pong(wallMs: number): void {
    const ping = this.frames(FrameKind.ping).at(-1) as Buffer
    const body = Buffer.alloc(PONG_BYTES)
    ping.copy(body)
    body.writeDoubleLE(wallMs, PING_BYTES)
    this.events.onData(frameOf(FrameKind.pong, body))
  }
}

export class LinkRig {
  readonly clock = new FakeClock()
  readonly dials: FakeDial[] = []
  readonly log: string[] = []
  readonly link: Link
  sentBytes = 0

  constructor(urls: readonly string[] = ['http://a:1'], bytesMax = 10_000) {
    this.link = new Link(urls, {
      clock: this.clock,
      // No jitter: half way between its bounds.
      random: () => 0.5,
      times: TIMES,
      bytesMax,
      dial: (url, events) => {
        const dial = new FakeDial(url, events)
        this.dials.push(dial)
        return () => {
          dial.isGivenUp = true
        }
      },
      onOpen: () => this.log.push('open'),
      onClosed: (reason, wasOpen) => this.log.push(`${wasOpen ? 'lost' : 'failed'}: ${reason}`),
      onPong: (roundTripMs, wallMs) => this.log.push(`pong ${roundTripMs} ${wallMs}`),
      onSent: (bytes) => {
        this.sentBytes += bytes
      },
    })
    this.link.start(this.clock.now)
  }

  get dial(): FakeDial {
    return this.dials.at(-1) as FakeDial
  }

  /** Lets time pass and takes a turn, as the actor does. */
  turn(passMs = 0): void {
    this.clock.now += passMs
    this.link.onDeadline(this.clock.now)
    this.link.flush()
  }

  /** Passes time until the link wants to do something, and lets it. */
  toNextDeadline(): number {
    const passMs = this.link.wakeAtMs() - this.clock.now
    this.turn(passMs)
    return passMs
  }
}
