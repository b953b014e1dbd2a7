/** The mvcc actor with somebody who looks at every entry that it is given. */

import type { Actor } from '../../actor/actor.js'
import { crc32c } from '../../base/crc32c.js'
import { dispatcherOf, type Dispatch } from '../../messages/message-codec.js'
import { mvccMessages, type MvccMessages } from '../../messages/mvcc-messages.js'
import type { Message } from '../../messages/protocol.js'
import type { RingReader } from '../../ring/ring-reader.js'
import type { SimNode } from './sim-node.js'

export interface AppliedEntry {
  readonly index: number
  readonly term: number
  readonly type: number
  readonly digest: number
  readonly data: Uint8Array
}

export interface ApplyObserver {
  onApply(node: SimNode, entry: AppliedEntry): void
}

export class ObservedMvcc implements Actor {
  readonly name = 'mvcc' as const
  readonly #inner: Actor
  readonly #look: Dispatch

  constructor(inner: Actor, onApply: (entry: AppliedEntry) => void) {
    this.#inner = inner
    const { apply } = mvccMessages
    this.#look = dispatcherOf({ apply }, {
      onApply: ({ index, term, type, data }: Message<MvccMessages, 'apply'>) => {
        const bytes = data.copy()
        onApply({ index, term, type, digest: crc32c(bytes), data: bytes })
      },
    })
  }

  onStart(nowMs: number): void {
    this.#inner.onStart(nowMs)
  }

  onFrame(reader: RingReader, nowMs: number, from: number): void {
    if (reader.type === mvccMessages.apply.number) this.#look(reader)
    this.#inner.onFrame(reader, nowMs, from)
  }

  isBlocked(): boolean {
    return this.#inner.isBlocked()
  }

  awaitedWordCame(): boolean {
    return this.#inner.awaitedWordCame?.() ?? false
  }

  doWork(nowMs: number): number {
    return this.#inner.doWork(nowMs)
  }

  wakeAtMs(): number {
    return this.#inner.wakeAtMs()
  }

  isIdle(): boolean {
    return this.#inner.isIdle()
  }

  onClose(): void {
    this.#inner.onClose()
  }
}
