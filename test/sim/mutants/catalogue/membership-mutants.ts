/** Bugs of changes of the membership. */

import type { Mutant } from '../mutant.js'

const STRICT = 'cluster/changes/strict-reconfig.js'

export const MEMBERSHIP_MUTANTS: readonly Mutant[] = [
  {
    name: 'who-leaves-counts-for-the-rest',
    story: 'a removal is allowed because the member that goes is one of those that make the next majority',
    file: STRICT,
    find: 'if (connected - 1 >= needed)',
    replace: 'if (connected >= needed)',
  },
  {
    name: 'who-is-down-stays',
    story: 'a member that is down cannot be removed while the quorum hangs by the others',
    file: STRICT,
    find: 'if (id !== facts.selfId && facts.connectedMs(id) < 0)',
    replace: 'if (id !== facts.selfId && facts.connectedMs(id) < -1)',
  },
  {
    name: 'any-connection-counts',
    story: 'a member that has only just been reached counts for the quorum',
    file: STRICT,
    find: '>= CONNECTED_MS_MIN',
    replace: '>= 0',
  },
]
