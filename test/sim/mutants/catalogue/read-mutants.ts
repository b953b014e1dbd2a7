/** Bugs of linearizable reads. */

import type { Mutant } from '../mutant.js'

const READ_INDEX = 'raft/core/read-index.js'
const READ_PATH = 'front/kv/read-path.js'

export const READ_MUTANTS: readonly Mutant[] = [
  {
    name: 'reads-without-a-quorum',
    story: 'a leader answers a read index without hearing from a majority (stale reads of a leader that was deposed)',
    file: READ_INDEX,
    find: 'if (read.round === 0 || read.round > confirmed)',
    replace: 'if (read.round === 0)',
  },
  {
    name: 'reads-before-its-own-term',
    story: 'a new leader stamps a read before it has committed an entry of its term',
    file: READ_INDEX,
    find: ' || !s.ownTermCommitted())',
    replace: ')',
  },
  {
    name: 'read-joins-an-old-round',
    story: 'a read is counted with a round of heartbeats that went out before it came (a ticket used again)',
    file: READ_INDEX,
    find: 's.reads.waiting.push({ from, ticket, epoch, round: 0, index: 0 });',
    replace: 's.reads.waiting.push({ from, ticket, epoch, round: s.reads.round, index: s.log.committed });',
  },
  {
    name: 'followers-read-by-themselves',
    story: 'a member that leads nobody answers linearizable reads from its own commit index',
    file: READ_PATH,
    find: 'if (commitAndSolo % 2 === 1) {',
    replace: 'if (commitAndSolo >= 0) {',
  },
  {
    name: 'reads-before-it-has-applied',
    story: 'a read is served as soon as its index is known, not when it is applied',
    file: READ_PATH,
    find: 'const applied = this.#context.words.load(Word.appliedIndex);',
    replace: 'const applied = Infinity;',
  },
  {
    name: 'answer-of-an-earlier-batch',
    story: 'reads take an index that reads before them had asked for (known from etcd: used again by a retry)',
    file: 'front/kv/read-batch.js',
    find: 'ticket < this.#firstTicket',
    replace: 'ticket < 0',
  },
]
