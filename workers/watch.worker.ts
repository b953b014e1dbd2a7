/** watch: owns watchers and fan-out. */

import type { ActorBuilder } from '../src/actor/thread-runner.js'
import { openWatch } from '../src/watch/open-watch.js'

export const buildWatch: ActorBuilder = (context, index) => openWatch(context, index)
