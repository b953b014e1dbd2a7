/**
 * What must hold in every run of a cluster, checked from outside while it runs: the five properties of Raft Figure 3,
 * that no promise leaves a member before it is on its disk, and that reads see every write before them.
 */

import assert from 'node:assert/strict'
import { equalBytes } from '../../src/base/bytes.js'
import type { ConfState } from '../../src/raft/core/conf-change.js'
import type { LogEntry } from '../../src/raft/core/raft-log.js'
import { MessageType, type RaftMessage } from '../../src/raft/core/raft-message.js'
import type { Ready } from '../../src/raft/core/ready.js'
import type { MemberObserver, TestMember } from './test-member.js'

interface Committed {
  readonly entry: LogEntry
  /** Term of the leader that committed it. */
  readonly byTerm: number
}

export class RaftInvariants implements MemberObserver {
  readonly #leaders = new Map<number, bigint>()
  readonly #votes = new Map<string, bigint>()
  readonly #committed = new Map<number, Committed>()
  readonly #seenCommit = new Map<bigint, number>()
  /** Commit index of the whole cluster when a ticket was drawn, by member and ticket. */
  readonly #askedAt = new Map<string, number>()
  /** Entries that a first start brings: committed from the beginning, and the same on every member. */
  readonly #bootstrapCount: number
  #commitMax = 0
  /** Answered reads and accepted leaders, so that a test can tell that it tested something. */
  answeredReads = 0

  constructor(bootstrapCount: number) {
    this.#bootstrapCount = bootstrapCount
  }

  get commitMax(): number {
    return this.#commitMax
  }

  get leaderCount(): number {
    return this.#leaders.size
  }

  committed(index: number): LogEntry | undefined {
    return this.#committed.get(index)?.entry
  }

  onReadAsked(member: TestMember, ticket: number): void {
    this.#askedAt.set(`${member.id}/${ticket}`, this.#commitMax)
  }

  onReady(member: TestMember, ready: Ready): void {
    for (const message of ready.messages) this.#checkPromise(member, message)
    for (const { ticket, index } of ready.readStates) {
      const askedAt = this.#askedAt.get(`${member.id}/${ticket}`)
      assert.ok(askedAt !== undefined, `answer to ticket ${ticket} that nobody drew`)
      if (index < 0) continue
      // Dissertation 6.4: a read sees everything that was committed when it was asked for.
      assert.ok(index >= askedAt, `read at ${index}, asked for at commit ${askedAt}`)
      this.answeredReads++
    }
  }

  onApplied(member: TestMember, entry: LogEntry): void {
    // State Machine Safety: what is applied at an index is the same everywhere.
    const known = this.#committed.get(entry.index)
    assert.ok(known !== undefined, `member ${member.id} applies ${entry.index}, which nobody committed`)
    assertSame(known.entry, entry, `member ${member.id} applies`)
  }

  /** After anything that may have changed roles or commit indexes. */
  check(members: readonly TestMember[]): void {
    for (const member of members) {
      if (member.core === null) continue
      this.#checkLeader(member)
      this.#checkCommit(member, members)
    }
  }

  /** Log Matching: logs that agree on one entry agree on all before it. Costs more, so it is called now and then. */
  checkLogs(members: readonly TestMember[]): void {
    for (const a of members) {
      for (const b of members) if (a.id < b.id) checkPair(a, b)
    }
  }

  /** A member that starts again has forgotten its commit index beyond what its disk says. */
  onRestart(member: TestMember): void {
    this.#seenCommit.set(member.id, 0)
  }

