/**
 * Calls between fronts of two members, on the port for members: one POST each. What is not answered in time is told to
 * the front that asks as such; whatever it asked for may have been done.
 */

import { text, utf8, type Bytes } from '../base/bytes.js'
import type { AskPeer } from '../cluster/peer-request-socket.js'
import type { FrontMessages } from '../messages/front-messages.js'
import type { PeerMessages } from '../messages/peer-messages.js'
import type { Message, Sender } from '../messages/protocol.js'

export const CALL_PATH = '/raftring/call'
export const METHOD_FIELD = 'X-Raftring-Method'
export const TOKEN_FIELD = 'X-Raftring-Token'
export const STATUS_FIELD = 'X-Raftring-Status'
/** The text of an error, in percent-encoding. */
export const MESSAGE_FIELD = 'X-Raftring-Message'

/** Calls to other members under way; a front that asks for more is told that nobody answers. */
const ASKED_MAX = 64
/** A request of a client waits for its outcome this long. */
const ASK_MS_MAX = 8000

export interface MemberCallsOptions {
  readonly ask: AskPeer
  /** Fields that say which member calls. */
  readonly fields: Readonly<Record<string, string>>
  readonly fronts: readonly Sender<FrontMessages>[]
  readonly requestTurn: () => void
}

interface Answer {
  readonly status: number
  readonly message: string
  readonly data: Bytes
}

const NOTHING = new Uint8Array(0)

export class MemberCalls {
  readonly #options: MemberCallsOptions
  #asked = 0

  constructor(options: MemberCallsOptions) {
    this.#options = options
  }

  onAskMember(message: Message<PeerMessages, 'askMember'>, urls: readonly string[]): void {
    const { call, front } = message
    if (this.#asked >= ASKED_MAX) {
      this.#tell(front, call, null)
      return
    }
    const headers = {
      ...this.#options.fields,
      [METHOD_FIELD]: text(message.method.copy()),
      [TOKEN_FIELD]: text(message.token.copy()),
    }
    this.#asked++
    void this.#ask(urls, headers, message.data.copy()).then((answer) => {
      this.#asked--
      this.#tell(front, call, answer)
    })
  }

  /** The first URL where somebody is decides: behind it the call may have begun. */
  async #ask(urls: readonly string[], headers: Record<string, string>, body: Bytes): Promise<Answer | null> {
    for (const url of urls) {
      const request = { method: 'POST' as const, path: CALL_PATH, headers, body, timeoutMs: ASK_MS_MAX }
      const answer = await this.#options.ask(url, request)
      if (!answer.ok) continue
      const status = Number(answer.headers[STATUS_FIELD.toLowerCase()])
      if (answer.status !== 200 || !Number.isInteger(status)) return null
      const message = decodeURIComponent(String(answer.headers[MESSAGE_FIELD.toLowerCase()] ?? ''))
      return { status, message, data: answer.body }
    }
    return null
  }

  /** An answer that finds no room is lost, and the front gives up in time. */
  #tell(front: number, call: number, answer: Answer | null): void {
    this.#options.fronts[front]?.memberAnswered({
      call,
      isAnswered: answer === null ? 0 : 1,
      status: answer?.status ?? 0,
      message: utf8(answer?.message ?? ''),
      data: answer?.data ?? NOTHING,
    })
    this.#options.requestTurn()
  }
}
