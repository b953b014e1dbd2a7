/** When members' keys are compared, whom that asks, and what comes of it: other members answer as the test says. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Config } from '../../../src/config/config.js'
import type { MemberAnswer, MemberQuestion } from '../../../src/front/cluster/member-calls.js'
import { HashChecks } from '../../../src/front/hashes/hash-checks.js'
import type { HashEnd } from '../../../src/front/hashes/hash-job.js'
import { ANSWER_MS_MAX, ASKED_AT_ONCE_MAX, PeerHashes } from '../../../src/front/hashes/peer-hashes.js'
import type { ReadTask } from '../../../src/front/kv/read-path.js'
import { NOBODY_KNOWS } from '../../../src/front/upkeep/state-comparison.js'
import { storeCompactionHash } from '../../../src/messages/compaction-hashes.js'
import { SharedWords, Word, allocateWords } from '../../../src/messages/shared-words.js'
import type { Logger } from '../../../src/metrics/logger.js'
import { etcdErrors } from '../../../src/proto/etcd-errors.js'
import { decodeHashKVRequest, encodeHashKVResponse } from '../../../src/proto/generated/etcdserverpb.js'

const SELF = 1n
const OWN = 0xaa
const FOUND: HashEnd = { ok: true, hash: { hash: OWN, revision: 100, compactRevision: 40 }, currentRevision: 100 }
const PERIOD_MS = 1000
const COMPACT_MS = 3000

interface Asked {
  readonly to: bigint
  readonly revision: number
  answer(hash: number, compactRevision?: number): void
  fail(message: string | null): void
}

interface Options {
  readonly others?: number
  readonly own?: HashEnd
  readonly corruptCheckMs?: number
  readonly gates?: Partial<Config['gates']>
}

/** The checks of a front that leads, at revision 100 and compacted to 40. */
class Rig {
  readonly words = new SharedWords(allocateWords())
  readonly asked: Asked[] = []
  readonly raised: bigint[][] = []
  readonly events: string[] = []
  readonly log: string[] = []
  /** Reads that wait for their index. */
  readonly linearizable: ReadTask[] = []
  own: HashEnd
  nowMs = 0
  readonly checks: HashChecks

  constructor({ others = 2, own = FOUND, corruptCheckMs = 0, gates = {} }: Options = {}) {
    this.own = own
    const { words } = this
    const clock = { nowMs: () => this.nowMs, wallMs: () => 0 }
    const say = (_: string, msg: string): void => void this.log.push(msg)
    const logger: Logger = { debug: say, info: say, warn: say, error: say, enabled: () => true }
    const members = Array.from({ length: others + 1 }, (_, i) => {
      return { id: BigInt(i + 1), name: '', peerUrls: [], clientUrls: [], isLearner: false }
    })
    words.store(Word.storeGeneration, 1)
    words.storeId(Word.leaderId, SELF)
    const config = { corruptCheckMs, compactHashCheckMs: COMPACT_MS, gates } as unknown as Config
    const peers = new PeerHashes(clock, {
      ask: ({ to, request }: MemberQuestion, onAnswer: (answer: MemberAnswer | null) => void) => {
        this.asked.push({
          to,
          revision: decodeHashKVRequest(request).revision,
          answer: (hash, compactRevision = 40) => onAnswer({
            status: 0,
            message: '',
            data: encodeHashKVResponse({ header: { revision: 100 }, hash, compact_revision: compactRevision }),
          }),
          fail: (message) => onAnswer(message === null ? null : { status: 2, message, data: Buffer.alloc(0) }),
        })
        return true
      },
    })
    this.checks = new HashChecks({
      context: { clock, config, logger, memberId: SELF, words, notify: (event) => void this.events.push(event) },
      reads: {
        members: () => members,
        whenFresh: (task) => task.run(),
        linearizable: (task) => void this.linearizable.push(task),
      },
      hashes: { hashAt: (_wanted, _call, onEnd) => onEnd(this.own) },
      peers,
      alarms: {
        raise: (named) => {
          if (named.length > 0) this.raised.push([...named])
          return named
        },
      },
    })
    this.checks.advance(0)
  }

  /** To the next moment at which there is something to do. */
  wait(): void {
    assert.notEqual(this.checks.dueAtMs, Infinity, 'there is something to wait for')
    this.nowMs = Math.max(this.nowMs, this.checks.dueAtMs)
    this.checks.advance(this.nowMs)
  }

  /** Members answer what they were asked, in order: a hash, or null for silence. */
  answer(...hashes: (number | null)[]): void {
    const asked = this.asked.splice(0)
    assert.equal(asked.length, hashes.length)
    asked.forEach((one, i) => {
      const hash = hashes[i] as number | null
      if (hash === null) one.fail(null)
      else one.answer(hash)
    })
  }

  read(): void {
    for (const task of this.linearizable.splice(0)) task.run()
  }

  said(msg: string): number {
    return this.log.filter((line) => line === msg).length
  }
}

const CHECKED = 'finished peer corruption check'

test('without any of the options nothing is compared', () => {
  assert.equal(new Rig().checks.dueAtMs, Infinity)
})

test('by the clock the leader asks all at its revision, and looks at itself again before it judges', () => {
  const rig = new Rig({ corruptCheckMs: PERIOD_MS })
  rig.wait()
  assert.equal(rig.nowMs, PERIOD_MS)
  assert.deepEqual(rig.asked.map(({ to, revision }) => [to, revision]), [[2n, 100], [3n, 100]])
  rig.answer(OWN, 0xbb)
  assert.equal(rig.said(CHECKED), 0)
  rig.read()
  assert.deepEqual([rig.raised, rig.said(CHECKED)], [[[3n]], 1])
  rig.wait()
  rig.answer(OWN, OWN)
  rig.read()
  assert.deepEqual([rig.nowMs, rig.raised.length, rig.said(CHECKED)], [2 * PERIOD_MS, 1, 2])
})

