/** Which service answers a request whose entry is applied. */

import { assert } from '../../base/assert.js'
import type { FrontMessages } from '../../messages/front-messages.js'
import type { Message } from '../../messages/protocol.js'
import type { Auth } from '../auth/auth.js'
import type { ClusterService } from '../cluster/cluster-service.js'
import type { KvService } from '../kv/kv-service.js'
import type { LeaseService } from '../lease-service.js'
import type { MaintenanceService } from '../maintenance/maintenance-service.js'
import type { QuotaGate } from '../maintenance/quota-gate.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import type { Proposer } from './proposer.js'
import { RequestKind, type PendingRequest } from './pending-request.js'

export interface AnsweringServices {
  readonly proposer: Proposer
  readonly quota: QuotaGate
  readonly kv: KvService
  readonly leases: LeaseService
  readonly auth: Auth
  readonly maintenance: MaintenanceService
  readonly cluster: ClusterService
}

/** The request's call goes on. */
export function answerApplied(
  services: AnsweringServices,
  pending: PendingRequest,
  call: GrpcCall,
  message: Message<FrontMessages, 'applied'>,
): void {
  const { proposer, quota, kv, leases, auth, maintenance, cluster } = services
  if (pending.kind === RequestKind.memberChange) return cluster.onApplied(pending, message)
  if (message.error !== 0) {
    if (!quota.takes(call, message)) proposer.fail(call, message.error)
    return
  }
  switch (pending.kind) {
    case RequestKind.put:
      return kv.onPutApplied(pending, message)
    case RequestKind.deleteRange:
      return kv.onDeleteRangeApplied(pending, message)
    case RequestKind.txn:
      return kv.onTxnApplied(pending, message)
    case RequestKind.compaction:
      return kv.onCompactionApplied(pending, message)
    case RequestKind.leaseGrant:
      return leases.onGranted(pending, message.revision)
    case RequestKind.leaseRevoke:
      return leases.onRevoked(pending, message.revision)
    case RequestKind.authenticate:
    case RequestKind.auth:
      return auth.onApplied(pending, message)
    case RequestKind.alarm:
    case RequestKind.quotaAlarm:
    case RequestKind.downgrade:
      return maintenance.onApplied(pending, message)
    default:
      assert(false, `a request of kind ${pending.kind} is not answered by an applied entry`)
  }
}