  /** Election Safety and Leader Completeness. */
  #checkLeader(member: TestMember): void {
    const core = member.running
    if (core.role !== 'leader') return
    const known = this.#leaders.get(core.term)
    if (known === member.id) return
    assert.equal(known, undefined, `members ${known} and ${member.id} both lead term ${core.term}`)
    this.#leaders.set(core.term, member.id)
    for (const [index, { entry, byTerm }] of this.#committed) {
      if (byTerm <= core.term) assertHolds(member, index, entry)
    }
  }

  #checkCommit(member: TestMember, members: readonly TestMember[]): void {
    const core = member.running
    const seen = this.#seenCommit.get(member.id) ?? 0
    assert.ok(core.committed >= seen, `commit of ${member.id} went back from ${seen} to ${core.committed}`)
    this.#seenCommit.set(member.id, core.committed)
    for (let index = Math.max(seen + 1, core.firstIndex); index <= core.committed; index++) {
      const entry = core.entry(index)
      const known = this.#committed.get(index)
      if (known !== undefined) {
        assertSame(known.entry, entry, `member ${member.id} commits`)
        continue
      }
      this.#committed.set(index, { entry, byTerm: core.term })
      this.#commitMax = Math.max(this.#commitMax, index)
      if (index > this.#bootstrapCount) assertDurable(core.confState, members, entry)
      for (const other of members) {
        if (other.core?.role === 'leader' && other.core.term >= core.term) assertHolds(other, index, entry)
      }
    }
  }

  /** Raft 5.1 and Figure 2: what others may count on is on disk before they hear of it. */
  #checkPromise(member: TestMember, message: RaftMessage): void {
    const { disk, id } = member
    const { hardState } = disk
    switch (message.type) {
      case MessageType.appendResponse:
        if (message.reject) return
        assert.ok(holdsOnDisk(member, message.index), `${id} acknowledges ${message.index}, which its disk has not`)
        assert.equal(hardState.term, message.term, `${id} acknowledges in a term that is not on its disk`)
        return
      case MessageType.vote:
        assert.deepEqual([hardState.term, hardState.vote], [message.term, id], `${id} asks for votes without its own`)
        this.#noteVote(id, message.term, id)
        return
      case MessageType.voteResponse:
        if (message.reject) return
        assert.deepEqual([hardState.term, hardState.vote], [message.term, message.to], `${id} grants without a record`)
        this.#noteVote(id, message.term, message.to)
        return
      default:
    }
  }

  /** Figure 2: one vote in a term, across restarts. */
  #noteVote(from: bigint, term: number, to: bigint): void {
    const key = `${from}/${term}`
    assert.equal(this.#votes.get(key) ?? to, to, `${from} votes twice in term ${term}`)
    this.#votes.set(key, to)
  }
}

/** The log as the core has it is on disk up to `index`. */
function holdsOnDisk({ disk, running: core }: TestMember, index: number): boolean {
  // Where a snapshot ends the record of it must be there; what lies before that is committed, and the same everywhere.
  if (index === core.firstIndex - 1) return index <= disk.snapshot.index
  for (let i = Math.max(core.firstIndex, disk.snapshot.index + 1); i <= index; i++) {
    if (disk.termAt(i) !== core.entry(i).term) return false
  }
  return index <= disk.lastIndex
}

/** A committed entry is on the disks of a quorum, in both halves of a joint configuration. */
function assertDurable(conf: ConfState, members: readonly TestMember[], entry: LogEntry): void {
  for (const voters of [conf.voters, conf.votersOutgoing]) {
    const holders = voters.filter((id) => {
      const disk = members.find((member) => member.id === id)?.disk
      return disk !== undefined && (disk.snapshot.index >= entry.index || disk.termAt(entry.index) === entry.term)
    })
    assert.ok(voters.length === 0 || holders.length > voters.length / 2,
      `entry ${entry.index} is committed with ${holders.length} of ${voters.length} disks`)
  }
}

function assertHolds(member: TestMember, index: number, entry: LogEntry): void {
  const core = member.running
  if (index < core.firstIndex) return
  assert.ok(index <= core.lastIndex, `leader ${member.id} of term ${core.term} lacks committed entry ${index}`)
  assertSame(entry, core.entry(index), `leader ${member.id} of term ${core.term} holds`)
}

function assertSame(expected: LogEntry, actual: LogEntry, who: string): void {
  assert.deepEqual([actual.index, actual.term, actual.type], [expected.index, expected.term, expected.type], who)
  assert.ok(equalBytes(actual.data, expected.data), `${who} other bytes at ${actual.index}`)
}

function checkPair(a: TestMember, b: TestMember): void {
  if (a.core === null || b.core === null) return
  const first = Math.max(a.core.firstIndex, b.core.firstIndex)
  let agreed = false
  for (let i = Math.min(a.core.lastIndex, b.core.lastIndex); i >= first; i--) {
    const [one, other] = [a.core.entry(i), b.core.entry(i)]
    if (one.term !== other.term) {
      assert.ok(!agreed, `logs of ${a.id} and ${b.id} agree above ${i} and differ there`)
      continue
    }
    agreed = true
    assertSame(one, other, `members ${a.id} and ${b.id} at ${i}`)
  }
}
