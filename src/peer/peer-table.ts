/**
 * Whom this member talks to: the members of the cluster as its own store has them, and for a while those who speak
 * for the same cluster and are not there yet, because this member may be the one who is behind.
 */

import { hexId } from '../base/bytes.js'
import type { MemberRecord } from '../cluster/member-record.js'
import { PeerSlot, PeerWord, type PeerPage } from '../metrics/peer-page.js'
import type { Caller, Refusal } from './streams/handshake.js'
import { Peer, type PeerEnvironment } from './peer.js'

export type PlainMember = Pick<MemberRecord, 'id' | 'peerUrls'>

/** Unknown members of the same cluster that are talked to at a time. */
const REMOTES_MAX = 16
/** An unknown member that says nothing for so long is forgotten. */
const REMOTE_SILENT_MS_MAX = 60_000

export class PeerTable {
  readonly #selfId: bigint
  readonly #environment: PeerEnvironment
  readonly #page: PeerPage
  readonly #peers = new Map<bigint, Peer>()
  /** Of the first configuration: they stay until they are removed, because the store may not have them all yet. */
  readonly #first: ReadonlySet<bigint>
  #removed: ReadonlySet<bigint> = new Set()

  constructor(selfId: bigint, first: readonly PlainMember[], page: PeerPage, environment: PeerEnvironment) {
    this.#selfId = selfId
    this.#environment = environment
    this.#page = page
    this.#first = new Set(first.map(({ id }) => id))
    this.update(first, new Set())
  }

  get peers(): Iterable<Peer> {
    return this.#peers.values()
  }

  get size(): number {
    return this.#peers.size
  }

  /** This member itself was taken out of the cluster. */
  get isSelfRemoved(): boolean {
    return this.#removed.has(this.#selfId)
  }

  find(id: bigint): Peer | undefined {
    return this.#peers.get(id)
  }

  isRemoved(id: bigint): boolean {
    return this.#removed.has(id)
  }

  /** The members as they are from now on, and everybody who once was one. */
  update(members: readonly PlainMember[], removed: ReadonlySet<bigint>): void {
    this.#removed = removed
    const listed = new Set(members.map(({ id }) => id))
    for (const peer of this.#peers.values()) {
      if (listed.has(peer.id)) continue
      if (removed.has(peer.id)) this.#drop(peer, 'the member was removed')
      else if (!peer.isRemote && !this.#first.has(peer.id)) this.#drop(peer, 'no member any more')
    }
    for (const { id, peerUrls } of members) {
      if (id === this.#selfId || removed.has(id)) continue
      const known = this.#peers.get(id)
      if (known === undefined) this.#add(id, peerUrls, false)
      else {
        known.isRemote = false
        known.slot.set(PeerWord.isKnown, 1)
        known.setUrls(peerUrls, this.#environment.clock.nowMs())
      }
    }
  }

  /** The peer that calls, or why it is not listened to. */
  admit(caller: Caller): Peer | Refusal {
    const known = this.#peers.get(caller.from)
    if (known !== undefined) return known
    const remotes = [...this.#peers.values()].filter(({ isRemote }) => isRemote).length
    if (caller.peerUrls.length === 0 || remotes >= REMOTES_MAX) return { status: 404, message: 'unknown member' }
    this.#environment.logger.info('peer', 'a member calls that is not known here yet', {
      'peer-id': hexId(caller.from),
      'peer-urls': caller.peerUrls,
    })
    return this.#add(caller.from, caller.peerUrls, true)
  }

  /** Forgets unknown members that have gone. */
  expire(nowMs: number): void {
    for (const peer of this.#peers.values()) {
      if (!peer.isRemote || !peer.isSilent || nowMs < peer.silentSinceMs + REMOTE_SILENT_MS_MAX) continue
      this.#drop(peer, 'an unknown member that is silent')
    }
  }

  stop(): void {
    for (const peer of this.#peers.values()) peer.stop('this member stops')
    this.#peers.clear()
  }

  #add(id: bigint, urls: readonly string[], isRemote: boolean): Peer {
    const environment = this.#environment
    const slot = this.#page.claim(id) ?? PeerSlot.unseen(id)
    slot.set(PeerWord.isKnown, isRemote ? 0 : 1)
    const peer = new Peer({ id, urls, isRemote, slot, environment, nowMs: environment.clock.nowMs() })
    this.#peers.set(id, peer)
    return peer
  }

  #drop(peer: Peer, reason: string): void {
    this.#peers.delete(peer.id)
    peer.stop(reason)
    peer.slot.set(PeerWord.isKnown, 0)
    this.#environment.logger.info('peer', 'stopped talking to a member', { 'peer-id': hexId(peer.id), reason })
  }
}
