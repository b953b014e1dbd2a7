/** The log writer's thread: takes lines from every thread's ring and writes them, blocking nobody but itself. */

import { workerData } from 'node:worker_threads'
import { runLogWriter, type LogWriterStart } from '../src/actor/log/log-writer.js'

runLogWriter(workerData as LogWriterStart)
