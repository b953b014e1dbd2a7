/**
 * One other member, as this one reaches it: a stream for urgent messages and one for entries, each way, and what is
 * known of the way to it.
 */

import type { Bytes } from '../base/bytes.js'
import { hexId } from '../base/bytes.js'
import type { Clock } from '../base/clock.js'
import type { Slice } from '../base/slice.js'
import type { Logger } from '../metrics/logger.js'
import { PeerWord, type PeerSlot } from '../metrics/peer-page.js'
import { ClockWatch } from './streams/clock-watch.js'
import type { StreamKind } from './streams/handshake.js'
import type { IncomingStream } from './streams/incoming-stream.js'
import { Link, type DialEvents, type LinkTimes } from './streams/link.js'

export interface PeerLimits {
  readonly times: LinkTimes
  /** A stream of entries may be silent for longer: its other end may be held back by a disk. */
  readonly appendPatienceMs: number
  readonly urgentBytesMax: number
  readonly appendBytesMax: number
}

export interface PeerEnvironment {
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly limits: PeerLimits
  /** Begins to dial a stream to a member; see link.ts. */
  readonly dial: (to: bigint, kind: StreamKind, url: string, events: DialEvents) => () => void
  /** A stream was lost, and what was on it probably as well. */
  readonly onLost: (id: bigint) => void
  /** The stream that takes entries to a member is open, or not. */
  readonly onWay: (id: bigint, isOpen: boolean) => void
  /** Something was heard on a stream of ours. */
  readonly onActivity: () => void
}

/** How often the log hears again why a member cannot be reached. */
const LOG_PERIOD_MS = 30_000
/** Reasons that are remembered as said; the URLs of a member may each have their own. */
const REASONS_MAX = 8

export class Peer {
  readonly id: bigint
  /** Not among the members that this one knows of, but it speaks for the same cluster: this one may be behind. */
  isRemote: boolean
  readonly slot: PeerSlot
  readonly #environment: PeerEnvironment
  readonly #message: Link
  readonly #append: Link
  readonly #clockWatch: ClockWatch
  readonly #incoming = new Map<StreamKind, IncomingStream>()
  #urls: readonly string[]
  /** Why it could not be reached, and when the log may hear that again. */
  readonly #reasons = new Map<string, number>()
  /** When its last stream to us ended. */
  silentSinceMs: number

  constructor(options: {
    id: bigint
    urls: readonly string[]
    isRemote: boolean
    slot: PeerSlot
    environment: PeerEnvironment
    nowMs: number
  }) {
    const { id, urls, slot, environment } = options
    const { logger, limits } = environment
    this.id = id
    this.isRemote = options.isRemote
    this.slot = slot
    this.silentSinceMs = options.nowMs
    this.#urls = urls
    this.#environment = environment
    this.#clockWatch = new ClockWatch(id, slot, logger)
    this.#message = this.#link('message', urls, limits.times, limits.urgentBytesMax)
    const appendTimes = { ...limits.times, patienceMs: limits.appendPatienceMs }
    this.#append = this.#link('append', urls, appendTimes, limits.appendBytesMax)
    environment.onWay(id, false)
    this.#message.start(options.nowMs)
    this.#append.start(options.nowMs)
  }

  get isActive(): boolean {
    return this.#message.isOpen
  }

  /** Urgent messages that have not left. */
  get urgentBytes(): number {
    return this.#message.queuedBytes
  }

  get incomingStreams(): Iterable<IncomingStream> {
    return this.#incoming.values()
  }

  get urls(): readonly string[] {
    return this.#urls
  }

  setUrls(urls: readonly string[], nowMs: number): void {
    this.#urls = urls
    this.#message.setUrls(urls, nowMs)
    this.#append.setUrls(urls, nowMs)
  }

