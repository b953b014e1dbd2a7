/**
 * Makes images and sends them, on a thread of its own (sender-protocol.ts). Members that ask at about the same time
 * share an image, and all transfers share one bound on bytes per second.
 */

import { join } from 'node:path'
import { hexId } from '../../base/bytes.js'
import type { Clock } from '../../base/clock.js'
import { Word, imageReader, type SharedWords } from '../../messages/shared-words.js'
import { decodeConfState, decodeMessage, encodeMessage } from '../../proto/generated/raftpb.js'
import { GenerationHolds } from '../../store/generations/generation-holds.js'
import { storePath } from '../../store/restore-store.js'
import type { Dialer } from '../streams/dial-socket.js'
import { imageDirOf, makeImage } from './image-file.js'
import { ImageShelf, type ImageFacts } from './image-shelf.js'
import { RateLimit } from './rate-limit.js'
import type { SendOrder, SenderReport } from './sender-protocol.js'
import { upload } from './upload-socket.js'

export interface SnapshotSenderOptions {
  readonly dialer: Pick<Dialer, 'request'>
  readonly storeDir: string
  readonly words: SharedWords
  readonly bytesPerSecond: number
  readonly clock: Clock
  readonly pause: (ms: number) => Promise<unknown>
  /** In [0, 1). */
  readonly random: () => number
  readonly removeFile: (path: string) => void
  readonly report: (report: SenderReport) => void
}

/** How soon it is looked again whether the store has come so far. */
const APPLIED_CHECK_MS = 10
/** A store that has not come so far by then: raft asks again. */
const APPLIED_MS_MAX = 10_000
/** Bytes sent are told in steps of so many. */
const PROGRESS_BYTES = 4 * 1024 * 1024

export class SnapshotSender {
  readonly #options: SnapshotSenderOptions
  readonly #holds: GenerationHolds
  readonly #shelf: ImageShelf
  readonly #rate: RateLimit
  #images = 0
  #isStopped = false

  constructor(options: SnapshotSenderOptions) {
    this.#options = options
    this.#holds = new GenerationHolds(options.words, imageReader())
    this.#shelf = new ImageShelf({
      make: (index) => this.#make(index),
      remove: ({ path }) => options.removeFile(path),
    })
    this.#rate = new RateLimit(options.bytesPerSecond, options.clock.nowMs())
  }

  /** Transfers under way end soon, unfinished. */
  stop(): void {
    this.#isStopped = true
  }

  async send(order: SendOrder): Promise<void> {
    const { clock, report } = this.#options
    const startedMs = clock.nowMs()
    const ok = await this.#transfer(order).catch((error: unknown) => {
      this.#log('warn', 'an image of the store for another member could not be made', {
        'peer-id': hexId(order.to), cause: (error as Error).message,
      })
      return false
    })
    report({ kind: 'sent', to: order.to, ok, tookMs: clock.nowMs() - startedMs })
  }

  async #transfer({ to, urls, message }: SendOrder): Promise<boolean> {
    const { dialer, clock, pause, random } = this.#options
    const asked = decodeMessage(message)
    const lease = await this.#shelf.ask(asked.snapshot?.metadata?.index ?? 0)
    try {
      const { image } = lease
      const id = hexId(to)
      const startedMs = clock.nowMs()
      this.#log('info', 'sending a snapshot', { 'peer-id': id, index: image.index, bytes: image.sizeBytes })
      let untold = 0
      const result = await upload({
        dialer, clock, pause, urls, image,
        rate: this.#rate,
        message: messageOf(message, image),
        transfer: Array.from({ length: 4 }, () => Math.floor(random() * 0x10000).toString(16)).join('-'),
        onBytes: (bytes) => {
          untold += bytes
          if (untold < PROGRESS_BYTES) return
          this.#options.report({ kind: 'progress', to, bytes: untold })
          untold = 0
        },
        isUnwanted: () => this.#isStopped,
      })
      this.#options.report({ kind: 'progress', to, bytes: untold })
      const tookMs = Math.round(clock.nowMs() - startedMs)
      if (result.ok) this.#log('info', 'a snapshot was sent', { 'peer-id': id, index: image.index, tookMs })
      else this.#log('warn', 'a snapshot could not be sent', { 'peer-id': id, tookMs, reason: result.message })
      return result.ok
    } finally {
      lease.release()
    }
  }

  async #make(index: number): Promise<ImageFacts> {
    const { clock, pause, words, storeDir } = this.#options
    const giveUpAtMs = clock.nowMs() + APPLIED_MS_MAX
    while (words.load(Word.appliedIndex) < index) {
      if (clock.nowMs() >= giveUpAtMs || this.#isStopped) throw new Error(`entry ${index} is not applied yet`)
      await pause(APPLIED_CHECK_MS)
    }
    const generation = this.#holds.hold()
    try {
      const startedMs = clock.nowMs()
      const path = join(imageDirOf(storeDir), `${++this.#images}.image`)
      const image = await makeImage(storePath(storeDir, generation), path)
      const tookMs = Math.round(clock.nowMs() - startedMs)
      this.#log('info', 'an image of the store was made', { index: image.index, bytes: image.sizeBytes, tookMs })
      return image
    } finally {
      this.#holds.release(generation)
    }
  }

  #log(level: 'info' | 'warn', message: string, fields: Readonly<Record<string, string | number>>): void {
    this.#options.report({ kind: 'log', level, message, fields })
  }
}

/** What raft asks to be sent names the least that the image has to hold; what arrives names what it holds. */
function messageOf(asked: Uint8Array, { index, term, confState }: ImageFacts): Uint8Array {
  const message = decodeMessage(asked)
  const conf_state = decodeConfState(confState)
  return encodeMessage({ ...message, snapshot: { metadata: { index, term, conf_state } } })
}
