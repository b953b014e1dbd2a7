/**
 * Maintenance.Downgrade. A downgrade that is enabled is a fact that all members agree on; the cluster's version follows
 * it, and is raised again when it is cancelled.
 */

import { CLUSTER_VERSION, STORAGE_VERSION } from '../../config/versions.js'
import { readDowngradeInfo, type DowngradeInfo } from '../../cluster/membership-table.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import {
  DowngradeRequestDowngradeAction as Action,
  decodeDowngradeRequest,
  encodeDowngradeResponse,
  type DowngradeRequest,
} from '../../proto/generated/etcdserverpb.js'
import { encodeClusterVersionSetRequest, encodeDowngradeInfoSetRequest } from '../../proto/generated/membershippb.js'
import { RaftBody } from '../../proto/hot/raft-request.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import type { ReadPath } from '../kv/read-path.js'
import { RequestKind, type PendingRequest } from '../requests/pending-request.js'
import { isEnded, type Proposer } from '../requests/proposer.js'

/** A change that is being replicated. */
interface Change {
  /** The cluster's version when it was asked for, in two numbers, as the answer has it. */
  readonly version: string
  /** The cluster's version that follows. */
  readonly next: string
}

export class DowngradeService {
  readonly #proposer: Proposer
  readonly #reads: ReadPath

  constructor(proposer: Proposer, reads: ReadPath) {
    this.#proposer = proposer
    this.#reads = reads
  }

  /** In this turn's snapshot. */
  info(): DowngradeInfo {
    return readDowngradeInfo(this.#reads.store())
  }

  storageVersion(): string {
    const { enabled, targetVersion } = this.info()
    return enabled ? targetVersion : STORAGE_VERSION
  }

  downgrade(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const request = decodeDowngradeRequest(bytes, start, end)
    if (this.#reads.isFull) this.#proposer.fail(call, etcdErrors.requestTooManyRequests.id)
    else this.#reads.linearizable({ call, run: () => this.#start(call, request) }, this.#proposer.heardMs)
  }

  onApplied(pending: PendingRequest, revision: number): void {
    const { version, next } = pending.request as Change
    this.#answer(pending.call as GrpcCall, version, revision)
    this.#setClusterVersion(next)
  }

  #start(call: GrpcCall, { action, version: wanted }: DowngradeRequest): void {
    if (isEnded(call)) return
    const clusterVersion = this.#reads.clusterVersion()
    if (action === Action.CANCEL) {
      this.#cancel(call, clusterVersion ?? CLUSTER_VERSION)
      return
    }
    if (action !== Action.VALIDATE && action !== Action.ENABLE) {
      this.#proposer.fail(call, etcdErrors.unknownMethod.id)
      return
    }
    const target = twoNumbers(wanted)
    const error = this.#errorOf(target, clusterVersion)
    if (error !== 0) this.#proposer.fail(call, error)
    else if (action === Action.VALIDATE) this.#answer(call, twoNumbers(clusterVersion as string) as string)
    else this.#enable(call, `${target}.0`, clusterVersion as string)
  }

  /** In the order in which etcd looks. */
  #errorOf(target: string | null, clusterVersion: string | null): number {
    if (target === null) return etcdErrors.wrongDowngradeVersionFormat.id
    if (clusterVersion === null) return etcdErrors.clusterVersionUnavailable.id
    if (target !== oneBelow(clusterVersion)) return etcdErrors.invalidDowngradeTargetVersion.id
    return this.info().enabled ? etcdErrors.downgradeInProcess.id : 0
  }

  #enable(call: GrpcCall, target: string, clusterVersion: string): void {
    const body = encodeDowngradeInfoSetRequest({ enabled: true, ver: target })
    const request: Change = { version: twoNumbers(clusterVersion) as string, next: target }
    this.#proposer.propose(call, RequestKind.downgrade, body, 0, body.length, { request })
  }

  /** Never fails: without a downgrade there is nothing to cancel. */
  #cancel(call: GrpcCall, clusterVersion: string): void {
    const version = twoNumbers(clusterVersion) as string
    if (!this.info().enabled) {
      this.#answer(call, version)
      return
    }
    const body = encodeDowngradeInfoSetRequest({ enabled: false })
    const request: Change = { version, next: CLUSTER_VERSION }
    this.#proposer.propose(call, RequestKind.downgrade, body, 0, body.length, { request })
  }

  #setClusterVersion(version: string): void {
    const pending = this.#proposer.admit(null, RequestKind.own)
    if (pending === null) return
    const body = encodeClusterVersionSetRequest({ ver: version })
    const error = this.#proposer.proposeBody(pending, RaftBody.clusterVersionSet, body, 0, body.length)
    if (error !== 0) this.#proposer.table.release(pending)
  }

  #answer(call: GrpcCall, version: string, revision = this.#reads.view().currentRevision): void {
    this.#proposer.answer(call, encodeDowngradeResponse({ header: this.#proposer.headers.fields(revision), version }))
  }
}

/** Major and minor of `X.Y` or `X.Y.Z`; null for anything else. */
function twoNumbers(version: string): string | null {
  const match = /^(\d+)\.(\d+)(?:\.\d+(?:-[\w.-]+)?(?:\+[\w.-]+)?)?$/.exec(version)
  return match === null ? null : `${Number(match[1])}.${Number(match[2])}`
}

function oneBelow(version: string): string {
  const [major, minor] = version.split('.').map(Number)
  return `${major}.${(minor as number) - 1}`
}
