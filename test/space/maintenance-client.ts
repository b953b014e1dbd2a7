/** Maintenance calls of a test, beside those of EtcdClient. */

import type { EtcdClient } from '../support/etcd-client.js'
import { ResponseHeader } from '../support/etcd-messages.js'
import { message, type Output } from '../support/wire-message.js'

const AlarmMember = message({ memberId: [1, 'uid'], alarm: [2, 'int'] })
const AlarmRequest = message({ action: [1, 'int'], memberId: [2, 'uid'], alarm: [3, 'int'] })
const AlarmResponse = message({ header: [1, ResponseHeader], alarms: [2, AlarmMember, 'many'] })
const HashKvRequest = message({ revision: [1, 'int'] })
const HashKvResponse = message({
  header: [1, ResponseHeader], hash: [2, 'int'], compactRevision: [3, 'int'], hashRevision: [4, 'int'],
})
const HashResponse = message({ header: [1, ResponseHeader], hash: [2, 'int'] })
const MoveLeaderRequest = message({ targetId: [1, 'uid'] })
const DowngradeRequest = message({ action: [1, 'int'], version: [2, 'string'] })
const DowngradeResponse = message({ header: [1, ResponseHeader], version: [2, 'string'] })
const DowngradeStatus = message({
  storageVersion: [11, 'string'],
  downgradeInfo: [13, message({ enabled: [1, 'bool'], targetVersion: [2, 'string'] })],
})
const Empty = message({})

export const ALARM = { NONE: 0, NOSPACE: 1, CORRUPT: 2 } as const
export const ALARM_ACTION = { GET: 0, ACTIVATE: 1, DEACTIVATE: 2 } as const
export const DOWNGRADE = { VALIDATE: 0, ENABLE: 1, CANCEL: 2 } as const

const path = (name: string): string => `/etcdserverpb.Maintenance/${name}`

export class MaintenanceClient {
  readonly #client: EtcdClient

  constructor(client: EtcdClient) {
    this.#client = client
  }

  alarm(action: number, alarm: number, memberId = 0n): Promise<Output<typeof AlarmResponse>> {
    return this.#client.unary(path('Alarm'), AlarmRequest, AlarmResponse, { action, memberId, alarm })
  }

  hashKv(revision: number): Promise<Output<typeof HashKvResponse>> {
    return this.#client.unary(path('HashKV'), HashKvRequest, HashKvResponse, { revision })
  }

  hash(): Promise<Output<typeof HashResponse>> {
    return this.#client.unary(path('Hash'), Empty, HashResponse, {})
  }

  defragment(): Promise<Buffer> {
    return this.#client.raw(path('Defragment'), Buffer.alloc(0), { deadlineMs: 60_000 })
  }

  moveLeader(targetId: bigint): Promise<unknown> {
    return this.#client.unary(path('MoveLeader'), MoveLeaderRequest, Empty, { targetId })
  }

  downgrade(action: number, version = ''): Promise<Output<typeof DowngradeResponse>> {
    return this.#client.unary(path('Downgrade'), DowngradeRequest, DowngradeResponse, { action, version })
  }

  downgradeStatus(): Promise<Output<typeof DowngradeStatus>> {
    return this.#client.unary(path('Status'), Empty, DowngradeStatus, {})
  }
}
