/** front: owns client sockets and reads. */

import type { ActorBuilder } from '../src/actor/thread-runner.js'
import { openFront } from '../src/front/open-front.js'

export const buildFront: ActorBuilder = (context, index) => openFront(context, index)
