/** One side of the ring stress: writes or reads a record stream and reports. */

import { parentPort, workerData } from 'node:worker_threads'
import { readStream, writeStream, type StreamPlan } from './record-stream.js'

const { role, plan } = workerData as { role: 'write' | 'read'; plan: StreamPlan }
parentPort?.postMessage(role === 'write' ? writeStream(plan) : readStream(plan))
