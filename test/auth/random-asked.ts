/** Random requests, each with the list of what it does to keys that its maker kept. */

import { askedBody } from '../../src/auth/asked-body.js'
import type { AskedRequest } from '../../src/auth/request-needs.js'
import type { Prng } from '../../src/base/prng.js'
import {
  encodeCompactionRequest,
  encodeDeleteRangeRequest,
  encodeLeaseGrantRequest,
  encodeLeaseRevokeRequest,
  encodePutRequest,
  encodeRangeRequest,
  encodeTxnRequest,
  type CompareInput,
  type DeleteRangeRequestInput,
  type PutRequestInput,
  type RequestOpInput,
  type TxnRequestInput,
} from '../../src/proto/generated/etcdserverpb.js'
import { RaftBody, type RaftBodyField } from '../../src/proto/hot/raft-request.js'
import { ENDS, randomRange, type ModelRange, type ModelRequest, type ModelTouch } from './rights-model.js'

export interface RandomAsked {
  readonly name: string
  readonly asked: AskedRequest
  readonly model: ModelRequest
}

/** Lease 1 holds nothing, the others some keys each. */
export type LeaseHoldings = ReadonlyMap<bigint, readonly string[]>

const DEPTH_MAX = 3

export class AskedMaker {
  readonly #random: Prng
  readonly #leases: LeaseHoldings
  #touches: ModelTouch[] = []

  constructor(random: Prng, leases: LeaseHoldings) {
    this.#random = random
    this.#leases = leases
  }

  next(): RandomAsked {
    this.#touches = []
    const makers = [
      () => this.#range(), () => this.#putEntry(), () => this.#delete(), () => this.#txnEntry(), () => this.#txnEntry(),
      () => this.#watch(), () => this.#lease('leaseKeepAlive'), () => this.#lease('leaseKeys'), () => this.#revoke(),
      () => this.#list(), () => this.#administer(), () => this.#grant(),
    ]
    return this.#random.pick(makers)()
  }

  #result(name: string, asked: AskedRequest, demands: ModelRequest['demands'] = 'nothing'): RandomAsked {
    return { name, asked, model: { demands, touches: this.#touches } }
  }

  #entry(name: string, field: RaftBodyField, body: Uint8Array, demands?: ModelRequest['demands']): RandomAsked {
    // Somewhere in a larger buffer, as in a ring.
    const padded = new Uint8Array(body.length + 7)
    padded.set(body, 3)
    return this.#result(name, askedBody(field, padded, 3, 3 + body.length), demands)
  }

  #range(): RandomAsked {
    return this.#entry('range', RaftBody.range, encodeRangeRequest(this.#touched('read')))
  }

  #watch(): RandomAsked {
    return this.#result('watch', { kind: 'watch', request: this.#touched('read') })
  }

  #putEntry(): RandomAsked {
    return this.#entry('put', RaftBody.put, encodePutRequest(this.#put()))
  }

  #delete(): RandomAsked {
    return this.#entry('delete', RaftBody.deleteRange, encodeDeleteRangeRequest(this.#deleteRange()))
  }

  #txnEntry(): RandomAsked {
    return this.#entry('txn', RaftBody.txn, encodeTxnRequest(this.#txn(0)))
  }

  #grant(): RandomAsked {
    return this.#entry('grant', RaftBody.leaseGrant, encodeLeaseGrantRequest({ ID: 5n, TTL: 10 }), 'a user')
  }

  #revoke(): RandomAsked {
    const leaseId = this.#random.pick([...this.#leases.keys()])
    this.#touchLease(leaseId, 'write')
    return this.#entry('revoke', RaftBody.leaseRevoke, encodeLeaseRevokeRequest({ ID: leaseId }), 'a user')
  }

  #lease(kind: 'leaseKeepAlive' | 'leaseKeys'): RandomAsked {
    const leaseId = this.#random.pick([...this.#leases.keys()])
    this.#touchLease(leaseId, kind === 'leaseKeys' ? 'read' : 'write')
    return this.#result(kind, { kind, leaseId }, 'a user')
  }

  #list(): RandomAsked {
    const leaseIds = [...this.#leases.keys()].filter(() => this.#random.chance(0.5))
    for (const leaseId of leaseIds) this.#touchLease(leaseId, 'read')
    return this.#result('list', { kind: 'leaseList', leaseIds }, 'a user')
  }

  #administer(): RandomAsked {
    if (this.#random.chance(0.5)) {
      return this.#entry('compact', RaftBody.compaction, encodeCompactionRequest({ revision: 3 }), 'root')
    }
    return this.#entry('role add', RaftBody.authRoleAdd, new Uint8Array(0), 'root')
  }

  #txn(depth: number): TxnRequestInput {
    const count = (max: number): number => this.#random.between(0, max)
    const compare = Array.from({ length: count(2) }, (): CompareInput => this.#touched('read'))
    const branch = (): RequestOpInput[] => Array.from({ length: count(3) }, () => this.#operation(depth))
    return { compare, success: branch(), failure: branch() }
  }

  #operation(depth: number): RequestOpInput {
    const kind = this.#random.between(0, depth < DEPTH_MAX ? 3 : 2)
    if (kind === 0) return { request_range: this.#touched('read') }
    if (kind === 1) return { request_put: this.#put() }
    if (kind === 2) return { request_delete_range: this.#deleteRange() }
    return { request_txn: this.#txn(depth + 1) }
  }

  #put(): PutRequestInput {
    const key = this.#random.pick(ENDS)
    this.#touches.push({ key, end: '', does: 'write' })
    const prev_kv = this.#random.chance(0.3)
    if (prev_kv) this.#touches.push({ key, end: '', does: 'read' })
    const lease = this.#random.chance(0.3) ? this.#random.pick([...this.#leases.keys()]) : 0n
    this.#touchLease(lease, 'write')
    return { key: Buffer.from(key), value: this.#random.bytes(3), prev_kv, lease }
  }

  #deleteRange(): DeleteRangeRequestInput {
    const range = randomRange(this.#random)
    this.#touches.push({ ...range, does: 'write' })
    const prev_kv = this.#random.chance(0.3)
    if (prev_kv) this.#touches.push({ ...range, does: 'read' })
    return { ...wire(range), prev_kv }
  }

  #touchLease(leaseId: bigint, does: ModelTouch['does']): void {
    for (const key of this.#leases.get(leaseId) ?? []) this.#touches.push({ key, end: '', does, hangs: true })
  }

  #touched(does: ModelTouch['does']): { key: Uint8Array; range_end: Uint8Array } {
    const range = randomRange(this.#random)
    this.#touches.push({ ...range, does })
    return wire(range)
  }
}

export function wire({ key, end }: ModelRange): { key: Uint8Array; range_end: Uint8Array } {
  return { key: Buffer.from(key), range_end: Buffer.from(end) }
}
