/**
 * etcdserverpb.Cluster: who the members are, and changes of that. A change is checked here as far as this member can
 * tell whether it would risk the quorum; whether it takes effect is decided by every member alike when it is applied.
 */

import { hexId } from '../../base/bytes.js'
import { encodeMemberChange, type MemberChange } from '../../cluster/member-change.js'
import { newMemberId } from '../../cluster/member-ids.js'
import type { MemberRecord } from '../../cluster/member-record.js'
import { memberMessage } from '../../cluster/membership-message.js'
import { checkedPeerUrls } from '../../cluster/changes/peer-urls.js'
import { strictObjection } from '../../cluster/changes/strict-reconfig.js'
import type { FrontMessages } from '../../messages/front-messages.js'
import type { Message } from '../../messages/protocol.js'
import { PeerWord } from '../../metrics/peer-page.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import {
  decodeMemberAddRequest,
  decodeMemberListRequest,
  decodeMemberPromoteRequest,
  decodeMemberRemoveRequest,
  decodeMemberUpdateRequest,
  encodeMemberAddResponse,
  encodeMemberListResponse,
  encodeMemberPromoteResponse,
  encodeMemberRemoveResponse,
  encodeMemberUpdateResponse,
} from '../../proto/generated/etcdserverpb.js'
import type { FrontContext } from '../front-context.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import { unary, type Route } from '../grpc-routes.js'
import type { ReadPath } from '../kv/read-path.js'
import type { MemberCalls } from './member-calls.js'
import type { PendingRequest } from '../requests/pending-request.js'
import { RequestKind } from '../requests/pending-request.js'
import { isEnded, type Proposer } from '../requests/proposer.js'
import { Promotions } from './promotions.js'

const TWO_32 = 0x1_0000_0000n

interface Proposed {
  readonly change: MemberChange
  readonly entry: Uint8Array
}

export class ClusterService {
  readonly promotions: Promotions
  readonly #context: FrontContext
  readonly #proposer: Proposer
  readonly #reads: ReadPath

  constructor(context: FrontContext, proposer: Proposer, reads: ReadPath, calls: MemberCalls) {
    this.#context = context
    this.#proposer = proposer
    this.#reads = reads
    this.promotions = new Promotions({
      context, proposer, reads, calls, propose: (call, id) => this.#begin(call, { kind: 'promote', id }),
    })
    proposer.onOverdueChange = (pending) => this.#proposeAgain(pending)
  }