test('a member that does not lead asks nobody', () => {
  const rig = new Rig({ corruptCheckMs: PERIOD_MS, gates: { CompactHashCheck: true } })
  rig.words.storeId(Word.leaderId, 2n)
  for (let i = 0; i < 5; i++) rig.wait()
  assert.deepEqual([rig.asked, rig.linearizable], [[], []])
})

test('one check at a time: the next waits until this has ended, however it ends', () => {
  const rig = new Rig({ corruptCheckMs: PERIOD_MS })
  rig.wait()
  rig.nowMs = 10 * PERIOD_MS
  rig.checks.advance(rig.nowMs)
  assert.equal(rig.asked.length, 2)
  rig.answer(OWN, OWN)
  for (const task of rig.linearizable.splice(0)) task.expire?.()
  assert.equal(rig.said('failed to check hash KV'), 1)
  rig.own = { ok: false, error: etcdErrors.timeout.id }
  rig.wait()
  assert.equal(rig.said('failed to check hash KV'), 2)
  assert.deepEqual([rig.asked, rig.raised], [[], []])
})

test('a member that does not answer in time is given up, and an answer after that is not heard', () => {
  const rig = new Rig({ corruptCheckMs: PERIOD_MS })
  rig.wait()
  const [silent, other] = rig.asked.splice(0) as [Asked, Asked]
  other.answer(OWN)
  assert.equal(rig.checks.dueAtMs, PERIOD_MS + ANSWER_MS_MAX)
  rig.wait()
  silent.answer(0xbb)
  rig.read()
  assert.deepEqual([rig.raised, rig.said(CHECKED)], [[], 1])
})

test('so many members are asked at a time, the next when one has answered', () => {
  const others = ASKED_AT_ONCE_MAX + 2
  const rig = new Rig({ others, corruptCheckMs: PERIOD_MS })
  rig.wait()
  assert.equal(rig.asked.length, ASKED_AT_ONCE_MAX)
  rig.asked[0]?.answer(OWN)
  assert.equal(rig.asked.length, ASKED_AT_ONCE_MAX + 1)
  rig.asked[1]?.answer(OWN)
  assert.equal(rig.asked.length, others)
  for (const one of rig.asked.slice(2)) one.answer(OWN)
  assert.equal(rig.linearizable.length, 1)
})

test('the newest compaction that all agree on settles those before it', () => {
  const rig = new Rig({ gates: { CompactHashCheck: true } })
  for (const [number, revision] of [20, 30, 50].entries()) {
    storeCompactionHash(rig.words, number, { hash: OWN, revision, compactRevision: 40 })
  }
  rig.wait()
  assert.deepEqual([rig.nowMs, rig.asked.map(({ revision }) => revision)], [COMPACT_MS, [50, 50]])
  rig.answer(OWN, null)
  assert.deepEqual(rig.asked.map(({ revision }) => revision), [30, 30])
  rig.answer(OWN, OWN)
  assert.equal(rig.said('successfully checked hash on whole cluster'), 1)
  rig.wait()
  assert.deepEqual(rig.asked.map(({ revision }) => revision), [50, 50])
  rig.answer(OWN, OWN)
  rig.wait()
  assert.deepEqual([rig.asked, rig.raised], [[], []])
})

test('a compaction that came out differently raises the alarm for who differs, or for all', () => {
  const rig = new Rig({ gates: { CompactHashCheck: true } })
  storeCompactionHash(rig.words, 1, { hash: OWN, revision: 50, compactRevision: 40 })
  for (const hashes of [[OWN, 0xbb], [0xbb, 0xbb], [0xbb, 0xcc]]) {
    rig.wait()
    rig.answer(...hashes)
  }
  assert.deepEqual(rig.raised, [[3n], [SELF], [NOBODY_KNOWS]])
  assert.equal(rig.said('Detected compaction hash mismatch'), 5)
})

test('a member that has compacted elsewhere is passed over', () => {
  const rig = new Rig({ gates: { CompactHashCheck: true } })
  storeCompactionHash(rig.words, 1, { hash: OWN, revision: 50, compactRevision: 40 })
  rig.wait()
  const [first, second] = rig.asked.splice(0) as [Asked, Asked]
  first.answer(0xbb, 50)
  second.fail('400 mvcc: required revision has been compacted')
  assert.deepEqual([rig.raised, rig.said("Skipped peer's hash")], [[], 2])
})

test('before serving a member compares itself with those who answer', () => {
  const start = (...hashes: (number | null)[]): Rig => {
    const rig = new Rig({ gates: { InitialCorruptCheck: true } })
    rig.answer(...hashes)
    return rig
  }
  assert.deepEqual(start(OWN, OWN).events, ['hashesAgree'])
  assert.deepEqual(start(null, null).events, ['hashesAgree'])
  assert.deepEqual(start(OWN, 0xbb).events, ['hashesDiffer'])
  assert.equal(start(0xbb, 0xbb).said('found different hash values from remote peer'), 2)
  assert.deepEqual(start(0xbb, 0xbb).raised, [])
})

test('a member that cannot hash its own keys yet tries again', () => {
  const rig = new Rig({ own: { ok: false, error: etcdErrors.compacted.id }, gates: { InitialCorruptCheck: true } })
  assert.deepEqual([rig.asked, rig.events, rig.said('failed to fetch hash')], [[], [], 1])
  rig.own = FOUND
  rig.wait()
  rig.answer(OWN, OWN)
  assert.deepEqual(rig.events, ['hashesAgree'])
})
