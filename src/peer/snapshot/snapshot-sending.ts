/**
 * The peer actor's side of sending snapshots: has a helper thread do it (sender-protocol.ts), counts, and tells raft
 * what became of each. The thread is started by the first snapshot and ends some time after the last one.
 */

import { hexId, type Bytes } from '../../base/bytes.js'
import type { Clock } from '../../base/clock.js'
import type { Logger } from '../../metrics/logger.js'
import { PeerWord, type PeerSlot } from '../../metrics/peer-page.js'
import type { SenderOrder, SenderReport } from './sender-protocol.js'

export interface SenderHelper {
  order(order: SenderOrder): void
}

export interface SnapshotSendingOptions {
  /** Starts the helper. `onEnd` once it is gone, expected or not. */
  readonly start: (onReport: (report: SenderReport) => void, onEnd: (reason: string) => void) => SenderHelper
  readonly urlsOf: (id: bigint) => readonly string[]
  readonly slotOf: (id: bigint) => PeerSlot | undefined
  /** False when raft's ring is full. */
  readonly tellRaft: (to: bigint, ok: boolean) => boolean
  readonly requestTurn: () => void
  readonly clock: Clock
  readonly logger: Logger
}

interface Failures {
  readonly count: number
  readonly untilMs: number
}

const IDLE_MS_MAX = 30_000
/** Raft asks again at once. A store is not copied again at once for a member that could not be sent the last copy. */
const PAUSE_MS_MIN = 1000
const PAUSE_MS_MAX = 60_000

export class SnapshotSending {
  readonly #options: SnapshotSendingOptions
  #helper: SenderHelper | null = null
  /** Members to which one is on its way. */
  readonly #sending = new Set<bigint>()
  /** Not told to raft yet. */
  readonly #outcomes = new Map<bigint, boolean>()
  readonly #failures = new Map<bigint, Failures>()
  #idleSinceMs = Infinity

  constructor(options: SnapshotSendingOptions) {
    this.#options = options
  }

  /** What is on its way to that member already answers for this request, too. */
  send(to: bigint, message: Bytes): void {
    if (this.#sending.has(to)) return
    const { urlsOf, slotOf, clock } = this.#options
    const urls = urlsOf(to)
    if (urls.length === 0 || clock.nowMs() < (this.#failures.get(to)?.untilMs ?? -Infinity)) {
      this.#outcomes.set(to, false)
      return
    }
    this.#helper ??= this.#start()
    this.#sending.add(to)
    this.#idleSinceMs = Infinity
    slotOf(to)?.add(PeerWord.snapshotsBeingSent)
    this.#helper.order({ kind: 'send', to, urls, message })
  }

  /** Tells raft what it has room for, and ends a helper that nobody needs. */
  work(nowMs: number): void {
    for (const [to, ok] of this.#outcomes) {
      if (!this.#options.tellRaft(to, ok)) break
      this.#outcomes.delete(to)
    }
    if (this.#helper === null || this.#sending.size > 0) return
    if (this.#idleSinceMs === Infinity) this.#idleSinceMs = nowMs
    if (nowMs >= this.#idleSinceMs + IDLE_MS_MAX) this.close()
  }

  /** True while raft's ring has no room for an outcome. */
  get owes(): boolean {
    return this.#outcomes.size > 0
  }

  close(): void {
    this.#helper?.order({ kind: 'stop' })
    this.#helper = null
  }

  #start(): SenderHelper {
    let isCurrent = true
    const helper = this.#options.start(
      (report) => {
        if (isCurrent) this.#onReport(report)
      },
      (reason) => {
        if (!isCurrent) return
        isCurrent = false
        if (this.#helper === helper) this.#onEnd(reason)
      },
    )
    return helper
  }

  #onReport(report: SenderReport): void {
    const { slotOf, logger, requestTurn } = this.#options
    switch (report.kind) {
      case 'progress':
        slotOf(report.to)?.add(PeerWord.sentBytes, report.bytes)
        return
      case 'sent':
        this.#settle(report.to, report.ok)
        if (report.ok) slotOf(report.to)?.observeSnapshotSend(report.tookMs / 1000)
        requestTurn()
        return
      case 'log':
        logger[report.level]('peer', report.message, report.fields)
    }
  }

  /** It has failed as a whole: raft asks again, and another one is started. */
  #onEnd(reason: string): void {
    this.#helper = null
    if (this.#sending.size === 0) return
    const members = [...this.#sending].map(hexId).join(',')
    this.#options.logger.error('peer', 'the thread that sends snapshots has ended', { reason, members })
    for (const to of this.#sending) this.#settle(to, false)
    this.#options.requestTurn()
  }

  #settle(to: bigint, ok: boolean): void {
    if (!this.#sending.delete(to)) return
    this.#outcomes.set(to, ok)
    if (ok) this.#failures.delete(to)
    else this.#noteFailure(to)
    const slot = this.#options.slotOf(to)
    slot?.add(PeerWord.snapshotsBeingSent, -1)
    slot?.add(ok ? PeerWord.snapshotsSent : PeerWord.snapshotSendFailures)
  }

  /** Of a member that is gone nothing is kept. */
  #noteFailure(to: bigint): void {
    const { clock, urlsOf } = this.#options
    for (const id of this.#failures.keys()) if (urlsOf(id).length === 0) this.#failures.delete(id)
    const count = (this.#failures.get(to)?.count ?? 0) + 1
    const pauseMs = Math.min(PAUSE_MS_MIN * 2 ** Math.min(count - 1, 16), PAUSE_MS_MAX)
    this.#failures.set(to, { count, untilMs: clock.nowMs() + pauseMs })
  }
}
