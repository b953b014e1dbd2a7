/**
 * The moment when a leader's store becomes this member's: everything that is known of the store before is forgotten or
 * told anew, in the order in which nobody finds an effect without its cause.
 *
 * 1. the stamp of users, which is never older than a snapshot that a front can open; then the file itself;
 * 2. lease hears of all leases anew, fronts that tokens are void if users have changed, peer who the members are, in as
 *    many turns as it takes;
 * 3. the event log gets a gap: watchers read from the store what they have missed, or hear that it is compacted away;
 * 4. revisions, alarms, and last the applied index: from here on reads may rely on it.
 */

import { authStamp } from '../../auth/auth-access.js'
import { readAuthFlags } from '../../auth/auth-tables.js'
import { KeyspaceView } from '../../keyspace/keyspace-view.js'
import { alarmBits, readAlarms } from '../../keyspace/tables/alarm-table.js'
import { beginCompactions } from '../../messages/compaction-hashes.js'
import { Word } from '../../messages/shared-words.js'
import { counters } from '../../metrics/counter-catalogue.js'
import type { AuthFacts } from '../apply/auth-facts.js'
import type { Compactor } from '../compactor.js'
import type { LeaseReplay } from '../lease-replay.js'
import type { MvccContext } from '../mvcc-context.js'
import { readClusterNews, tellMembership, type ClusterNews } from '../members/member-facts.js'
import type { LeaderStore, SnapshotInstaller } from './snapshot-installer.js'

export interface SwitchParts {
  readonly installer: SnapshotInstaller
  readonly compactor: Compactor
  readonly leaseReplay: LeaseReplay
  readonly auth: AuthFacts
}

interface StoreFacts {
  readonly currentRevision: number
  readonly compactRevision: number
  readonly alarms: number
}

export class StoreSwitch {
  readonly #context: MvccContext
  readonly #parts: SwitchParts
  #facts: StoreFacts | null = null
  #store: LeaderStore | null = null
  #areTokensVoid = false
  #membership: ClusterNews | null = null

  constructor(context: MvccContext, parts: SwitchParts) {
    this.#context = context
    this.#parts = parts
  }

  /** From `begin` until `work` has told everything: nothing is applied meanwhile. */
  get isUnderWay(): boolean {
    return this.#store !== null
  }

  /** Between two batches, all of whose outcomes are told. */
  begin(nowMs: number): LeaderStore {
    const { words, memberId, counters: page } = this.#context
    const { installer, compactor, leaseReplay, auth } = this.#parts
    const snapshot = installer.next.store.beginRead()
    const view = new KeyspaceView(snapshot)
    const { currentRevision, compactRevision, liveKeys } = view
    this.#facts = { currentRevision, compactRevision, alarms: alarmBits(readAlarms(snapshot), memberId) }
    const { enabled, revision } = readAuthFlags(snapshot)
    words.store(Word.authStamp, authStamp(enabled, revision))
    this.#areTokensVoid = auth.replaced(snapshot)
    this.#membership = readClusterNews(snapshot)
    snapshot.close()
    this.#store = installer.takeOver(nowMs)
    this.#context.store.setRevision(currentRevision)
    compactor.startAgain(compactRevision, nowMs)
    leaseReplay.startAgain()
    page.set(counters.mvccKeys, liveKeys)
    return this.#store
  }

  /** Goes on. True once all is told. */
  work(): boolean {
    const { leaseReplay, auth } = this.#parts
    const { fronts, publish } = this.#context
    leaseReplay.work()
    if (!leaseReplay.isDone) return false
    if (this.#areTokensVoid && !auth.send(fronts)) return false
    if (this.#membership !== null && !tellMembership(this.#context, this.#membership)) return false
    this.#membership = null
    publish()
    this.#publish((this.#store as LeaderStore).index)
    this.#store = this.#facts = null
    return true
  }

  #publish(index: number): void {
    const { words, eventLog, ringFronts, ringWatchers } = this.#context
    const { currentRevision, compactRevision, alarms } = this.#facts as StoreFacts
    eventLog.publishGap(currentRevision)
    words.store(Word.currentRevision, currentRevision)
    beginCompactions(words, compactRevision)
    words.store(Word.compactRevision, compactRevision)
    words.store(Word.alarms, alarms)
    words.store(Word.appliedIndex, index)
    ringFronts()
    ringWatchers()
  }
}
