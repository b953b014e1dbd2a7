/** A log writer's thread beside a test, as workers/log.worker runs it. */

import { parentPort, workerData } from 'node:worker_threads'
import { runLogWriter, type LogWriterStart } from '../../src/actor/log/log-writer.js'

runLogWriter(workerData as LogWriterStart)
parentPort?.postMessage('ended')