  routes(): [string, Route][] {
    const path = (name: string): string => `/etcdserverpb.Cluster/${name}`
    return [
      [path('MemberList'), unary((call, bytes, start, end) => this.#list(call, bytes, start, end))],
      [path('MemberAdd'), unary((call, bytes, start, end) => this.#add(call, bytes, start, end))],
      [path('MemberRemove'), unary((call, bytes, start, end) => {
        this.#begin(call, { kind: 'remove', id: decodeMemberRemoveRequest(bytes, start, end).ID })
      })],
      [path('MemberUpdate'), unary((call, bytes, start, end) => {
        const { ID: id, peerURLs: peerUrls } = decodeMemberUpdateRequest(bytes, start, end)
        this.#begin(call, { kind: 'update', id, peerUrls })
      })],
      [path('MemberPromote'), unary((call, bytes, start, end) => {
        this.promotions.promote(call, decodeMemberPromoteRequest(bytes, start, end).ID)
      })],
    ]
  }

  /** A change of members is applied, or has turned out to have no effect. */
  onApplied(pending: PendingRequest, { error }: Message<FrontMessages, 'applied'>): void {
    const call = pending.call as GrpcCall
    const { change } = pending.request as Proposed
    if (change.kind === 'promote') this.promotions.count(error)
    if (error === 0) this.#reads.answer({ call, run: () => this.#answerChange(call, change) })
    else this.#proposer.fail(call, error)
  }

  #list(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const { linearizable } = decodeMemberListRequest(bytes, start, end)
    const task = { call, run: () => this.#answerList(call) }
    if (this.#reads.isFull) this.#proposer.fail(call, etcdErrors.requestTooManyRequests.id)
    else if (linearizable) this.#reads.linearizable(task, this.#proposer.heardMs)
    else this.#reads.whenFresh(task)
  }

  #answerList(call: GrpcCall): void {
    if (isEnded(call)) return
    const members = this.#reads.members().map(memberMessage)
    // etcd leaves the revision out of this header.
    this.#proposer.answer(call, encodeMemberListResponse({ header: this.#proposer.headers.fields(0), members }))
  }

  #add(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const { peerURLs, isLearner } = decodeMemberAddRequest(bytes, start, end)
    const peerUrls = checkedPeerUrls(peerURLs)
    if (peerUrls === null) {
      this.#proposer.fail(call, etcdErrors.memberBadURLs.id)
      return
    }
    const id = newMemberId(peerUrls, this.#context.clock.wallMs())
    this.#begin(call, { kind: 'add', member: { id, peerUrls, isLearner, name: '', clientUrls: [] } })
  }

  #begin(call: GrpcCall, change: MemberChange): void {
    if (this.#reads.isFull) this.#proposer.fail(call, etcdErrors.requestTooManyRequests.id)
    else this.#reads.whenFresh({ call, run: () => this.#propose(call, change) })
  }

  #propose(call: GrpcCall, change: MemberChange): void {
    if (isEnded(call) || this.#isObjectedTo(call, change)) return
    const pending = this.#proposer.admit(call, RequestKind.memberChange)
    if (pending === null) return
    const entry = encodeMemberChange(BigInt(pending.high) * TWO_32 + BigInt(pending.low), change)
    pending.request = { change, entry } satisfies Proposed
    if (this.#send(pending, entry)) return
    this.#proposer.table.release(pending)
    this.#proposer.fail(call, etcdErrors.requestTooManyRequests.id)
  }

  #isObjectedTo(call: GrpcCall, change: MemberChange): boolean {
    const { config, memberId, logger, clock } = this.#context
    if (!config.strictReconfigCheck) return false
    const nowMs = clock.nowMs()
    const objection = strictObjection({
      selfId: memberId,
      members: this.#reads.members(),
      connectedMs: (id) => this.#connectedMs(id, nowMs),
    }, change)
    if (objection === null) return false
    logger.warn('front', 'refused a change of the membership that would risk the quorum', {
      change: change.kind, member: hexId(change.kind === 'add' ? change.member.id : change.id),
      reason: objection.message,
    })
    if (change.kind === 'promote') this.promotions.count(objection.error)
    this.#proposer.fail(call, objection.error)
    return true
  }

  #connectedMs(id: bigint, nowMs: number): number {
    const sinceMs = this.#context.node.peers.find(id)?.get(PeerWord.activeSinceMs) ?? 0
    return sinceMs === 0 ? -1 : nowMs - sinceMs
  }

  /**
   * etcd waits for a change of members for as long as the client does. The entry may have been lost with a leader; a
   * second one has no effect where the first one had.
   */
  #proposeAgain(pending: PendingRequest): boolean {
    const { call } = pending
    if (call === null || isEnded(call)) return false
    this.#send(pending, (pending.request as Proposed).entry)
    return true
  }

  #send({ high, low }: PendingRequest, entry: Uint8Array): boolean {
    return this.#context.raft.proposeConf({ requestHigh: high, requestLow: low, data: entry })
  }

  #answerChange(call: GrpcCall, change: MemberChange): void {
    if (isEnded(call)) return
    const header = this.#proposer.headers.fields(0)
    const members = this.#reads.members().map(memberMessage)
    this.#proposer.answer(call, answerOf(change, { header, members }))
  }
}

interface Answered {
  readonly header: ReturnType<Proposer['headers']['fields']>
  readonly members: ReturnType<typeof memberMessage>[]
}

function answerOf(change: MemberChange, answered: Answered): Uint8Array {
  switch (change.kind) {
    case 'add':
      return encodeMemberAddResponse({ ...answered, member: memberMessage(change.member as MemberRecord) })
    case 'remove':
      return encodeMemberRemoveResponse(answered)
    case 'update':
      return encodeMemberUpdateResponse(answered)
    case 'promote':
      return encodeMemberPromoteResponse(answered)
  }
}
