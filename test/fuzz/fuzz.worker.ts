/** Tries cases of one target on a thread of its own, so that a hang is seen from outside. */

import { parentPort, workerData } from 'node:worker_threads'
import type { FuzzStart } from './fuzz-target.js'
import { runCases } from './run-cases.js'

parentPort?.postMessage(await runCases(workerData as FuzzStart))
