/**
 * Calls between fronts of two members, on the port for members: one POST each, or the request that etcd's members make
 * for it. What is not answered in time is told to the front that asks as such; whatever it asked for may have been
 * done.
 */

import { text, utf8, type Bytes } from '../base/bytes.js'
import type { AskPeer } from '../cluster/peer-request-socket.js'
import type { FrontMessages } from '../messages/front-messages.js'
import { HASH_KV_METHOD, type PeerMessages } from '../messages/peer-messages.js'
import type { Message, Sender } from '../messages/protocol.js'
import { decodeHashKVRequest, encodeHashKVResponse } from '../proto/generated/etcdserverpb.js'
import { grpcStatus } from '../proto/grpc-status.js'
import { HASH_KV_PATH, hashKvRequest, parseHashKvResponse } from './hash-kv-json.js'

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
/** A hash of all keys takes longer. */
const HASH_MS_MAX = 30_000

export interface MemberCallsOptions {
  readonly ask: AskPeer
  /** Fields that say which member calls. */
  readonly fields: Readonly<Record<string, string>>
  readonly fronts: readonly Sender<FrontMessages>[]
  readonly requestTurn: () => void
}

export interface CallAnswer {
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
    const method = text(message.method.copy())
    const headers = { [METHOD_FIELD]: method, [TOKEN_FIELD]: text(message.token.copy()) }
    const data = message.data.copy()
    this.#asked++
    void (method === HASH_KV_METHOD ? this.#askHash(urls, data) : this.#ask(urls, headers, data)).then((answer) => {
      this.#asked--
      this.#tell(front, call, answer)
    })
  }

  /** The first URL where somebody is decides: behind it the call may have begun. */
  async #ask(urls: readonly string[], fields: Record<string, string>, body: Bytes): Promise<CallAnswer | null> {
    const headers = { ...this.#options.fields, ...fields }
    const request = { method: 'POST' as const, path: CALL_PATH, headers, body, timeoutMs: ASK_MS_MAX }
    for (const url of urls) {
      const answer = await this.#options.ask(url, request)
      if (!answer.ok) continue
      const status = Number(answer.headers[STATUS_FIELD.toLowerCase()])
      if (answer.status !== 200 || !Number.isInteger(status)) return null
      const message = decodeURIComponent(String(answer.headers[MESSAGE_FIELD.toLowerCase()] ?? ''))
      return { status, message, data: answer.body }
    }
    return null
  }

  /** Each URL in turn, until one has a hash; asking twice does no harm. Null when there is nobody. */
  async #askHash(urls: readonly string[], data: Bytes): Promise<CallAnswer | null> {
    const { ask, fields } = this.#options
    const body = utf8(hashKvRequest(decodeHashKVRequest(data).revision))
    const headers = { ...fields, 'Content-Type': 'application/json' }
    const request = { method: 'GET' as const, path: HASH_KV_PATH, headers, body, timeoutMs: HASH_MS_MAX }
    let refusal: CallAnswer | null = null
    for (const url of urls) {
      const answer = await ask(url, request)
      if (!answer.ok) continue
      const said = text(answer.body)
      const found = answer.status === 200 ? parseHashKvResponse(said) : null
      if (found !== null) return { status: grpcStatus.ok, message: '', data: encodeHashKVResponse(found) }
      refusal = { status: grpcStatus.unknown, message: `${answer.status} ${said.trim()}`, data: NOTHING }
    }
    return refusal
  }

  /** An answer that finds no room is lost, and the front gives up in time. */
  #tell(front: number, call: number, answer: CallAnswer | null): void {
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
