/** Bugs of locks. */

import type { Mutant } from '../mutant.js'

const SERVICE = 'front/locks/lock-service.js'
const LINE = 'front/locks/place-in-line.js'

export const LOCK_MUTANTS: readonly Mutant[] = [
  {
    name: 'lock-for-the-whole-line',
    story: 'a lock is granted to whoever has a place in its line, without waiting for the earlier owner',
    file: SERVICE,
    find: 'if (place.isFirst) {',
    replace: 'if (place.createRevision > 0) {',
  },
  {
    name: 'lock-outlives-its-lease',
    story: 'a lock is granted to somebody whose lease ended while he waited (etcd before it knew expired sessions)',
    file: SERVICE,
    find: 'if (kvs[0]?.create_revision !== place.createRevision) {',
    replace: 'if (kvs[0] === null) {',
  },
  {
    name: 'neighbour-leaves-the-line',
    story: 'a lock is granted when the one right before has gone, who may have given up waiting himself',
    file: LINE,
    find: `if (!gone.ok)
            return gone;`,
    replace: 'return gone;',
  },
]
