/** jobs: stateless work that takes long, behind every other thread. */

import { yieldToAll } from '../src/actor/jobs/thread-priority.js'
import { hashStore } from '../src/snapshot/store-hash.js'
import { comparePassword, hashPassword } from '../src/auth/password-hash.js'

yieldToAll()

export { comparePassword, hashPassword, hashStore }
