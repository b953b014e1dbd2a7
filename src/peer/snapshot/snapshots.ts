/** Both ways of snapshots, as the peer actor has them: those to other members, and the one of a leader. */

import type { Bytes } from '../../base/bytes.js'
import type { PeerSlot } from '../../metrics/peer-page.js'
import type { PeerRoute } from '../port/peer-http-server.js'
import { SnapshotReceiver, type SnapshotReceiverOptions } from './receiver-server.js'
import { SnapshotSending, type SnapshotSendingOptions } from './snapshot-sending.js'

/** What the actor knows of a member. */
export interface KnownMember {
  readonly urls: readonly string[]
  readonly slot: PeerSlot
}

type Lookup = 'slotOf' | 'urlsOf'

export interface SnapshotsOptions {
  readonly sending: Omit<SnapshotSendingOptions, Lookup>
  readonly receiving: Omit<SnapshotReceiverOptions, Lookup>
}

export class Snapshots {
  readonly routes: ReadonlyMap<string, PeerRoute>
  readonly #sending: SnapshotSending
  readonly #receiver: SnapshotReceiver
  #find: (id: bigint) => KnownMember | undefined = () => undefined

  constructor({ sending, receiving }: SnapshotsOptions) {
    const slotOf = (id: bigint): PeerSlot | undefined => this.#find(id)?.slot
    const urlsOf = (id: bigint): readonly string[] => this.#find(id)?.urls ?? []
    this.#sending = new SnapshotSending({ ...sending, slotOf, urlsOf })
    this.#receiver = new SnapshotReceiver({ ...receiving, slotOf })
    this.routes = this.#receiver.routes
  }

  /** From here on members are found. */
  attach(find: (id: bigint) => KnownMember | undefined): void {
    this.#find = find
  }

  send(to: bigint, message: Bytes): void {
    this.#sending.send(to, message)
  }

  work(nowMs: number): void {
    this.#sending.work(nowMs)
  }

  /** True while something waits for room in raft's ring. */
  get owes(): boolean {
    return this.#sending.owes
  }

  /** Now and then: ends what nobody goes on with. */
  expire(nowMs: number): void {
    this.#receiver.expire(nowMs)
  }

  close(): void {
    this.#sending.close()
    this.#receiver.close()
  }
}
