/** The entry of a snapshot's helper thread: makes an image of the store in a file and hands it out in chunks. */

import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads'
import { runSnapshotHelper } from '../src/snapshot/snapshot-helper.js'
import type { SnapshotJobStart } from '../src/snapshot/snapshot-protocol.js'

const port = parentPort as MessagePort
runSnapshotHelper(workerData as SnapshotJobStart, port, () => receiveMessageOnPort(port)?.message)
