/** etcdserverpb.Cluster as a client calls it. */

import {
  decodeMemberAddResponse,
  decodeMemberPromoteResponse,
  decodeMemberRemoveResponse,
  decodeMemberUpdateResponse,
  encodeMemberAddRequest,
  encodeMemberPromoteRequest,
  encodeMemberRemoveRequest,
  encodeMemberUpdateRequest,
  type MemberAddResponse,
  type MemberPromoteResponse,
  type MemberRemoveResponse,
  type MemberUpdateResponse,
} from '../../../src/proto/generated/etcdserverpb.js'
import type { EtcdClient } from '../etcd-client.js'

const SERVICE = '/etcdserverpb.Cluster/'

export class MemberClient {
  readonly #client: EtcdClient

  constructor(client: EtcdClient) {
    this.#client = client
  }

  async add(peerURLs: readonly string[], isLearner = false): Promise<MemberAddResponse> {
    return decodeMemberAddResponse(await this.#call('MemberAdd', encodeMemberAddRequest({ peerURLs, isLearner })))
  }

  async remove(ID: bigint): Promise<MemberRemoveResponse> {
    return decodeMemberRemoveResponse(await this.#call('MemberRemove', encodeMemberRemoveRequest({ ID })))
  }

  async update(ID: bigint, peerURLs: readonly string[]): Promise<MemberUpdateResponse> {
    return decodeMemberUpdateResponse(await this.#call('MemberUpdate', encodeMemberUpdateRequest({ ID, peerURLs })))
  }

  async promote(ID: bigint): Promise<MemberPromoteResponse> {
    return decodeMemberPromoteResponse(await this.#call('MemberPromote', encodeMemberPromoteRequest({ ID })))
  }

  #call(name: string, request: Uint8Array): Promise<Buffer> {
    return this.#client.raw(SERVICE + name, Buffer.from(request))
  }
}
