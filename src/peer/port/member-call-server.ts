/** Answers the calls of other members: each goes to the first front, which treats it like a client's. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { text, utf8, type Bytes } from '../../base/bytes.js'
import type { FrontMessages } from '../../messages/front-messages.js'
import type { PeerMessages } from '../../messages/peer-messages.js'
import type { Message, Sender } from '../../messages/protocol.js'
import { MESSAGE_FIELD, METHOD_FIELD, STATUS_FIELD, TOKEN_FIELD, type CallAnswer } from '../member-calls.js'

/** What these calls ask is small. */
const BODY_BYTES_MAX = 64 * 1024
/** Longer than a front lets a request wait. */
const ANSWER_MS_MAX = 10_000

export interface FrontQuestion {
  readonly method: string
  readonly token: string
  readonly data: Bytes
}

export class MemberCallServer {
  readonly #front: Sender<FrontMessages>
  readonly #requestTurn: () => void
  readonly #waiting = new Map<number, (answer: CallAnswer) => void>()
  #last = 0

  constructor(front: Sender<FrontMessages>, requestTurn: () => void) {
    this.#front = front
    this.#requestTurn = requestTurn
  }

  /** For the route of these calls; the caller is known to be a member. */
  readonly onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    response.setTimeout(ANSWER_MS_MAX, () => response.destroy())
    readBody(request, response, (data) => {
      const field = (name: string): string => String(request.headers[name.toLowerCase()] ?? '')
      const question = { method: field(METHOD_FIELD), token: field(TOKEN_FIELD), data }
      const isAsked = this.ask(question, response, (answer) => respond(response, answer))
      if (!isAsked) response.writeHead(503).end()
    })
  }

  /**
   * Asks the first front. `onAnswer` is called once, unless `response`, which waits for it, is closed by then. False
   * when it cannot be asked now.
   */
  ask({ method, token, data }: FrontQuestion, response: ServerResponse, onAnswer: (it: CallAnswer) => void): boolean {
    const call = ++this.#last
    if (!this.#front.memberAsks({ call, method: utf8(method), token: utf8(token), data })) return false
    this.#waiting.set(call, onAnswer)
    response.once('close', () => this.#waiting.delete(call))
    this.#requestTurn()
    return true
  }

  onAnswerMember({ call, status, message, data }: Message<PeerMessages, 'answerMember'>): void {
    const onAnswer = this.#waiting.get(call)
    this.#waiting.delete(call)
    onAnswer?.({ status, message: text(message.copy()), data: data.copy() })
  }
}

/** A body that is too long ends its connection. */
export function readBody(request: IncomingMessage, response: ServerResponse, onBody: (body: Buffer) => void): void {
  const parts: Buffer[] = []
  let length = 0
  request.on('data', (part: Buffer) => {
    length += part.length
    if (length > BODY_BYTES_MAX) response.destroy()
    else parts.push(part)
  })
  request.on('end', () => onBody(Buffer.concat(parts)))
}

function respond(response: ServerResponse, { status, message, data }: CallAnswer): void {
  response.writeHead(200, {
    'Content-Type': 'application/octet-stream',
    'Content-Length': data.length,
    [STATUS_FIELD]: status,
    [MESSAGE_FIELD]: encodeURIComponent(message),
  })
  response.end(data)
}
