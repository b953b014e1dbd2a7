/** The lock and election services as tests call them: field tables and one function for each RPC. */

import type { CallOptions, EtcdClient } from './etcd-client.js'
import { HeaderOnly, KeyValue, ResponseHeader } from './etcd-messages.js'
import { MessageStream } from './message-stream.js'
import { message, type Input, type Output } from './wire-message.js'

export const LockRequest = message({ name: [1, 'bytes'], lease: [2, 'id'] })
export const LockResponse = message({ header: [1, ResponseHeader], key: [2, 'bytes'] })
const UnlockRequest = message({ key: [1, 'bytes'] })

export const LeaderKey = message({ name: [1, 'bytes'], key: [2, 'bytes'], rev: [3, 'int'], lease: [4, 'id'] })
export const CampaignRequest = message({ name: [1, 'bytes'], lease: [2, 'id'], value: [3, 'bytes'] })
export const CampaignResponse = message({ header: [1, ResponseHeader], leader: [2, LeaderKey] })
const LeaderRequest = message({ name: [1, 'bytes'] })
export const LeaderResponse = message({ header: [1, ResponseHeader], kv: [2, KeyValue] })
export type LeaderResponse = Output<typeof LeaderResponse>
const ResignRequest = message({ leader: [1, LeaderKey] })
const ProclaimRequest = message({ leader: [1, LeaderKey], value: [2, 'bytes'] })

const LOCK = '/v3lockpb.Lock/Lock'
const ELECTION = '/v3electionpb.Election/'

export class LockClient {
  readonly #client: EtcdClient

  constructor(client: EtcdClient) {
    this.#client = client
  }

  lock(request: Input<typeof LockRequest>, options?: CallOptions): Promise<Output<typeof LockResponse>> {
    return this.#client.unary(LOCK, LockRequest, LockResponse, request, options)
  }

  /** A lock call that can be cancelled. */
  openLock(request: Input<typeof LockRequest>): MessageStream<Input<typeof LockRequest>, Output<typeof LockResponse>> {
    const stream = new MessageStream(this.#client.duplex(LOCK, LockRequest, LockResponse))
    stream.send(request)
    stream.halfClose()
    return stream
  }

  unlock(key: string | Buffer, options?: CallOptions): Promise<Output<typeof HeaderOnly>> {
    return this.#client.unary('/v3lockpb.Lock/Unlock', UnlockRequest, HeaderOnly, { key }, options)
  }

  campaign(
    request: Input<typeof CampaignRequest>, options?: CallOptions,
  ): Promise<Output<typeof CampaignResponse>> {
    return this.#client.unary(`${ELECTION}Campaign`, CampaignRequest, CampaignResponse, request, options)
  }

  openCampaign(
    request: Input<typeof CampaignRequest>,
  ): MessageStream<Input<typeof CampaignRequest>, Output<typeof CampaignResponse>> {
    const path = `${ELECTION}Campaign`
    const stream = new MessageStream(this.#client.duplex(path, CampaignRequest, CampaignResponse))
    stream.send(request)
    stream.halfClose()
    return stream
  }

  proclaim(request: Input<typeof ProclaimRequest>): Promise<Output<typeof HeaderOnly>> {
    return this.#client.unary(`${ELECTION}Proclaim`, ProclaimRequest, HeaderOnly, request)
  }

  resign(request: Input<typeof ResignRequest>): Promise<Output<typeof HeaderOnly>> {
    return this.#client.unary(`${ELECTION}Resign`, ResignRequest, HeaderOnly, request)
  }

  leader(name: string): Promise<LeaderResponse> {
    return this.#client.unary(`${ELECTION}Leader`, LeaderRequest, LeaderResponse, { name })
  }

  observe(name: string, options?: CallOptions): MessageStream<Input<typeof LeaderRequest>, LeaderResponse> {
    const path = `${ELECTION}Observe`
    const stream = new MessageStream(this.#client.duplex(path, LeaderRequest, LeaderResponse, options))
    stream.send({ name })
    stream.halfClose()
    return stream
  }
}
