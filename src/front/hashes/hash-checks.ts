/**
 * etcd's three ways of finding a member whose keys are not the others', all over HashKV between members:
 *
 * - before it serves clients a member compares itself with the others (gate InitialCorruptCheck);
 * - every `--corrupt-check-time` the leader compares everybody's keys as they are now;
 * - every `--compact-hash-check-time` it compares the hashes that were made at compactions (gate CompactHashCheck).
 *
 * One check at a time. What they log is in etcd's words, so that what looks for these finds them.
 */

import { hexId } from '../../base/bytes.js'
import { compactionHashes, type KeyspaceHash } from '../../messages/compaction-hashes.js'
import { Word } from '../../messages/shared-words.js'
import { errorById } from '../../proto/etcd-errors.js'
import type { FrontContext } from '../front-context.js'
import type { ReadPath } from '../kv/read-path.js'
import type { CorruptAlarms } from '../upkeep/corrupt-alarms.js'
import { NOBODY_KNOWS } from '../upkeep/state-comparison.js'
import { compareHashes, comparePeriodically, type HeardHash, type Verdict } from './hash-comparison.js'
import type { HashService } from './hash-service.js'
import type { PeerHashes } from './peer-hashes.js'

export interface HashChecksOptions {
  readonly context: Pick<FrontContext, 'clock' | 'config' | 'logger' | 'memberId' | 'notify' | 'words'>
  readonly reads: Pick<ReadPath, 'linearizable' | 'members' | 'whenFresh'>
  readonly hashes: Pick<HashService, 'hashAt'>
  readonly peers: PeerHashes
  readonly alarms: Pick<CorruptAlarms, 'raise'>
}

/** When this member could not make its own hash before serving. */
const RETRY_MS = 100

export class HashChecks {
  readonly #options: HashChecksOptions
  #hasBegun = false
  #isBusy = false
  #initialAtMs = Infinity
  #periodicAtMs = Infinity
  #compactionsAtMs = Infinity
  /** All members agreed on the compaction to this revision, and so on those before. */
  #checkedRevision = 0

  constructor(options: HashChecksOptions) {
    this.#options = options
  }

  get dueAtMs(): number {
    const { peers } = this.#options
    return this.#isBusy ? peers.dueAtMs : Math.min(this.#initialAtMs, this.#periodicAtMs, this.#compactionsAtMs)
  }