  /** False when the message is lost, which is counted. */
  send(isUrgent: boolean, data: Bytes | Slice): boolean {
    const isTaken = (isUrgent ? this.#message : this.#append).send(data)
    if (!isTaken) this.slot.add(PeerWord.sentFailures)
    return isTaken
  }

  sendMark(bytes: Bytes): void {
    this.#message.sendMark(bytes)
  }

  flush(): void {
    this.#message.flush()
    this.#append.flush()
  }

  onDeadline(nowMs: number): void {
    this.#message.onDeadline(nowMs)
    this.#append.onDeadline(nowMs)
    for (const stream of this.#incoming.values()) stream.onDeadline(nowMs)
  }

  wakeAtMs(): number {
    let wakeAtMs = Math.min(this.#message.wakeAtMs(), this.#append.wakeAtMs())
    for (const stream of this.#incoming.values()) wakeAtMs = Math.min(wakeAtMs, stream.wakeAtMs())
    return wakeAtMs
  }

  /** Takes a stream from this member. One of its kind that is still open is an older connection, which is dead. */
  accept(stream: IncomingStream, nowMs: number): void {
    this.#incoming.get(stream.kind)?.close('a newer stream has come')
    this.#incoming.set(stream.kind, stream)
    this.#message.hurry(nowMs)
    this.#append.hurry(nowMs)
  }

  /** The stream was closed. */
  forget(stream: IncomingStream, nowMs: number): void {
    if (this.#incoming.get(stream.kind) === stream) this.#incoming.delete(stream.kind)
    if (this.#incoming.size === 0) this.silentSinceMs = nowMs
  }

  /** Raft may have room again. */
  onRoom(nowMs: number): void {
    for (const stream of this.#incoming.values()) if (stream.isPaused) stream.onRoom(nowMs)
  }

  get hasPaused(): boolean {
    for (const stream of this.#incoming.values()) if (stream.isPaused) return true
    return false
  }

  get isSilent(): boolean {
    return this.#incoming.size === 0
  }

  stop(reason: string): void {
    this.#message.stop()
    this.#append.stop()
    for (const stream of this.#incoming.values()) stream.close(reason)
    this.slot.set(PeerWord.activeSinceMs, 0)
  }

  #link(kind: StreamKind, urls: readonly string[], times: LinkTimes, bytesMax: number): Link {
    const { clock, random, dial, onActivity } = this.#environment
    return new Link(urls, {
      clock,
      random,
      times,
      bytesMax,
      dial: (url, events) => dial(this.id, kind, url, events),
      onOpen: () => {
        if (kind === 'message') this.#reached()
        else this.#environment.onWay(this.id, true)
        onActivity()
      },
      onClosed: (reason, wasOpen) => {
        if (kind === 'message') this.#unreached(reason, wasOpen)
        else this.#environment.onWay(this.id, false)
        this.#environment.onLost(this.id)
        onActivity()
      },
      onPong: (roundTripMs, remoteWallMs) => {
        if (kind !== 'message') return
        this.slot.observeRoundTrip(roundTripMs / 1000)
        this.#clockWatch.onPong(roundTripMs, remoteWallMs, clock.wallMs(), clock.nowMs())
      },
      onSent: (bytes) => this.slot.add(PeerWord.sentBytes, bytes),
    })
  }

  #reached(): void {
    const { clock, logger } = this.#environment
    this.slot.set(PeerWord.activeSinceMs, clock.nowMs())
    this.#reasons.clear()
    logger.info('peer', 'peer became active', { 'peer-id': hexId(this.id) })
  }

  #unreached(reason: string, wasOpen: boolean): void {
    const { clock, logger } = this.#environment
    const nowMs = clock.nowMs()
    const fields = { 'peer-id': hexId(this.id), error: reason }
    if (wasOpen) {
      this.slot.set(PeerWord.activeSinceMs, 0)
      this.slot.add(PeerWord.disconnects)
      logger.warn('peer', 'peer became inactive', fields)
      // The stream of entries need not wait out its own patience.
      this.#append.reset(reason, nowMs)
    } else if (nowMs >= (this.#reasons.get(reason) ?? -Infinity)) {
      if (this.#reasons.size >= REASONS_MAX) this.#reasons.clear()
      this.#reasons.set(reason, nowMs + LOG_PERIOD_MS)
      logger.warn('peer', 'cannot reach a member', fields)
    }
  }
}
