/** lease: owns deadlines of leases. */

import type { ActorBuilder } from '../src/actor/thread-runner.js'
import { openLease } from '../src/lease/open-lease.js'

export const buildLease: ActorBuilder = (context) => openLease(context)
