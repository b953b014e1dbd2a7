/** Bugs of elections and replication. */

import type { Mutant } from '../mutant.js'

const ELECTION = 'raft/core/election.js'
const FOLLOWER = 'raft/core/follower.js'
const REPLICATION = 'raft/core/replication.js'
const LOG = 'raft/core/raft-log.js'
const QUORUM = 'raft/core/quorum.js'

export const CONSENSUS_MUTANTS: readonly Mutant[] = [
  {
    name: 'commits-entries-of-older-terms',
    story: 'a quorum commits an entry of an older term by itself (Raft, figure 8)',
    file: REPLICATION,
    find: 'if (s.log.termAt(index) !== s.term)',
    replace: 'if (s.log.termAt(index) < 0)',
  },
  {
    name: 'votes-for-shorter-logs',
    story: 'the election restriction is missing (Raft 5.4.1)',
    file: ELECTION,
    find: 'if (!free || !s.log.isUpToDate(message.index, message.logTerm)) {',
    replace: 'if (!free) {',
  },
  {
    name: 'compares-logs-by-length',
    story: 'the longer log wins, whatever its last term (known from early implementations)',
    file: LOG,
    find: 'return term > this.#lastTerm || (term === this.#lastTerm && index >= this.#lastIndex);',
    replace: 'return index >= this.#lastIndex;',
  },
  {
    name: 'votes-twice-in-a-term',
    story: 'a vote is given to whoever asks, as long as no leader is known',
    file: ELECTION,
    find: '(s.vote === NOBODY && s.leader === NOBODY)',
    replace: '(s.leader === NOBODY)',
  },
  {
    name: 'forgets-its-vote',
    story: 'the vote is not restored at a start, so that a member votes twice in a term',
    file: 'raft/raft-recovery.js',
    find: 'hardState: { term, vote, commit: Math.max(commit, appliedIndex) },',
    replace: 'hardState: { term, vote: 0n, commit: Math.max(commit, appliedIndex) },',
  },
  {
    name: 'promises-its-vote-early',
    story: 'a vote leaves before it is on disk',
    file: ELECTION,
    find: 'if (s.voteIsDurable())\n        onVoteDurable(s);\n}\n',
    replace: 'onVoteDurable(s);\n}\n',
  },
  {
    name: 'elects-with-half',
    story: 'half of the votes are a majority',
    file: QUORUM,
    find: 'const majority = Math.floor(voters.length / 2) + 1;',
    replace: 'const majority = Math.floor(voters.length / 2);',
  },
  {
    name: 'commits-without-a-majority',
    story: 'an entry is committed by one member less than a majority',
    file: QUORUM,
    find: 'return scratch[Math.floor(scratch.length / 2)];',
    replace: 'return scratch[Math.floor(scratch.length / 2) - 1];',
  },
  {
    name: 'acknowledges-before-the-sync',
    story: 'a follower acknowledges entries that are not on its disk (async storage writes done wrong)',
    file: FOLLOWER,
    find: 'const durable = Math.min(s.matched, s.log.stable);',
    replace: 'const durable = s.matched;',
  },
  {
    name: 'leader-counts-its-own-page-cache',
    story: 'a leader counts itself for entries that it has not synced',
    file: 'raft/core/raft-core.js',
    find: 's.members.self.match = s.log.stable;',
    replace: 's.members.self.match = s.log.lastIndex;',
  },
  {
    name: 'keeps-conflicting-entries',
    story: 'a follower keeps its own entry where the leader has another one',
    file: LOG,
    find: 'if (!this.matches(entry.index, entry.term))\n                return i;',
    replace: 'if (entry.index > this.#lastIndex)\n                return i;',
  },
  {
    name: 'truncates-without-a-conflict',
    story: 'every append cuts the log behind it, so that one that comes late removes acknowledged entries',
    file: FOLLOWER,
    find: 'const conflict = log.conflictPosition(entries, known);',
    replace: 'const conflict = known;',
  },
  {
    name: 'commits-what-was-not-vouched-for',
    story: 'a follower commits its own tail up to the leader\'s commit index (Raft, figure 2, rule 5)',
    file: FOLLOWER,
    find: 'log.commitTo(Math.min(message.commit, last));',
    replace: 'log.commitTo(Math.min(message.commit, log.lastIndex));',
  },
  {
    name: 'heartbeats-commit-blindly',
    story: 'a heartbeat carries the commit index beyond what the follower is known to hold',
    file: REPLICATION,
    find: 'message.commit = Math.min(member.match, s.log.committed);',
    replace: 'message.commit = s.log.committed;',
  },
  {
    name: 'skips-the-consistency-check',
    story: 'a follower appends to an entry of another term than the leader\'s',
    file: FOLLOWER,
    find: 'if (known === 0 && !log.matches(message.index, message.logTerm)) {',
    replace: 'if (known === 0 && message.index > log.lastIndex) {',
  },
  {
    name: 'old-leader-stays',
    story: 'an answer of a later term does not make a leader step down',
    file: ELECTION,
    find: 'default:\n            becomeFollower(s, message.term, NOBODY);\n            return true;',
    replace: 'default:\n            return true;',
  },
  {
    name: 'counts-syncs-of-replaced-entries',
    story: 'the sync of entries that a leader has replaced counts for those in their place',
    file: 'raft/core/append-window.js',
    find: 'if (record.attests >= index)',
    replace: 'if (record.attests < 0)',
  },
  {
    name: 'remembers-matches-of-an-older-term',
    story: 'what a follower had acknowledged to an earlier leader counts in a new term',
    file: ELECTION,
    find: 's.matched = s.acknowledged = 0;',
    replace: 's.acknowledged = 0;',
  },
  {
    name: 'counts-votes-of-another-kind',
    story: 'an answer to a pre-vote counts as a vote',
    file: ELECTION,
    find: 'if (message.type === wanted)\n        recordVote',
    replace: 'if (wanted !== 0)\n        recordVote',
  },
]
