/** Bugs of users and their rights. */

import type { Mutant } from '../mutant.js'

export const AUTH_MUTANTS: readonly Mutant[] = [
  {
    name: 'writes-without-a-right',
    story: 'entries are applied without a look at what their user may do',
    file: 'mvcc/apply/entry-guard.js',
    find: 'return auth.access.check(user, who, needs, view);',
    replace: 'return 0;',
  },
  {
    name: 'reads-without-a-right',
    story: 'a front answers reads to everybody whose token it knows',
    file: 'front/auth/auth-gate.js',
    find: `return typeof who === 'number' ? who : check(who);`,
    replace: `return typeof who === 'number' ? who : 0;`,
  },
  {
    name: 'front-remembers-old-rights',
    story: 'a user\'s rights are read once and kept when roles change (etcd keeps such a cache and has to refresh it)',
    file: 'auth/auth-access.js',
    find: `if (this.stamp !== before)
            this.#users.clear();`,
    replace: `if (before === 0)
            this.#users.clear();`,
  },
]
