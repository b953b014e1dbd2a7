/**
 * The sending end of one stream to another member: dials, and dials again, with pauses that grow; gathers frames and
 * writes them once a turn; pings, to measure the way and to find out that nobody is there any more. What it cannot
 * take is refused at once: raft sends again what matters.
 */

import type { Bytes } from '../../base/bytes.js'
import type { Clock } from '../../base/clock.js'
import type { Slice } from '../../base/slice.js'
import { Feature } from './handshake.js'
import { FrameKind, FrameReader, PING_BYTES, PONG_BYTES } from './frames.js'
import { SendBuffer } from './send-buffer.js'

/** A connection that has become a stream. */
export interface Outlet {
  write(bytes: Buffer, onWritten: () => void): void
  /** Cuts it; nothing is told of it any more. */
  close(): void
}

/** What a dial and the stream that it leads to tell, one after the other. */
export interface DialEvents {
  /** `features`: what the other side names. */
  onOpen(outlet: Outlet, features: readonly string[]): void
  onData(chunk: Buffer): void
  /** Not open, or open no more. */
  onFailed(reason: string): void
}

/** Begins to dial; what it returns gives up. Events come later, never from inside this call. */
export type Dial = (url: string, events: DialEvents) => () => void

export interface LinkTimes {
  /** From a dial to its stream. */
  readonly dialMs: number
  readonly pingMs: number
  /** A stream on which nobody answers for so long is dead. */
  readonly patienceMs: number
  /** So is one whose other end takes nothing for so long. */
  readonly writeMs: number
  readonly retryMsMin: number
  readonly retryMsMax: number
}

export interface LinkOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly times: LinkTimes
  /** Frames that have not left; what comes above is refused. */
  readonly bytesMax: number
  readonly dial: Dial
  readonly onOpen: () => void
  /** `wasOpen`: a stream was lost; otherwise a dial came to nothing. */
  readonly onClosed: (reason: string, wasOpen: boolean) => void
  readonly onPong: (roundTripMs: number, remoteWallMs: number) => void
  /** Bytes that the socket has taken. */
  readonly onSent: (bytes: number) => void
}

/** Pauses between dials are spread by this part of them, so that members do not dial in step. */
const JITTER = 0.25

export class Link {
  readonly #options: LinkOptions
  readonly #buffer: SendBuffer
  readonly #ping = Buffer.alloc(PING_BYTES)
  #urls: readonly string[]
  #nextUrl = 0
  #state: 'stopped' | 'waiting' | 'dialing' | 'open' = 'stopped'
  #retryAtMs = 0
  #failures = 0
  #dialedMs = 0
  #giveUp: () => void = () => undefined
  #outlet: Outlet | null = null
  #features: readonly string[] = []
  #pongs: FrameReader = new FrameReader(PONG_BYTES)
  #pingAtMs = Infinity
  /** When the other side last answered. That the kernel takes bytes says nothing about it. */
  #aliveMs = 0
  /** Writes that the socket has not taken whole, and when it last took one or was given the first. */
  #writes = 0
  #takenMs = 0

