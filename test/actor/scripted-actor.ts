/** An actor whose every part is written by the test, with a protocol of its own to talk to others like it. */

import type { Actor, ActorName } from '../../src/actor/actor.js'
import { dispatcherOf, senderOf, type Dispatch } from '../../src/messages/message-codec.js'
import { defineProtocol, message, type Message, type Sender } from '../../src/messages/protocol.js'
import type { RingReader } from '../../src/ring/ring-reader.js'
import type { RingWriter } from '../../src/ring/ring-writer.js'

export const sayMessages = defineProtocol({
  /** A number and, so that memory is used, some bytes. */
  say: message(1, { value: 'u53', data: 'bytes' }),
})
export type SayMessages = typeof sayMessages

export interface Script {
  readonly onStart?: (nowMs: number) => void
  readonly onSay?: (value: number, from: number, data: Uint8Array) => void
  readonly isBlocked?: () => boolean
  readonly awaitedWordCame?: () => boolean
  readonly doWork?: (nowMs: number) => number
  readonly wakeAtMs?: () => number
  readonly isIdle?: () => boolean
  readonly onClose?: () => void
}

export class ScriptedActor implements Actor {
  readonly name: ActorName
  readonly #script: Script
  readonly #dispatch: Dispatch
  #from = 0

  constructor(name: ActorName, script: Script) {
    this.name = name
    this.#script = script
    this.#dispatch = dispatcherOf(sayMessages, this)
  }

  onStart(nowMs: number): void {
    this.#script.onStart?.(nowMs)
  }

  onFrame(reader: RingReader, _nowMs: number, from: number): void {
    this.#from = from
    this.#dispatch(reader)
  }

  onSay(say: Message<SayMessages, 'say'>): void {
    this.#script.onSay?.(say.value, this.#from, say.data.copy())
  }

  isBlocked(): boolean {
    return this.#script.isBlocked?.() ?? false
  }

  awaitedWordCame(): boolean {
    return this.#script.awaitedWordCame?.() ?? false
  }

  doWork(nowMs: number): number {
    return this.#script.doWork?.(nowMs) ?? 0
  }

  wakeAtMs(): number {
    return this.#script.wakeAtMs?.() ?? Infinity
  }

  isIdle(): boolean {
    return this.#script.isIdle?.() ?? true
  }

  onClose(): void {
    this.#script.onClose?.()
  }
}

export function sayerOf(writer: RingWriter): Sender<SayMessages> {
  return senderOf(sayMessages, writer)
}
