/** The entry of a load generator's thread: does what src/ctl/load/grpc-load.ts orders. */

import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { runLoadThread, type LoadThreadStart } from '../../src/ctl/load/load-thread.js'

await runLoadThread(workerData as LoadThreadStart, parentPort as MessagePort)
