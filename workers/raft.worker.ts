/** raft: owns term, vote and log order. */

import type { ActorBuilder } from '../src/actor/thread-runner.js'
import { openRaft } from '../src/raft/open-raft.js'

export const buildRaft: ActorBuilder = (context) => openRaft(context)
