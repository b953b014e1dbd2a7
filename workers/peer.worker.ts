/** peer: owns the sockets between members. */

import type { ActorBuilder } from '../src/actor/thread-runner.js'
import { openPeer } from '../src/peer/open-peer.js'

export const buildPeer: ActorBuilder = (context) => openPeer(context)