  /** Returns how much there was to do. */
  advance(nowMs: number): number {
    const { context, peers } = this.#options
    if (!this.#hasBegun) {
      if (context.words.load(Word.storeGeneration) === 0) return 0
      this.#begin(nowMs)
    }
    peers.advance(nowMs)
    if (this.#isBusy || nowMs < this.dueAtMs) return 0
    if (nowMs >= this.#initialAtMs) {
      this.#initialAtMs = Infinity
      this.#isBusy = true
      this.#checkInitially()
      return 1
    }
    const isPeriodic = nowMs >= this.#periodicAtMs
    if (isPeriodic) this.#periodicAtMs = nowMs + context.config.corruptCheckMs
    else this.#compactionsAtMs = nowMs + context.config.compactHashCheckMs
    if (context.words.loadId(Word.leaderId) !== context.memberId) return 0
    this.#isBusy = true
    if (isPeriodic) this.#checkPeriodically()
    else this.#checkCompactions()
    return 1
  }

  #begin(nowMs: number): void {
    const { config, logger } = this.#options.context
    this.#hasBegun = true
    if (config.gates.InitialCorruptCheck) {
      logger.info('front', 'starting initial corruption check', this.#self)
      this.#initialAtMs = nowMs
    }
    if (config.corruptCheckMs > 0) {
      logger.info('front', 'enabled corruption checking', { ...this.#self, intervalMs: config.corruptCheckMs })
      this.#periodicAtMs = nowMs + config.corruptCheckMs
    }
    if (config.gates.CompactHashCheck) {
      const intervalMs = config.compactHashCheckMs
      logger.info('front', 'enabled compaction hash checking', { ...this.#self, intervalMs })
      this.#compactionsAtMs = nowMs + intervalMs
    }
  }

  // Before serving.

  #checkInitially(): void {
    const { hashes, peers, context } = this.#options
    hashes.hashAt(0, null, (own) => {
      if (own.ok) {
        peers.ask(this.#others(), own.hash.revision, (heard) => this.#endInitially(own.hash, heard))
        return
      }
      context.logger.warn('front', 'failed to fetch hash', { ...this.#self, error: errorById(own.error)?.message })
      this.#initialAtMs = context.clock.nowMs() + RETRY_MS
      this.#isBusy = false
    })
  }

  #endInitially(own: KeyspaceHash, heard: readonly HeardHash[]): void {
    const { logger, memberId, notify } = this.#options.context
    const { compared, differing } = compareHashes(memberId, own, heard)
    this.#sayUncompared(own, heard, compared)
    for (const member of differing) {
      logger.warn('front', 'found different hash values from remote peer', this.#facts(own, heard, member))
    }
    if (differing.length === 0) logger.info('front', 'initial corruption checking passed; no corruption', this.#self)
    notify(differing.length === 0 ? 'hashesAgree' : 'hashesDiffer')
    this.#isBusy = false
  }

  // By the clock.

  #checkPeriodically(): void {
    const { hashes, peers } = this.#options
    hashes.hashAt(0, null, (first) => {
      if (!first.ok) return this.#fail(first.error)
      peers.ask(this.#others(), first.hash.revision, (heard) => this.#lookAgain(first.hash, heard))
    })
  }

  /** Whatever a member can have applied when it answered is applied here before this member is looked at again. */
  #lookAgain(before: KeyspaceHash, heard: readonly HeardHash[]): void {
    const { hashes, reads, context } = this.#options
    const run = (): void => hashes.hashAt(0, null, (second) => {
      if (!second.ok) return this.#fail(second.error)
      this.#judgePeriodically({ before, after: second.hash, currentRevision: second.currentRevision }, heard)
    })
    const expire = (): void => {
      context.logger.warn('front', 'failed to check hash KV', { ...this.#self, error: 'no linearizable read' })
      this.#isBusy = false
    }
    reads.linearizable({ call: null, run, expire }, context.clock.nowMs())
  }

  #judgePeriodically(own: Parameters<typeof comparePeriodically>[1], heard: readonly HeardHash[]): void {
    const { context, alarms } = this.#options
    const { logger, memberId } = context
    const verdict = comparePeriodically(memberId, own, heard)
    if (verdict.isSelfUnsteady) logger.warn('front', 'found hash mismatch', { ...this.#self, ...own.before })
    for (const member of verdict.ahead) {
      const facts = this.#facts(own.after, heard, member)
      logger.warn('front', "revision from follower must be less than or equal to leader's", facts)
    }
    for (const member of verdict.differing) {
      const facts = this.#facts(own.before, heard, member)
      logger.warn('front', 'same compact revision then hashes must match', facts)
    }
    alarms.raise(verdict.named)
    const checked = heard.filter(({ answer }) => answer !== null).length
    logger.info('front', 'finished peer corruption check', { 'number-of-peers-checked': checked })
    this.#isBusy = false
  }

  #fail(error: number): void {
    const { logger } = this.#options.context
    logger.warn('front', 'failed to check hash KV', { ...this.#self, error: errorById(error)?.message })
    this.#isBusy = false
  }

  // At compactions.

  #checkCompactions(): void {
    const { reads, context } = this.#options
    const unchecked = compactionHashes(context.words).filter(({ revision }) => revision > this.#checkedRevision)
    context.logger.info('front', 'starting compact hash check', this.#self)
    reads.whenFresh({ call: null, run: () => this.#checkNext(unchecked, 0, this.#others()) })
  }

  /** The newest that all members agree on says the same of all before it. */
  #checkNext(unchecked: readonly KeyspaceHash[], at: number, others: readonly bigint[]): void {
    const { reads, peers } = this.#options
    const own = unchecked[at]
    if (own === undefined || others.length === 0) return this.#endCompactions(at)
    peers.ask(others, own.revision, (heard) => {
      const run = (): void => {
        if (this.#judgeCompaction(own, heard)) this.#endCompactions(at + 1)
        else this.#checkNext(unchecked, at + 1, others)
      }
      reads.whenFresh({ call: null, run })
    })
  }

  #endCompactions(checked: number): void {
    const { logger } = this.#options.context
    logger.info('front', 'finished compaction hash check', { 'number-of-hashes-checked': checked })
    this.#isBusy = false
  }

  /** True when no older hash needs to be looked at. */
  #judgeCompaction(own: KeyspaceHash, heard: readonly HeardHash[]): boolean {
    const { context, alarms } = this.#options
    const verdict = compareHashes(context.memberId, own, heard)
    this.#sayUncompared(own, heard, verdict.compared)
    if (verdict.differing.length > 0) {
      this.#sayMismatch(own, heard, verdict)
      alarms.raise(verdict.named)
      return true
    }
    const facts = { ...this.#self, 'compact-revision': own.revision }
    if (verdict.compared.length < heard.length) {
      const said = 'skipped revision in compaction hash check; was not able to check all peers'
      context.logger.warn('front', said, { ...facts, 'number-of-peers-checked': verdict.compared.length })
      return false
    }
    context.logger.info('front', 'successfully checked hash on whole cluster', facts)
    this.#checkedRevision = own.revision
    return true
  }

  #sayMismatch(own: KeyspaceHash, heard: readonly HeardHash[], { named, differing }: Verdict): void {
    const { logger } = this.#options.context
    const quorum = !named.includes(NOBODY_KNOWS)
    for (const member of differing) {
      const facts = { ...this.#facts(own, heard, member), 'quorum-exist': quorum }
      logger.error('front', 'Detected compaction hash mismatch', facts)
    }
  }

  // What is told.

  #sayUncompared(own: KeyspaceHash, heard: readonly HeardHash[], compared: readonly bigint[]): void {
    const { logger } = this.#options.context
    for (const { member, answer, problem } of heard) {
      if (compared.includes(member)) continue
      const reason = answer === null ? problem : 'another compact revision'
      logger.warn('front', "Skipped peer's hash", { ...this.#facts(own, heard, member), reason })
    }
  }

  #facts(own: KeyspaceHash, heard: readonly HeardHash[], member: bigint): Record<string, unknown> {
    const answer = heard.find((one) => one.member === member)?.answer
    return {
      ...this.#self,
      'local-member-hash': own.hash,
      'local-member-revision': own.revision,
      'local-member-compact-revision': own.compactRevision,
      'remote-peer-id': hexId(member),
      ...(answer === null || answer === undefined ? {} : {
        'remote-peer-hash': answer.hash,
        'remote-peer-revision': answer.currentRevision,
        'remote-peer-compact-revision': answer.compactRevision,
      }),
    }
  }

  get #self(): Record<string, unknown> {
    return { 'local-member-id': hexId(this.#options.context.memberId) }
  }

  /** Inside a turn's snapshot. */
  #others(): bigint[] {
    const { reads, context } = this.#options
    return reads.members().map(({ id }) => id).filter((id) => id !== context.memberId)
  }
}
