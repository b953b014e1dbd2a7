/** The entry of every actor thread: builds the actors that its start message names and runs them until told to stop. */

import { parentPort, workerData } from 'node:worker_threads'
import { runThread } from '../src/actor/thread-runner.js'
import type { ThreadStart } from '../src/actor/thread-start.js'
import { actorBuilders } from './actor-builders.js'

void runThread(workerData as ThreadStart, actorBuilders, (report, transfer) =>
  parentPort?.postMessage(report, transfer),
)