  constructor(urls: readonly string[], options: LinkOptions) {
    this.#urls = urls
    this.#options = options
    this.#buffer = new SendBuffer(options.bytesMax)
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Bytes that have been taken and have not left. */
  get queuedBytes(): number {
    return this.#buffer.bytes
  }

  start(nowMs: number): void {
    if (this.#state === 'stopped') this.#dial(nowMs)
  }

  stop(): void {
    this.#drop()
    this.#state = 'stopped'
  }

  /** Another place to dial ends what goes to the old one. */
  setUrls(urls: readonly string[], nowMs: number): void {
    if (urls.length === this.#urls.length && urls.every((url, i) => url === this.#urls[i])) return
    this.#urls = urls
    this.#nextUrl = 0
    const wasOpen = this.isOpen
    this.#drop()
    if (wasOpen) this.#options.onClosed('its peer URLs have changed', true)
    this.#failures = 0
    this.#dial(nowMs)
  }

  /** The other side has shown that it is there: a pause is over. */
  hurry(nowMs: number): void {
    if (this.#state !== 'waiting') return
    this.#failures = 0
    this.#retryAtMs = nowMs
  }

  /** Ends a stream whose other end is known to be dead. */
  reset(reason: string, nowMs: number): void {
    if (this.isOpen) this.#fail(reason, nowMs)
  }

  /** False when the message is lost: there is no stream, or it is full. */
  send(body: Bytes | Slice): boolean {
    if (this.#state === 'stopped' || this.#state === 'waiting') return false
    return this.#buffer.add(FrameKind.message, body)
  }

  /**
   * What this member's store has come to. Lost without a stream; a later one says it as well. Who does not know such
   * frames would end the stream.
   */
  sendMark(bytes: Bytes): void {
    if (this.isOpen && this.#features.includes(Feature.stateMarks)) this.#buffer.add(FrameKind.mark, bytes)
  }

  /** Writes what was gathered, with one write. */
  flush(): void {
    const outlet = this.#outlet
    if (outlet === null || this.#buffer.isEmpty) return
    const bytes = this.#buffer.take()
    if (this.#writes++ === 0) this.#takenMs = this.#options.clock.nowMs()
    outlet.write(bytes, () => {
      if (this.#outlet !== outlet) return
      this.#buffer.onWritten(bytes)
      this.#writes--
      this.#takenMs = this.#options.clock.nowMs()
      this.#options.onSent(bytes.length)
    })
  }

  /** Does what is due. */
  onDeadline(nowMs: number): void {
    const { dialMs, pingMs, patienceMs, writeMs } = this.#options.times
    switch (this.#state) {
      case 'waiting':
        if (nowMs >= this.#retryAtMs) this.#dial(nowMs)
        return
      case 'dialing':
        if (nowMs >= this.#dialedMs + dialMs) this.#fail(`no answer within ${dialMs} ms`, nowMs)
        return
      case 'open':
        if (nowMs >= this.#aliveMs + patienceMs) this.#fail(`no sign of life for ${patienceMs} ms`, nowMs)
        else if (nowMs >= this.#stuckAtMs()) this.#fail(`nothing was taken for ${writeMs} ms`, nowMs)
        else if (nowMs >= this.#pingAtMs) {
          this.#pingAtMs = nowMs + pingMs
          this.#ping.writeDoubleLE(nowMs)
          // Without room for it there is enough on the way to show whether somebody is there.
          this.#buffer.add(FrameKind.ping, this.#ping)
        }
        return
      case 'stopped':
        return
    }
  }

  wakeAtMs(): number {
    const { dialMs, patienceMs } = this.#options.times
    switch (this.#state) {
      case 'waiting':
        return this.#retryAtMs
      case 'dialing':
        return this.#dialedMs + dialMs
      case 'open':
        return Math.min(this.#pingAtMs, this.#aliveMs + patienceMs, this.#stuckAtMs())
      case 'stopped':
        return Infinity
    }
  }

  #stuckAtMs(): number {
    return this.#writes > 0 ? this.#takenMs + this.#options.times.writeMs : Infinity
  }

  #dial(nowMs: number): void {
    const url = this.#urls[this.#nextUrl % this.#urls.length]
    if (url === undefined) {
      this.#wait(nowMs)
      return
    }
    this.#state = 'dialing'
    this.#dialedMs = nowMs
    // What an earlier dial still has to say is nobody's business any more.
    let isCurrent = true
    const { clock } = this.#options
    const giveUp = this.#options.dial(url, {
      onOpen: (outlet, features) => {
        if (isCurrent) this.#open(outlet, features, clock.nowMs())
        else outlet.close()
      },
      onData: (chunk) => {
        if (isCurrent) this.#hear(chunk, clock.nowMs())
      },
      onFailed: (reason) => {
        if (isCurrent) this.#fail(reason, clock.nowMs())
      },
    })
    this.#giveUp = () => {
      isCurrent = false
      giveUp()
    }
  }

  #open(outlet: Outlet, features: readonly string[], nowMs: number): void {
    this.#state = 'open'
    this.#outlet = outlet
    this.#features = features
    this.#failures = 0
    this.#aliveMs = nowMs
    this.#pingAtMs = nowMs
    this.#pongs = new FrameReader(PONG_BYTES)
    this.#options.onOpen()
  }

  #hear(chunk: Buffer, nowMs: number): void {
    const pongs = this.#pongs
    pongs.push(chunk)
    for (let found = pongs.next(); found !== false; found = pongs.next()) {
      if (found !== true || pongs.kind !== FrameKind.pong || pongs.end - pongs.start !== PONG_BYTES) {
        this.#fail(found === true ? `a frame of kind ${pongs.kind}` : found, nowMs)
        return
      }
      this.#aliveMs = nowMs
      const { bytes, start } = pongs
      this.#options.onPong(nowMs - bytes.readDoubleLE(start), bytes.readDoubleLE(start + PING_BYTES))
      pongs.take()
    }
  }

  #fail(reason: string, nowMs: number): void {
    const wasOpen = this.isOpen
    this.#drop()
    // Another of its URLs may work.
    this.#nextUrl++
    this.#wait(nowMs)
    this.#options.onClosed(reason, wasOpen)
  }

  #wait(nowMs: number): void {
    const { retryMsMin, retryMsMax } = this.#options.times
    const pauseMs = Math.min(retryMsMin * 2 ** Math.min(this.#failures++, 16), retryMsMax)
    this.#state = 'waiting'
    this.#retryAtMs = nowMs + pauseMs * (1 + JITTER * (2 * this.#options.random() - 1))
  }

  #drop(): void {
    this.#giveUp()
    this.#giveUp = () => undefined
    this.#outlet?.close()
    this.#outlet = null
    this.#writes = 0
    this.#buffer.clear()
  }
}
