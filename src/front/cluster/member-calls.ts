/**
 * Calls between the fronts of two members, carried by peer: what only the leader can answer, a front has the leader's
 * front answer. The one that is asked treats it as a call of the client on whose behalf it is asked, with its token.
 */

import { text, utf8 } from '../../base/bytes.js'
import type { FrontMessages } from '../../messages/front-messages.js'
import type { Message } from '../../messages/protocol.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import { ProtoError } from '../../proto/proto-error.js'
import { Credentials } from '../auth/credentials.js'
import type { FrontContext } from '../front-context.js'
import type { GrpcCall, GrpcService } from '../grpc/grpc-call.js'
import { GrpcMetadata } from '../grpc/grpc-metadata.js'
import { InnerCall } from '../locks/inner-call.js'

/** Calls of this front to other members that may be under way. */
const ASKED_MAX = 256
/** Calls of other members that this front works on. */
const HEARD_MAX = 256
/** What members ask one another; everything else is for clients, on the ports where they are checked. */
const ANSWERED: ReadonlySet<string> = new Set(['/etcdserverpb.Cluster/MemberPromote'])
/** In the metadata of calls that other members make. */
const FROM_MEMBER = 'raftring-from-member'

export interface MemberAnswer {
  readonly status: number
  readonly message: string
  /** The one message of a good answer. */
  readonly data: Uint8Array
}

export interface MemberQuestion {
  readonly to: bigint
  readonly method: string
  /** The call that it is asked for; null when the member itself wants to know. */
  readonly behalf: GrpcCall | null
  readonly request: Uint8Array
}

/** What a member asks of another on nobody's behalf: it needs no rights, unlike a client that asks for the same. */
export type DirectAnswer = (call: GrpcCall, bytes: Buffer, start: number, end: number) => void

export class MemberCalls {
  readonly #context: FrontContext
  readonly #service: GrpcService
  readonly #credentials = new Credentials()
  readonly #asked = new Map<number, (answer: MemberAnswer | null) => void>()
  readonly #heard = new Map<number, InnerCall>()
  readonly #direct: ReadonlyMap<string, DirectAnswer>
  #lastAsked = 0

  constructor(context: FrontContext, service: GrpcService, direct: ReadonlyMap<string, DirectAnswer>) {
    this.#context = context
    this.#direct = direct
    this.#service = service
  }

  /**
   * False when nobody can be asked now. Otherwise `onAnswer` is called once, with null if there was no answer: the
   * question may have had its effect all the same.
   */
  ask({ to, method, behalf, request }: MemberQuestion, onAnswer: (answer: MemberAnswer | null) => void): boolean {
    const { peer, index } = this.#context
    if (peer === null || this.#asked.size >= ASKED_MAX) return false
    const call = ++this.#lastAsked
    const isSent = peer.askMember({
      call, front: index, to: BigInt.asIntN(64, to), method: utf8(method),
      token: utf8(behalf === null ? '' : (this.#credentials.token(behalf) ?? '')), data: request,
    })
    if (isSent) this.#asked.set(call, onAnswer)
    return isSent
  }

  /** From peer: what came of a question of this front. */
  onMemberAnswered({ call, isAnswered, status, message, data }: Message<FrontMessages, 'memberAnswered'>): void {
    const onAnswer = this.#asked.get(call)
    this.#asked.delete(call)
    onAnswer?.(isAnswered === 1 ? { status, message: text(message.copy()), data: data.copy() } : null)
  }

  /** From peer: another member asks. */
  onMemberAsks(message: Message<FrontMessages, 'memberAsks'>, nowMs: number): void {
    const { call, token, data } = message
    const method = text(message.method.copy())
    const direct = this.#direct.get(method)
    if (direct === undefined && !ANSWERED.has(method)) {
      this.#answer(call, { status: grpcStatus.unimplemented, message: `no call of members: ${method}`, data: NOTHING })
      return
    }
    if (this.#heard.size >= HEARD_MAX) {
      this.#answer(call, { status: grpcStatus.unavailable, message: 'too many calls of members', data: NOTHING })
      return
    }
    const fields = [{ name: FROM_MEMBER, value: '1' }]
    if (token.length > 0) fields.push({ name: 'token', value: text(token.copy()) })
    const inner = new InnerCall({
      method,
      behalf: { metadata: new GrpcMetadata(fields), certificateName: '' },
      nowMs,
      onNews: () => this.#onNews(call),
    })
    this.#heard.set(call, inner)
    const request = Buffer.from(data.copy())
    if (direct !== undefined) this.#answerDirectly(direct, inner, request)
    else {
      this.#service.onCallStart(inner)
      if (!inner.isOver) this.#service.onMessage(inner, request, 0, request.length)
      if (!inner.isOver) this.#service.onHalfClose(inner)
    }
    this.#context.requestTurn()
  }

  #answerDirectly(answer: DirectAnswer, inner: InnerCall, request: Buffer): void {
    try {
      answer(inner, request, 0, request.length)
    } catch (error) {
      if (!(error instanceof ProtoError)) throw error
      inner.finish(grpcStatus.internal, error.message)
    }
  }

  #onNews(call: number): void {
    const inner = this.#heard.get(call)
    if (inner === undefined || inner.end === null) return
    this.#heard.delete(call)
    this.#answer(call, { ...inner.end, data: inner.take() ?? NOTHING })
  }

  /** An answer that finds no room is lost, as one on the way could be: the member that asked gives up in time. */
  #answer(call: number, { status, message, data }: MemberAnswer): void {
    this.#context.peer?.answerMember({ call, status, message: utf8(message), data })
    this.#context.requestTurn()
  }
}

const NOTHING = new Uint8Array(0)

/** Another member's front makes this call. */
export function isFromMember(call: Pick<GrpcCall, 'metadata'>): boolean {
  return call.metadata.get(FROM_MEMBER) !== undefined
}
