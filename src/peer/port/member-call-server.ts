/** Answers the calls of other members' fronts: each goes to the first front, which treats it like a client's. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { text, utf8 } from '../../base/bytes.js'
import type { FrontMessages } from '../../messages/front-messages.js'
import type { PeerMessages } from '../../messages/peer-messages.js'
import type { Message, Sender } from '../../messages/protocol.js'
import { MESSAGE_FIELD, METHOD_FIELD, STATUS_FIELD, TOKEN_FIELD } from '../member-calls.js'

/** What these calls ask is small. */
const BODY_BYTES_MAX = 64 * 1024
/** Longer than a front lets a request wait. */
const ANSWER_MS_MAX = 10_000

export class MemberCallServer {
  readonly #front: Sender<FrontMessages>
  readonly #requestTurn: () => void
  readonly #waiting = new Map<number, ServerResponse>()
  #last = 0

  constructor(front: Sender<FrontMessages>, requestTurn: () => void) {
    this.#front = front
    this.#requestTurn = requestTurn
  }

  /** For the route of these calls; the caller is known to be a member. */
  readonly onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const parts: Buffer[] = []
    let length = 0
    response.setTimeout(ANSWER_MS_MAX, () => response.destroy())
    request.on('data', (part: Buffer) => {
      length += part.length
      if (length > BODY_BYTES_MAX) response.destroy()
      else parts.push(part)
    })
    request.on('end', () => this.#ask(request, response, Buffer.concat(parts)))
  }

  onAnswerMember({ call, status, message, data }: Message<PeerMessages, 'answerMember'>): void {
    const response = this.#waiting.get(call)
    if (response === undefined) return
    const body = Buffer.from(data.copy())
    response.writeHead(200, {
      'Content-Type': 'application/octet-stream',
      'Content-Length': body.length,
      [STATUS_FIELD]: status,
      [MESSAGE_FIELD]: encodeURIComponent(text(message.copy())),
    })
    response.end(body)
  }

  #ask(request: IncomingMessage, response: ServerResponse, data: Buffer): void {
    const call = ++this.#last
    const field = (name: string): Uint8Array => utf8(String(request.headers[name.toLowerCase()] ?? ''))
    if (!this.#front.memberAsks({ call, method: field(METHOD_FIELD), token: field(TOKEN_FIELD), data })) {
      response.writeHead(503).end()
      return
    }
    this.#waiting.set(call, response)
    response.once('close', () => this.#waiting.delete(call))
    this.#requestTurn()
  }
}
