/** One side of a one-way benchmark: says that it is ready, begins when told, reports its time. */

import { parentPort, workerData } from 'node:worker_threads'
import { run, type OneWayPlan } from './one-way.js'

const plan = workerData as OneWayPlan
parentPort?.once('message', () => run(plan, (atMs) => parentPort?.postMessage(atMs)))
parentPort?.postMessage('ready')
