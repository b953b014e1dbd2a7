/** An actor thread whose one actor behaves as the test asks. */

import { parentPort, workerData } from 'node:worker_threads'
import { runThread, type ActorBuilders } from '../../src/actor/thread-runner.js'
import type { ThreadStart } from '../../src/actor/thread-start.js'
import { buildersFor, type Behaviour } from './behaviours.js'

const { start, behaviour } = workerData as { start: ThreadStart; behaviour: Behaviour }
const builders: ActorBuilders = buildersFor(behaviour)
void runThread(start, builders, (report, transfer) => parentPort?.postMessage(report, transfer))
