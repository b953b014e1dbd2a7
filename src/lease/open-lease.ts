/** Builds the lease actor with its real neighbours. */

import type { ThreadContext } from '../actor/thread-context.js'
import { requestTimeoutMs } from '../config/limits.js'
import { frontMessages } from '../messages/front-messages.js'
import { raftMessages } from '../messages/raft-messages.js'
import { firstSequence } from '../messages/request-id.js'
import { LeaseActor } from './lease-actor.js'

const SELF = { name: 'lease', index: 0 } as const

export function openLease(context: ThreadContext): LeaseActor {
  const { config, identity } = context.start
  return new LeaseActor({
    words: context.words,
    raft: context.senderTo(raftMessages, SELF, { name: 'raft', index: 0 }),
    fronts: context.sendersTo(frontMessages, SELF, 'front'),
    memberId: identity.memberId,
    firstSequence: firstSequence(context.clock.wallMs()),
    electionMs: config.electionMs,
    requestTimeoutMs: requestTimeoutMs(config.electionMs),
    counters: context.countersOf(SELF),
    logger: context.logger,
  })
}
